/** The trail is chained and signed like the records: what was changed, forged, taken out or cut off is found. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { signerOf } from '../../src/audit/statement.ts';
import { openControlDb } from '../../src/control/control-db.ts';
import { Trail } from '../../src/control/trail.ts';
import { signTrail, verifyTrail } from '../../src/control/trail-chain.ts';

const pair = generateKeyPairSync('ed25519');
const signer = signerOf(pair.privateKey);

it('shows every kind of tampering, and fits when there was none', t => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-trail-'));
  const db = openControlDb(dir);
  t.after(() => {
    db.close();
    fs.rmSync(dir, { recursive: true });
  });
  // A line from before the chain.
  db.exec(`INSERT INTO trail (time, user, address, action, detail) VALUES (1, 'a', 'x', 'old', '{}')`);
  // Two processes write by turns.
  const one = new Trail(db, () => 1000);
  const other = openControlDb(dir);
  const two = new Trail(other, () => 2000);
  for (let i = 0; i < 6; i++) {
    (i % 2 === 0 ? one : two).append({
      user: i % 3 === 0 ? null : 'ann',
      address: 'ü',
      action: 'test',
      detail: { i },
    });
    if (i % 2 === 1) assert.equal(signTrail(db, signer, i), true);
  }
  other.close();
  assert.equal(signTrail(db, signer, 9), false, 'nothing new');
  one.append({ user: 'bob', address: '::1', action: 'last' });
  const { findings, ...report } = verifyTrail(db, pair.publicKey);
  assert.deepEqual(findings, []);
  assert.deepEqual(report, { lines: 7, unchained: 1, checkpoints: 3, unsigned: 1 });

  for (const name of [
    'trail_no_update',
    'trail_no_delete',
    'trail_link_no_update',
    'trail_link_no_delete',
    'trail_checkpoint_no_update',
    'trail_checkpoint_no_delete',
  ])
    db.exec(`DROP TRIGGER ${name}`);
  const after = (sql: string): string[] => {
    db.exec(`BEGIN; ${sql}`);
    const found = verifyTrail(db, pair.publicKey).findings.map(f => `${f.problem} ${f.id ?? ''}`.trim());
    db.exec('ROLLBACK');
    return found;
  };
  assert.equal(after(`UPDATE trail SET user = 'eve' WHERE id = 4`)[0], 'changed 4');
  assert.ok(after('DELETE FROM trail WHERE id = 4').includes('missing 4'));
  assert.ok(
    after('DELETE FROM trail WHERE id = 4; DELETE FROM trail_link WHERE id = 4').includes('changed 5'),
  );
  assert.deepEqual(after(`INSERT INTO trail VALUES (99, 1, NULL, '', 'forged', '{}')`), ['inserted 99']);
  assert.ok(
    after('DELETE FROM trail WHERE id > 5; DELETE FROM trail_link WHERE id > 5').includes('truncated'),
  );
  assert.deepEqual(after(`UPDATE trail_checkpoint SET signature = zeroblob(64) WHERE n = 3`), ['signature']);
  assert.deepEqual(after('DELETE FROM trail_checkpoint WHERE n = 2'), ['missing']);
  const stranger = generateKeyPairSync('ed25519').publicKey;
  assert.deepEqual([...new Set(verifyTrail(db, stranger).findings.map(f => f.problem))], ['signature']);
});
