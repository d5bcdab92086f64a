import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { AccountError } from '../../src/control/account-rules.ts';
import { Accounts } from '../../src/control/accounts.ts';
import { openControlDb } from '../../src/control/control-db.ts';
import type { ControlDb } from '../../src/control/control-db.ts';

const GOOD = 'correct horse battery';
const MINUTE = 60_000;
const cheap = { logN: 4, r: 8, p: 1 };

interface House {
  accounts: Accounts;
  db: ControlDb;
  clock: { now: number };
}

function house(t: TestContext): House {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-accounts-'));
  const db = openControlDb(dir);
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const clock = { now: Date.UTC(2026, 10, 20) };
  return { accounts: new Accounts(db, { now: () => clock.now, cost: cheap }), db, clock };
}

const refusedAs = (code: string) => (error: unknown) =>
  error instanceof AccountError && error.code === code && error.hint !== '';

test('a user is made, listed and found; the password is stored as scrypt only', async t => {
  const { accounts, db } = house(t);
  const made = await accounts.add({
    name: ' Alice ',
    roles: ['auditor'],
    groups: ['finance'],
    password: GOOD,
  });
  assert.deepEqual(made, accounts.get('alice'));
  assert.deepEqual(
    accounts.list().map(u => [u.name, u.roles, u.groups, u.disabled]),
    [['alice', ['auditor'], ['finance'], false]],
  );
  const { password } = db.prepare('SELECT password FROM users').get() as { password: string };
  assert.match(password, /^scrypt\$4\$8\$1\$/);
  assert.ok(!password.includes(GOOD));
});

test('what the rules refuse is not made, and a name is taken once', async t => {
  const { accounts } = house(t);
  await accounts.add({ name: 'alice', roles: ['viewer'], password: GOOD });
  const refused = [
    ['exists', { name: 'ALICE', roles: ['viewer'], password: GOOD }],
    ['bad-role', { name: 'bob', roles: ['root'], password: GOOD }],
    ['bad-password', { name: 'bob', roles: ['viewer'], password: 'short' }],
  ] as const;
  for (const [code, user] of refused) await assert.rejects(accounts.add(user), refusedAs(code));
  const twins = await Promise.allSettled(
    [1, 2].map(() => accounts.add({ name: 'bob', roles: ['viewer'], password: GOOD })),
  );
  assert.deepEqual(twins.map(twin => twin.status).sort(), ['fulfilled', 'rejected']);
  assert.equal(accounts.list().length, 2);
});

test('log-in: right, wrong, unknown, shut, proxy-only', async t => {
  const { accounts } = house(t);
  await accounts.add({ name: 'root', roles: ['admin'], password: GOOD });
  await accounts.add({ name: 'alice', roles: ['auditor'], password: GOOD });
  await accounts.add({ name: 'robot', roles: ['proxy'], password: GOOD });
  const outcome = async (name: string, password: string) =>
    (await accounts.login(name, password, '10.0.0.1')).outcome;
  assert.equal(await outcome('Alice', GOOD), 'ok');
  assert.notEqual(accounts.get('alice')?.lastLogin, null);
  assert.equal(await outcome('alice', `${GOOD} `), 'refused');
  assert.equal(await outcome('nobody', GOOD), 'refused');
  assert.equal(await outcome('robot', GOOD), 'no-console');
  accounts.disable('alice');
  assert.equal(await outcome('alice', GOOD), 'refused');
  accounts.enable('alice');
  assert.equal(await outcome('alice', GOOD), 'ok');
  await accounts.setPassword('alice', `${GOOD} staple`);
  assert.equal(await outcome('alice', GOOD), 'refused');
  assert.equal(await outcome('alice', `${GOOD} staple`), 'ok');
});

test('composed and decomposed spelling of a password are the same', async t => {
  const { accounts } = house(t);
  await accounts.add({
    name: 'alice',
    roles: ['viewer'],
    password: 'schöne grüße aus köln'.normalize('NFC'),
  });
  const { outcome } = await accounts.login('alice', 'schöne grüße aus köln'.normalize('NFD'), '10.0.0.1');
  assert.equal(outcome, 'ok');
});

