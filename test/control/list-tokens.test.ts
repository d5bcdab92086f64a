import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { CONTROL_DB_FILE, openControlDb } from '../../src/control/control-db.ts';
import { ListTokens } from '../../src/control/list-tokens.ts';

it('a token is shown once, found by what it is, and gone when revoked', t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-tokens-'));
  const db = openControlDb(dir);
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  let now = 1000;
  const tokens = new ListTokens(db, () => now);
  const token = tokens.add('edge-firewall');
  assert.match(token, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(tokens.use(token), 'edge-firewall');
  assert.equal(tokens.use(`${token}x`), null);
  assert.equal(tokens.use(''), null);
  assert.equal(tokens.use('x'.repeat(1000)), null);
  now += 59_999;
  tokens.use(token);
  assert.deepEqual(tokens.list(), [{ name: 'edge-firewall', created: 1000, used: 1000 }]);
  now += 1;
  tokens.use(token);
  assert.equal(tokens.list()[0]?.used, 61_000);
  assert.throws(() => tokens.add('edge-firewall'), /there is a token "edge-firewall" already/);
  assert.throws(() => tokens.add('no name'), /no usable name/);
  db.pragma('wal_checkpoint(TRUNCATE)');
  assert.ok(!readFileSync(join(dir, CONTROL_DB_FILE)).includes(token), 'the file does not hold it');
  tokens.revoke('edge-firewall');
  assert.equal(tokens.use(token), null);
  assert.throws(() => tokens.revoke('edge-firewall'), /there is no token/);
});
