import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API, BACKGROUND_HEADER } from '../../../../web/contract.ts';
import type { LoginAnswer, SessionAnswer } from '../../../../web/contract.ts';
import { cookieOf, errorOf, GOOD, house, loginAsk } from '../harness.ts';

const MINUTE = 60_000;

test('log-in: one sentence for wrong name and wrong password, a strict cookie for the right ones', async t => {
  const h = await house(t);
  await h.person('admin', 'root');
  const wrong = await h.ask(API.login, loginAsk('root', 'wrong password'));
  const unknown = await h.ask(API.login, loginAsk('nobody', GOOD));
  assert.equal(wrong.status, 401);
  assert.deepEqual(errorOf(wrong), errorOf(unknown));
  assert.equal(wrong.headers['set-cookie'], undefined);

  const right = await h.ask(API.login, loginAsk(' Root ', GOOD));
  assert.match(
    String(right.headers['set-cookie']?.[0]),
    /^sightglass=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
  );
  const { me } = right.json<LoginAnswer>();
  assert.deepEqual([me.name, me.roles], ['root', ['admin']]);
  assert.ok(!right.text.includes(cookieOf(right).split('=')[1] ?? '?'), 'the token is in the cookie only');
});

test('behind a TLS front the cookie is Secure under a __Host- name', async t => {
  const h = await house(t);
  await h.person('admin', 'root');
  const front = { host: 'audit.example', origin: 'https://audit.example' };
  const answer = await h.ask(API.login, loginAsk('root', GOOD, front));
  assert.match(
    String(answer.headers['set-cookie']?.[0]),
    /^__Host-sightglass=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  );
  const me = await h.ask(API.me, { headers: { ...front, cookie: cookieOf(answer) } });
  assert.equal(me.json<SessionAnswer>().state, 'signed-in');
});

test('lock-out: told with the time to wait, for unknown names as well, and in the trail', async t => {
  const h = await house(t);
  await h.person('admin', 'root');
  for (const name of ['root', 'nobody']) {
    for (let i = 0; i < 5; i++)
      assert.equal((await h.ask(API.login, loginAsk(name, `wrong ${i}`))).status, 401);
    const locked = await h.ask(API.login, loginAsk(name, GOOD));
    assert.equal(locked.status, 429);
    assert.equal(locked.headers['retry-after'], '30');
    const { code, retryAfter } = errorOf(locked);
    assert.deepEqual({ code, retryAfter }, { code: 'log-in-locked', retryAfter: 30 });
  }
  h.clock.now += 30_000;
  assert.equal((await h.ask(API.login, loginAsk('root', GOOD))).status, 200);
  const actions = h.trail.page(null, 100).rows.map(r => r.action);
  assert.equal(actions.filter(a => a === 'login.refused').length, 10);
  assert.equal(actions.filter(a => a === 'login.locked').length, 2);
});

test('the trail keeps no password, not even one typed into the name field', async t => {
  const h = await house(t);
  await h.person('admin', 'root');
  await h.ask(API.login, loginAsk('my secret: hunter2!', 'another secret'));
  const rows = h.trail.page(null, 10).rows;
  assert.deepEqual(rows[0]?.detail, { name: '(not a user name)' });
  assert.doesNotMatch(JSON.stringify(rows), /hunter2|another secret/);
});

test('log-in makes a new session and ends the one the browser came with (no fixation)', async t => {
  const h = await house(t);
  const root = await h.person('admin', 'root');
  const planted = `sightglass=${'A'.repeat(43)}`;
  const again = await h.ask(API.login, loginAsk('root', GOOD, { cookie: `${planted}; ${root.cookie}` }));
  const fresh = cookieOf(again);
  assert.notEqual(fresh, planted);
  assert.notEqual(fresh, root.cookie);
  assert.equal((await root.get(API.search)).status, 401);
  assert.equal((await h.ask(API.search, { headers: { cookie: planted } })).status, 401);
  assert.equal((await h.ask(API.search, { headers: { cookie: fresh } })).status, 200);
});

test('log-out ends the session on the server and takes the cookie away', async t => {
  const h = await house(t);
  const root = await h.person('admin', 'root');
  const out = await root.post(API.logout, {});
  assert.equal(out.status, 200);
  assert.ok(out.headers['set-cookie']?.every(c => /=; .*Max-Age=0/.test(c)));
  assert.equal((await root.get(API.search)).status, 401);
  assert.equal(h.trail.page(null, 1).rows[0]?.action, 'logout');
});

test('a change needs the token of its own session', async t => {
  const h = await house(t);
  const root = await h.person('admin', 'root');
  const other = await h.person('viewer', 'other');
  for (const token of ['', 'none', other.csrf, `${root.csrf}x`]) {
    const answer = await root.post(API.logout, {}, { 'x-csrf-token': token });
    assert.equal(errorOf(answer).code, 'csrf', token);
  }
  const bare = await h.ask(API.login, loginAsk('root', GOOD, { 'x-csrf-token': '' }));
  assert.equal(
    errorOf(bare).code,
    'csrf',
    'also where there is no session: a form of another site sets no header',
  );
  assert.equal((await root.get(API.logout)).status, 404, 'and never by GET');
  assert.equal((await root.post(API.logout, {})).status, 200);
});

test('sessions end by idleness, by age, by another password and by a shut account', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  h.clock.now += 29 * MINUTE;
  assert.equal((await viewer.get(API.search)).status, 200);
  h.clock.now += 30 * MINUTE;
  assert.equal((await viewer.get(API.search)).status, 401);

  const auditor = await h.person('auditor');
  for (let i = 0; i < 35; i++) {
    h.clock.now += 20 * MINUTE;
    assert.equal((await auditor.get(API.search)).status, 200);
  }
  h.clock.now += 20 * MINUTE;
  assert.equal((await auditor.get(API.search)).status, 401);

  const author = await h.person('policy-author');
  await h.accounts.setPassword('policy-author', `${GOOD} staple`);
  assert.equal((await author.get(API.search)).status, 401);
  const admin = await h.person('admin');
  h.accounts.disable('admin');
  assert.equal((await admin.get(API.search)).status, 401);
});

test('what a page asks by itself keeps no session alive', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  for (let i = 0; i < 2; i++) {
    h.clock.now += 10 * MINUTE;
    assert.equal((await viewer.get(API.me)).json<SessionAnswer>().state, 'signed-in');
    assert.equal((await viewer.get(API.status)).status, 200);
    assert.equal((await viewer.get(API.search, { [BACKGROUND_HEADER]: '1' })).status, 200);
  }
  h.clock.now += 10 * MINUTE;
  assert.equal((await viewer.get(API.me)).json<SessionAnswer>().state, 'signed-out');
});

test('me tells the version to nobody who is not signed in', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  assert.equal((await h.ask(API.me)).json<SessionAnswer>().product.version, '');
  const { me, product } = (await viewer.get(API.me)).json<SessionAnswer>();
  assert.equal(product.version, '9.9.9');
  assert.deepEqual(me?.can, ['search', 'detail', 'status']);
  assert.equal(me?.expires, '2026-11-21T00:00:00.000Z');
  assert.equal(me?.idleExpires, '2026-11-20T12:30:00.000Z');
});
