import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Accounts } from '../../../src/control/accounts.ts';
import { openControlDb } from '../../../src/control/control-db.ts';
import { Sessions } from '../../../src/control/sessions.ts';
import { SsoUsers } from '../../../src/control/sso/users.ts';
import type { Identity } from '../../../src/control/sso/provider.ts';

const GOOD = 'correct horse battery';

test('somebody is a subject: the name stays, roles follow the provider and end other sessions', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-sso-'));
  const db = openControlDb(dir);
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const cost = { logN: 4, r: 8, p: 1 };
  const accounts = new Accounts(db, { cost, demand: ['auditor'] });
  const users = new SsoUsers(db, accounts, () => 1_000);
  const sessions = new Sessions(db, accounts);
  const enter = (roles: Identity['roles'], name = 'Dora', subject = 'https://id.example 42') => {
    const entry = users.enter({ subject, name, roles });
    return 'user' in entry ? entry.user : entry.refused;
  };
  const first = enter(['auditor']);
  assert.ok(typeof first !== 'string');
  assert.deepEqual([first.name, first.sso, first.enrol, first.lastLogin], ['dora', true, false, 1_000]);
  const { token } = sessions.create(first, '::1');
  const renamed = enter(['auditor'], 'Dora Smith-Jones');
  assert.ok(typeof renamed !== 'string' && renamed.name === 'dora');
  assert.ok(sessions.get(token) !== null, 'nothing changed');
  const changed = enter(['viewer', 'auditor']);
  assert.ok(typeof changed !== 'string');
  assert.deepEqual(changed.roles, ['viewer', 'auditor']);
  assert.equal(sessions.get(token), null);
  const again = sessions.create(changed, '::1').token;
  assert.equal(enter([]), 'no-role');
  assert.deepEqual(accounts.get('dora')?.roles, [], 'taken away at once, not at the next visit');
  assert.equal(sessions.get(again), null);
  assert.equal(
    enter(['viewer'], 'dora', 'https://other.example 42'),
    'name-taken',
    'another issuer is another person',
  );
  await assert.rejects(accounts.setPassword('dora', GOOD), /has no password here/);
  assert.equal((await accounts.verifyProxy('dora', '')).outcome, 'refused');
});

test('break-glass: one local account may log in, others are told the same as for a wrong password', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-glass-'));
  const db = openControlDb(dir);
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const cost = { logN: 4, r: 8, p: 1 };
  const before = new Accounts(db, { cost });
  for (const name of ['glass', 'alice'])
    await before.add({ name, roles: ['admin'], groups: ['g'], password: GOOD });
  const alice = before.get('alice');
  assert.ok(alice !== null);
  const { token } = new Sessions(db, before).create(alice, '::1');
  const accounts = new Accounts(db, { cost, entrance: { sso: true, local: { only: 'glass' } } });
  assert.equal((await accounts.login('glass', GOOD, '::1')).outcome, 'ok');
  assert.deepEqual(await accounts.login('alice', GOOD, '::1'), { outcome: 'refused' });
  assert.equal(new Sessions(db, accounts).get(token), null, 'a session from before ends too');
  assert.deepEqual(
    await accounts.verifyProxy('alice', GOOD),
    { outcome: 'ok', groups: ['g'] },
    'the proxy is no console',
  );
});