test('five failures lock the account, known or not, for a time that doubles; the right password waits too', async t => {
  const { accounts, clock } = house(t);
  await accounts.add({ name: 'alice', roles: ['viewer'], password: GOOD });
  for (const name of ['alice', 'nobody']) {
    for (let i = 0; i < 5; i++)
      assert.equal((await accounts.login(name, 'wrong password', `10.1.0.${i}`)).outcome, 'refused');
    assert.deepEqual(await accounts.login(name, GOOD, '10.9.0.1'), { outcome: 'locked', waitMs: 30_000 });
  }
  clock.now += 30_000;
  assert.equal((await accounts.login('alice', 'wrong password', '10.1.0.9')).outcome, 'refused');
  assert.deepEqual(await accounts.login('alice', GOOD, '10.9.0.1'), { outcome: 'locked', waitMs: 60_000 });
  clock.now += 60_000;
  assert.equal((await accounts.login('alice', GOOD, '10.9.0.1')).outcome, 'ok');
  assert.equal((await accounts.login('alice', 'wrong password', '10.9.0.1')).outcome, 'refused');
  assert.equal((await accounts.login('alice', GOOD, '10.9.0.1')).outcome, 'ok');
});

test('guesses sent at once count one by one', async t => {
  const { accounts } = house(t);
  await accounts.add({ name: 'alice', roles: ['viewer'], password: GOOD });
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, (_, i) => accounts.login('alice', `wrong password ${i}`, '10.0.0.1')),
  );
  assert.equal(outcomes.filter(o => o.outcome === 'refused').length, 5);
  assert.equal(outcomes.filter(o => o.outcome === 'locked').length, 7);
});

test('one address that guesses at many accounts is locked; an IPv6 host counts as its /64', async t => {
  const { accounts } = house(t);
  await accounts.add({ name: 'alice', roles: ['viewer'], password: GOOD });
  for (let i = 0; i < 20; i++) await accounts.login(`user${i}`, 'wrong password', `2001:db8::${i + 1}`);
  assert.equal((await accounts.login('alice', GOOD, '2001:db8::ffff')).outcome, 'locked');
  assert.equal((await accounts.login('alice', GOOD, '2001:db8:0:1::1')).outcome, 'ok');
});

test('another password or `enable` opens a lock at once', async t => {
  const { accounts } = house(t);
  await accounts.add({ name: 'alice', roles: ['viewer'], password: GOOD });
  for (let i = 0; i < 5; i++) await accounts.login('alice', 'wrong password', `10.1.0.${i}`);
  assert.equal((await accounts.login('alice', GOOD, '10.9.0.1')).outcome, 'locked');
  accounts.enable('alice');
  assert.equal((await accounts.login('alice', GOOD, '10.9.0.1')).outcome, 'ok');
});

test('the last usable admin cannot be shut', async t => {
  const { accounts } = house(t);
  await accounts.add({ name: 'root', roles: ['admin'], password: GOOD });
  assert.throws(() => accounts.disable('root'), refusedAs('last-admin'));
  await accounts.add({ name: 'second', roles: ['admin', 'auditor'], password: GOOD });
  accounts.disable('root');
  assert.throws(() => accounts.disable('second'), refusedAs('last-admin'));
  assert.throws(() => accounts.disable('nobody'), refusedAs('unknown'));
});

