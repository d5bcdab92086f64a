import assert from 'node:assert/strict';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { loadPolicyFile } from '../../src/policy/load.ts';
import { shippedFolder, writeShippedPolicy } from '../../src/policy/shipped.ts';

it('the shipped policy is copied with its list, under any name, over nothing', async t => {
  const dir = await mkdtemp(join(tmpdir(), 'sightglass-shipped-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'new', 'rules.yaml');
  assert.equal(await writeShippedPolicy(file), true);
  const loaded = await loadPolicyFile(file);
  assert.ok(loaded.ok);
  assert.ok((loaded.compiled.lists.get('pinned')?.set.size ?? 0) > 50);
  await writeFile(file, 'mine');
  assert.equal(await writeShippedPolicy(file), false);
  assert.equal(await readFile(file, 'utf8'), 'mine');
  await rm(file);
  await writeFile(join(dir, 'new', 'lists', 'pinned.txt'), 'mine.test\n');
  assert.equal(await writeShippedPolicy(file), true);
  assert.equal(await readFile(join(dir, 'new', 'lists', 'pinned.txt'), 'utf8'), 'mine.test\n');
});

it('every group of the pinned list says why', async () => {
  const text = await readFile(join(await shippedFolder(), 'lists', 'pinned.txt'), 'utf8');
  await access(join(await shippedFolder(), 'policy.yaml'));
  for (const block of text.trim().split(/\n\s*\n/))
    assert.match(block, /^# \S/, `this group has no reason:\n${block}`);
});
