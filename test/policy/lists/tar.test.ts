import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { isTar, readTar } from '../../../src/policy/lists/tar.ts';
import { bytesOf } from './helper.ts';

/** Longer than the hundred characters of the name field, yet with a place where ustar may split it. */
const LONG = `${'x'.repeat(90)}/${'y'.repeat(60)}`;

/** An archive made by the real tar. */
async function archive(t: TestContext, format: string): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), 'sightglass-tar-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  await mkdir(join(dir, 'bl', LONG), { recursive: true });
  await mkdir(join(dir, 'bl', 'a'));
  await writeFile(join(dir, 'bl', 'a', 'domains'), 'x.test\n'.repeat(200));
  await writeFile(join(dir, 'bl', 'a', 'empty'), '');
  await writeFile(join(dir, 'bl', LONG, 'domains'), 'long.test\n');
  return execFileSync('tar', ['-C', dir, `--format=${format}`, '--sort=name', '-cf', '-', 'bl']);
}

async function list(chunks: AsyncIterable<Buffer>): Promise<[string, string][]> {
  const out: [string, string][] = [];
  for await (const file of readTar(chunks)) {
    const parts: Buffer[] = [];
    for await (const c of file.chunks) parts.push(c);
    out.push([file.path, Buffer.concat(parts).toString()]);
  }
  return out;
}

describe('tar', () => {
  for (const format of ['ustar', 'gnu', 'pax'])
    it(`reads what tar writes as ${format}, whole and byte by byte`, async t => {
      const bytes = await archive(t, format);
      assert.ok(isTar(bytes));
      const files = await list(bytesOf(bytes));
      assert.deepEqual(files, [
        ['bl/a/domains', 'x.test\n'.repeat(200)],
        ['bl/a/empty', ''],
        [`bl/${LONG}/domains`, 'long.test\n'],
      ]);
      const single = Array.from({ length: bytes.length }, (_, i) => bytes.subarray(i, i + 1));
      assert.deepEqual(await list(bytesOf(...single)), files);
    });

  it('goes on to the next file when one is not read', async t => {
    const paths: string[] = [];
    for await (const { path } of readTar(bytesOf(await archive(t, 'gnu')))) paths.push(path);
    assert.equal(paths.length, 3);
  });

  it('tells damage', async t => {
    const bytes = await archive(t, 'gnu');
    await assert.rejects(list(bytesOf(bytes.subarray(0, 2000))), /cut short/);
    const broken = Buffer.from(bytes);
    broken[3] = 0x41;
    await assert.rejects(list(bytesOf(broken)), /checksum/);
    assert.equal(isTar(broken), false);
    assert.equal(isTar(Buffer.alloc(512)), false);
    assert.equal(isTar(Buffer.from('x')), false);
  });
});
