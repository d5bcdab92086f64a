import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Accounts } from '../../src/control/accounts.ts';
import type { User } from '../../src/control/account-rules.ts';
import { openControlDb } from '../../src/control/control-db.ts';
import type { ControlDb } from '../../src/control/control-db.ts';
import { Sessions } from '../../src/control/sessions.ts';

const GOOD = 'correct horse battery';
const MINUTE = 60_000;

interface House {
  db: ControlDb;
  accounts: Accounts;
  sessions: Sessions;
  user: User;
  clock: { now: number };
}

async function house(t: TestContext): Promise<House> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-sessions-'));
  const db = openControlDb(dir);
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const clock = { now: Date.UTC(2026, 10, 20) };
  const now = () => clock.now;
  const accounts = new Accounts(db, { now, cost: { logN: 4, r: 8, p: 1 } });
  await accounts.add({ name: 'root', roles: ['admin'], password: GOOD });
  const user = await accounts.add({ name: 'alice', roles: ['auditor'], password: GOOD });
  return { db, accounts, sessions: new Sessions(db, accounts, { now }), user, clock };
}

test('a session opens with its token, whose bytes are not in the store', async t => {
  const { db, sessions, user } = await house(t);
  const { token, session } = sessions.create(user, '10.0.0.1');
  assert.match(token, /^[\w-]{43}$/);
  assert.deepEqual(sessions.get(token), session);
  const stored = db.prepare('SELECT token FROM sessions').all() as { token: Buffer }[];
  assert.equal(stored.length, 1);
  assert.notDeepEqual(stored[0]?.token, Buffer.from(token, 'base64url'));
  for (const wrong of ['', 'x', token.slice(1), session.id, `${token}a`])
    assert.equal(sessions.get(wrong), null);
});

test('idle: 30 minutes without use end it, use keeps it, watching does not', async t => {
  const { sessions, user, clock } = await house(t);
  const { token } = sessions.create(user, '10.0.0.1');
  clock.now += 29 * MINUTE;
  assert.notEqual(sessions.get(token), null);
  clock.now += 29 * MINUTE;
  assert.notEqual(sessions.get(token, false), null);
  clock.now += 1 * MINUTE;
  assert.equal(sessions.get(token), null);
  clock.now -= 20 * MINUTE;
  assert.equal(sessions.get(token), null, 'a clock that steps back revives nothing');
});

test('absolute: 12 hours end it, however busy', async t => {
  const { sessions, user, clock } = await house(t);
  const { token, session } = sessions.create(user, '10.0.0.1');
  const start = clock.now;
  assert.equal(session.expires, start + 12 * 60 * MINUTE);
  while (clock.now < start + 12 * 60 * MINUTE - 20 * MINUTE) {
    clock.now += 20 * MINUTE;
    assert.notEqual(sessions.get(token), null);
  }
  clock.now = start + 12 * 60 * MINUTE;
  assert.equal(sessions.get(token), null);
});

test('log-out ends one session, not its neighbours', async t => {
  const { sessions, user } = await house(t);
  const one = sessions.create(user, '10.0.0.1').token;
  const two = sessions.create(user, '10.0.0.1').token;
  sessions.end(one);
  assert.equal(sessions.get(one), null);
  assert.notEqual(sessions.get(two), null);
});

test('another password and a shut account end every session', async t => {
  const { accounts, sessions, user } = await house(t);
  const before = sessions.create(user, '10.0.0.1').token;
  await accounts.setPassword('alice', `${GOOD} staple`);
  assert.equal(sessions.get(before), null);
  const again = accounts.get('alice');
  assert.ok(again !== null);
  const after = sessions.create(again, '10.0.0.1').token;
  accounts.disable('alice');
  assert.equal(sessions.get(after), null);
  accounts.enable('alice');
  assert.equal(sessions.get(after), null, 'opening the account again revives no session');
});

test('sessions survive a restart; the oldest beyond 20 goes', async t => {
  const { db, accounts, sessions, user, clock } = await house(t);
  const tokens = Array.from({ length: 21 }, () => {
    clock.now += 1000;
    return sessions.create(user, '10.0.0.1').token;
  });
  const restarted = new Sessions(db, accounts, { now: () => clock.now });
  assert.deepEqual(
    tokens.map(token => restarted.get(token) !== null),
    [false, ...Array.from({ length: 20 }, () => true)],
  );
});

test('dead sessions are swept when a new one is made', async t => {
  const { db, sessions, user, clock } = await house(t);
  sessions.create(user, '10.0.0.1');
  clock.now += 31 * MINUTE;
  sessions.create(user, '10.0.0.1');
  assert.deepEqual(db.prepare('SELECT count(*) AS n FROM sessions').get(), { n: 1 });
});
