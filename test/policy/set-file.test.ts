import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setDigest } from '../../src/policy/compile.ts';
import { compileDomainSet } from '../../src/policy/domain-set.ts';
import { pruneSetFiles, readSetFile, writeSetFile } from '../../src/policy/set-file.ts';

it('sets are written once, read back whole, refused when damaged, and cleared away', async t => {
  const dir = join(await mkdtemp(join(tmpdir(), 'sightglass-sets-')), 'cache');
  t.after(() => rm(join(dir, '..'), { recursive: true, force: true }));
  const names = Array.from({ length: 100_000 }, (_, i) => ({
    name: `h${i}.example`,
    match: 'both' as const,
  }));
  const buffer = compileDomainSet(names);
  const digest = setDigest(buffer);
  const path = await writeSetFile(dir, buffer, digest);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const { mtimeMs } = await stat(path);
  assert.equal(await writeSetFile(dir, buffer, digest), path);
  assert.equal((await stat(path)).mtimeMs, mtimeMs, 'not written twice');
  assert.ok((await readSetFile(path, digest)).equals(buffer));
  await assert.rejects(readSetFile(path, '0'.repeat(32)), /damaged/);
  await truncate(path, 100);
  await assert.rejects(readSetFile(path, digest), /damaged/);
  await writeSetFile(dir, buffer, digest);
  assert.ok((await readSetFile(path, digest)).equals(buffer), 'a short file is written again');
  await writeFile(join(dir, 'x.draft'), '');
  await writeFile(join(dir, 'other'), '');
  await pruneSetFiles(dir, new Set([digest]));
  assert.deepEqual((await readdir(dir)).sort(), [`${digest}.set`, 'other']);
  await pruneSetFiles(dir, new Set());
  assert.deepEqual(await readdir(dir), ['other']);
});
