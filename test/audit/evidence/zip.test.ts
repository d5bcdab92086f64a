/** A bundle as a zip: verified like its folder, every flipped byte found, what is too large or no zip refused. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { zipSync } from 'fflate';
import { makeBundle } from '../../../src/audit/evidence/bundle.ts';
import { dayFiles } from '../../../src/audit/evidence/source.ts';
import { verifyBundle } from '../../../src/audit/evidence/verify.ts';
import { filesOfZip, writeZip, zipFolder } from '../../../src/audit/evidence/zip.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { NOON, query, scratch } from '../sample.ts';
import { pair, recorded, signer } from '../verify/recorded.ts';

it('says what its folder says, and shows every flipped byte', async t => {
  const base = scratch(t);
  const out = path.join(base, 'out');
  const publicPem = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));
  await makeBundle({
    ...{ source: dayFiles(recorded(base, 10)), out, kind: 'exchanges', query: query('', 'exchanges') },
    ...{ format: 'ndjson', signer, publicPem, by: 'tester', version: '1', now: NOON },
  });
  const file = path.join(base, 'case.zip');
  await writeZip(out, file);
  await assert.rejects(() => writeZip(out, file), /EEXIST/);
  const { manifest, rows, proven, findings } = verifyBundle(file, pair.publicKey);
  assert.deepEqual([manifest?.rows, rows, proven, findings], [30, 30, 30, []]);

  const good = fs.readFileSync(file);
  assert.deepEqual(Buffer.concat([...zipFolder(out)]), good, 'the same folder is the same zip');
  const rng = makeRng(11);
  const flipped = (at: number): Buffer => {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] ?? 0) ^ (1 << rng.int(7));
    return bad;
  };
  // Every byte of the zip as such is covered, also what no reader looks at; what is in it is covered by the signature too.
  for (let at = 0; at < good.length; at += at < 60 || at > good.length - 600 ? 1 : 101)
    assert.notEqual(filesOfZip(flipped(at)).problem, null, `byte ${at}`);
  for (let i = 0; i < 20; i++) {
    const at = rng.int(good.length);
    fs.writeFileSync(file, flipped(at));
    assert.ok(verifyBundle(file, pair.publicKey).findings.length > 0, `byte ${at}`);
  }
  for (const end of [0, 10, good.length >> 1, good.length - 1]) {
    fs.writeFileSync(file, good.subarray(0, end));
    assert.ok(verifyBundle(file, pair.publicKey).findings.length > 0, `cut at ${end}`);
  }

  // Python's reader, which checks sums, unpacks the same; what it packs anew is told from what was exported.
  fs.writeFileSync(file, good);
  const again = path.join(base, 'again');
  execFileSync('python3', ['-m', 'zipfile', '-e', file, again]);
  assert.deepEqual(verifyBundle(path.join(again, 'evidence'), pair.publicKey).findings, []);
  const files = fs.readdirSync(out).map(name => [name, fs.readFileSync(path.join(out, name))] as const);
  fs.writeFileSync(file, zipSync(Object.fromEntries(files)));
  const [anew, ...none] = verifyBundle(file, pair.publicKey).findings;
  assert.deepEqual([anew?.problem, none], ['outside-rows', []]);
});

it('unpacks no more than its bound', () => {
  const bomb = Buffer.from(zipSync({ 'data.ndjson': new Uint8Array(5000) }));
  assert.match(filesOfZip(bomb, 4999).problem ?? '', /too large/);
  assert.equal(filesOfZip(bomb, 5000).files?.get('data.ndjson')?.length, 5000);
  assert.equal(filesOfZip(Buffer.from('no zip')).files, null);
});