test('set-up token: once, for a day, the newest only, and never when an admin exists', async t => {
  const { accounts, clock, db } = house(t);
  assert.equal(accounts.needsSetup(), true);
  const old = accounts.issueSetupToken() ?? '';
  const token = accounts.issueSetupToken() ?? '';
  assert.match(token, /^[\w-]{43}$/);
  assert.ok(!JSON.stringify(db.prepare('SELECT hex(token) AS t FROM setup').all()).includes(token));
  for (const wrong of ['', old, `${token}x`])
    await assert.rejects(accounts.redeemSetup(wrong, 'root', GOOD), refusedAs('set-up-refused'));
  await assert.rejects(accounts.redeemSetup(token, 'root', 'short'), refusedAs('bad-password'));
  clock.now += 24 * 60 * MINUTE;
  await assert.rejects(accounts.redeemSetup(token, 'root', GOOD), refusedAs('set-up-refused'));
  const fresh = accounts.issueSetupToken() ?? '';
  const both = await Promise.allSettled([
    accounts.redeemSetup(fresh, 'root', GOOD),
    accounts.redeemSetup(fresh, 'rival', GOOD),
  ]);
  assert.deepEqual(both.map(b => b.status).sort(), ['fulfilled', 'rejected']);
  assert.equal(accounts.list().length, 1);
  assert.equal(accounts.needsSetup(), false);
  assert.equal(accounts.issueSetupToken(), null);
  await assert.rejects(accounts.redeemSetup(fresh, 'late', GOOD), refusedAs('set-up-refused'));
});

test('proxy credentials: any enabled user with the exact name; groups come along', async t => {
  const { accounts } = house(t);
  await accounts.add({ name: 'root', roles: ['admin'], password: GOOD });
  await accounts.add({ name: 'robot', roles: ['proxy'], groups: ['build', 'night'], password: GOOD });
  const ok = { outcome: 'ok', groups: ['build', 'night'] };
  assert.deepEqual(await accounts.verifyProxy('robot', GOOD, '10.0.0.1'), ok);
  assert.deepEqual(await accounts.verifyProxy('robot', GOOD), ok);
  assert.equal((await accounts.verifyProxy('root', GOOD)).outcome, 'ok');
  for (const [name, password] of [
    ['Robot', GOOD],
    ['robot', 'wrong password'],
    ['nobody', GOOD],
    ['', ''],
  ] as const)
    assert.deepEqual(await accounts.verifyProxy(name, password), { outcome: 'refused' });
});

test('a kept proof dies with the password, the account and its time', async t => {
  const { accounts, clock } = house(t);
  await accounts.add({ name: 'root', roles: ['admin'], password: GOOD });
  await accounts.add({ name: 'robot', roles: ['proxy'], password: GOOD });
  assert.equal((await accounts.verifyProxy('robot', GOOD)).outcome, 'ok');
  accounts.disable('robot');
  assert.equal((await accounts.verifyProxy('robot', GOOD)).outcome, 'refused');
  accounts.enable('robot');
  assert.equal((await accounts.verifyProxy('robot', GOOD)).outcome, 'ok');
  await accounts.setPassword('robot', `${GOOD} staple`);
  assert.equal((await accounts.verifyProxy('robot', GOOD)).outcome, 'refused');
  assert.equal((await accounts.verifyProxy('robot', `${GOOD} staple`)).outcome, 'ok');
  // Lock the account: a proof less than five minutes old still passes, an older one does not.
  for (let i = 0; i < 5; i++) await accounts.verifyProxy('robot', `wrong password ${i}`);
  assert.equal((await accounts.verifyProxy('robot', `${GOOD} staple`)).outcome, 'ok');
  for (let i = 0; i < 4; i++) {
    clock.now += 90_000;
    await accounts.verifyProxy('robot', `wrong password again ${i}`);
  }
  assert.equal((await accounts.verifyProxy('robot', `${GOOD} staple`)).outcome, 'refused');
});

test('the same credentials asked at once are one attempt', async t => {
  const { accounts } = house(t);
  await accounts.add({ name: 'robot', roles: ['proxy'], password: GOOD });
  const wrong = await Promise.all(
    Array.from({ length: 40 }, () => accounts.verifyProxy('robot', 'old password of a stale client')),
  );
  assert.ok(wrong.every(o => o.outcome === 'refused'));
  assert.equal((await accounts.verifyProxy('robot', GOOD)).outcome, 'ok');
});

test('more checks than may wait are answered as unavailable, not as refused', async t => {
  const { accounts } = house(t);
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, (_, i) => accounts.verifyProxy(`user${i}`, GOOD)),
  );
  const count = (outcome: string) => outcomes.filter(o => o.outcome === outcome).length;
  assert.ok(count('unavailable') > 0);
  assert.equal(count('unavailable') + count('refused'), 200);
});
