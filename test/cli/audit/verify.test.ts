/** `sightglass audit verify` and `key`: a good store passes, a touched one fails and names the row; the public key is all it needs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { auditKeyDir, openAuditKey } from '../../../ca/audit-key.ts';
import { auditCommand } from '../../../src/cli/audit.ts';
import { keyIdOf } from '../../../src/audit/statement.ts';
import { pair, recorded, witnessOf } from '../../audit/verify/recorded.ts';
import { scratch } from '../../audit/sample.ts';
import { runVerb } from '../run-verb.ts';

describe('audit key', () => {
  it('prints the public key and its fingerprint, never the private one', async t => {
    const dataDir = scratch(t);
    const run = (...argv: string[]) => runVerb(t, auditCommand(), 'key', ...argv, '--data-dir', dataDir);
    await assert.rejects(run(), /no audit key yet/);
    const { publicKey } = openAuditKey(auditKeyDir(dataDir), null);
    const { out } = await run();
    assert.equal(keyIdOf(createPublicKey(out)), keyIdOf(publicKey));
    assert.doesNotMatch(out, /PRIVATE/);
    assert.equal((await run('--fingerprint')).out.trim(), keyIdOf(publicKey));
    const file = path.join(dataDir, 'audit.pem');
    await run('--out', file);
    assert.match(
      execFileSync('openssl', ['pkey', '-pubin', '-in', file, '-noout', '-text'], { encoding: 'utf8' }),
      /ED25519/,
    );
  });
});

describe('audit verify', () => {
  it('says that everything fits, or what does not', async t => {
    const dataDir = scratch(t);
    const dir = recorded(dataDir, 5);
    const key = path.join(dataDir, 'key.pem');
    fs.writeFileSync(key, pair.publicKey.export({ type: 'spki', format: 'pem' }));
    const run = (...argv: string[]) =>
      runVerb(t, auditCommand(), 'verify', '--key', key, '--data-dir', dataDir, ...argv);
    const good = await run('--witness', witnessOf(dataDir));
    assert.equal(good.code, 0, good.out);
    assert.match(good.out, /2026-11-20 {2}ok .*sealed/);
    assert.match(good.out, /witness: \d+ checkpoints compared\neverything fits/);

    const db = new Database(path.join(dir, '2026-11-22.db'));
    db.exec('UPDATE exchange SET n = 77 WHERE id = 2');
    db.close();
    const bad = await run();
    assert.equal(bad.code, 1);
    assert.match(bad.out, /2026-11-22 {2}BAD/);
    assert.match(bad.out, /CHANGED 2026-11-22 #\d+ exchange 1-\w+\.77 of 2026-11-22T/);
    const json = await run('--day', '2026-11-22', '--json');
    const report = JSON.parse(json.out) as { ok: boolean; findings: { problem: string }[] };
    assert.deepEqual([report.ok, report.findings[0]?.problem, json.code], [false, 'changed', 1]);
    assert.equal((await run('--day', '2026-11-20')).code, 0);
    await assert.rejects(run('--day', '2001-01-01'), /no day file/);
    fs.writeFileSync(key, 'nothing');
    await assert.rejects(run(), /holds no Ed25519 public key/);
  });
});
