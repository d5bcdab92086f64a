/** An evidence bundle proves its rows with the public key alone; whatever is touched in it afterwards is found. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { makeBundle } from '../../../src/audit/evidence/bundle.ts';
import { dayFiles } from '../../../src/audit/evidence/source.ts';
import { verifyBundle } from '../../../src/audit/evidence/verify.ts';
import { generateKeyPairSync } from 'node:crypto';
import { makeRng } from '../../fuzz/rng.ts';
import { NOON, query, scratch } from '../sample.ts';
import { pair, recorded, signer } from '../verify/recorded.ts';
import type { Kind } from '../../../src/audit/query/ast.ts';

const publicPem = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));

function bundle(
  dir: string,
  out: string,
  kind: Kind,
  text: string,
  format: 'ndjson' | 'csv' = 'ndjson',
  limit?: number,
) {
  return makeBundle({
    source: dayFiles(dir),
    out,
    kind,
    query: query(text, kind),
    format,
    signer,
    publicPem,
    by: 'tester',
    version: '1',
    now: NOON,
    ...(limit === undefined ? {} : { limit }),
  });
}

describe('an evidence bundle', () => {
  it('proves rows of every kind and format, many or few', async t => {
    const base = scratch(t);
    const dir = recorded(base, 20);
    let n = 0;
    for (const [kind, text, format, limit] of [
      ['exchanges', '', 'ndjson'],
      ['exchanges', 'status:404', 'csv'],
      ['flows', '', 'csv'],
      ['flows', 'host:www.example.test', 'ndjson', 7],
      ['events', '', 'ndjson'],
      ['exchanges', 'host:nowhere.test', 'ndjson'],
    ] as const) {
      const out = path.join(base, `out-${++n}`);
      const manifest = await bundle(dir, out, kind, text, format, limit);
      const report = verifyBundle(out, pair.publicKey);
      assert.deepEqual(report.findings, [], `${kind} ${text}`);
      assert.equal(report.rows, manifest.rows);
      assert.equal(report.proven, manifest.rows);
      assert.deepEqual([manifest.unsigned, manifest.unchained], [0, 0]);
    }
    const whole = path.join(base, 'out-1');
    assert.equal(verifyBundle(whole, pair.publicKey).rows, 60);
    const stranger = generateKeyPairSync('ed25519').publicKey;
    assert.ok(verifyBundle(whole, stranger).findings.some(f => f.problem === 'signature'));
    await assert.rejects(() => bundle(dir, whole, 'flows', ''), /EEXIST/);
  });

  it('shows every changed byte of every file', async t => {
    const base = scratch(t);
    const dir = recorded(base, 10);
    const out = path.join(base, 'out');
    await bundle(dir, out, 'exchanges', '');
    const rng = makeRng(5);
    for (const name of fs.readdirSync(out)) {
      const file = path.join(out, name);
      const good = fs.readFileSync(file);
      for (let i = 0; i < 12; i++) {
        const bad = Buffer.from(good);
        const at = rng.int(bad.length);
        bad[at] = (bad[at] ?? 0) ^ (1 << rng.int(7));
        fs.writeFileSync(file, bad);
        assert.ok(verifyBundle(out, pair.publicKey).findings.length > 0, `${name} byte ${at}`);
      }
      fs.writeFileSync(file, good);
    }
    assert.deepEqual(verifyBundle(out, pair.publicKey).findings, []);
  });

  it('is made in turns as well, and ends where it is told to', async t => {
    const base = scratch(t);
    const dir = recorded(base, 20);
    const options = {
      ...({ kind: 'flows', query: query('', 'flows'), format: 'ndjson', signer, publicPem } as const),
      source: dayFiles(dir),
      ...{ by: 'tester', version: '1', now: NOON, limit: 50 },
    };
    const out = path.join(base, 'whole');
    let turns = 0;
    const clock = setInterval(() => turns++, 0);
    const manifest = await makeBundle({ ...options, out }, new AbortController().signal);
    clearInterval(clock);
    assert.ok(turns > 0, 'others had their turn');
    assert.deepEqual([manifest.rows, manifest.limit], [50, 50]);
    assert.deepEqual(verifyBundle(out, pair.publicKey).findings, []);

    const files = (): number => fs.readdirSync('/proc/self/fd').length;
    const before = files();
    const stop = new AbortController();
    setImmediate(() => stop.abort(new Error('gone')));
    await assert.rejects(makeBundle({ ...options, out: path.join(base, 'cut') }, stop.signal), /gone/);
    assert.ok(files() <= before, 'its files are closed');
  });

  it('is not saved by a new manifest: the rows are proven by checkpoints of their time', async t => {
    const base = scratch(t);
    const dir = recorded(base, 10);
    const out = path.join(base, 'out');
    await bundle(dir, out, 'exchanges', '');
    const proof = path.join(out, 'proof.ndjson');
    fs.writeFileSync(
      proof,
      fs.readFileSync(proof, 'utf8').replace(/"text":"exchange (\d+) 1 /, '"text":"exchange $1 2 '),
    );
    const found = verifyBundle(out, pair.publicKey).findings;
    assert.ok(found.some(f => f.problem === 'chain'));
    assert.ok(
      found.some(f => f.problem === 'changed' && f.text.includes('is not the row that was recorded')),
    );
    fs.rmSync(path.join(out, 'checkpoints.ndjson'));
    assert.ok(verifyBundle(out, pair.publicKey).findings.some(f => f.text.includes('have no checkpoint')));
    fs.writeFileSync(path.join(out, 'manifest.json'), '{"format":');
    assert.ok(verifyBundle(out, pair.publicKey).findings.some(f => f.problem === 'unreadable'));
  });
});
