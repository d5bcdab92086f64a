import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openControlDb } from '../../src/control/control-db.ts';
import { SetupToken } from '../../src/control/setup-token.ts';

test('one token at a time, for a day, until it is used; the store knows only its hash', t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-setup-'));
  const db = openControlDb(dir);
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  let now = 1_000;
  const setup = new SetupToken(db, () => now);
  assert.ok(!setup.isRight(''));
  const first = setup.issue();
  const second = setup.issue();
  assert.ok(!setup.isRight(first));
  assert.ok(setup.isRight(second));
  const { token } = db.prepare('SELECT token FROM setup').get() as { token: Buffer };
  assert.equal(token.length, 32);
  assert.ok(!token.includes(second));
  now += 24 * 3_600_000 - 1;
  assert.ok(setup.isRight(second));
  now += 1;
  assert.ok(!setup.isRight(second));
  const third = setup.issue();
  setup.end();
  assert.ok(!setup.isRight(third));
});
