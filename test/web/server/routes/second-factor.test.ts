import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { URI } from 'otpauth';
import { API } from '../../../../web/contract.ts';
import type {
  LoginAnswer,
  RecoveryCodes,
  SecondFactorBegun,
  SecondFactorView,
  SessionAnswer,
} from '../../../../web/contract.ts';
import type { Role } from '../../../../web/contract.ts';
import { cookieOf, errorOf, GOOD, house, loginAsk } from '../harness.ts';
import type { House, Person } from '../harness.ts';

const STEP = 30_000;

/** Somebody who has switched it on, and what the app shows. */
async function enrolled(
  h: House,
  role: Role,
): Promise<{ person: Person; code: () => string; codes: string[]; secret: string }> {
  const before = await h.person(role);
  const begun = (await before.post(API.secondFactorBegin, { password: GOOD })).json<SecondFactorBegun>();
  const code = (): string => {
    h.clock.now += STEP;
    return URI.parse(begun.uri).generate({ timestamp: h.clock.now });
  };
  const answer = await before.post(API.secondFactorConfirm, { code: code() });
  assert.equal(answer.status, 200, answer.text);
  const { me, codes } = answer.json<RecoveryCodes>();
  const headers = { cookie: cookieOf(answer) };
  const person: Person = {
    ...{ name: role, cookie: headers.cookie, csrf: me.csrf },
    get: path => h.ask(path, { headers }),
    post: (path, body) =>
      h.ask(path, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'x-csrf-token': me.csrf },
        body: JSON.stringify(body),
      }),
  };
  assert.equal((await before.get(API.search)).status, 401, 'the session of the password alone has ended');
  return { person, code, codes, secret: begun.secret };
}

const actionsOf = (h: House): string[] => h.trail.page(null, 100).rows.map(row => row.action);

async function withDemand(t: TestContext, demand: Role[]): Promise<House> {
  return house(t, { demand });
}

test('enrolment needs the password, the first code, and hands out recovery codes once', async t => {
  const h = await house(t);
  const auditor = await h.person('auditor');
  assert.equal(
    errorOf(await auditor.post(API.secondFactorBegin, { password: 'wrong' })).code,
    'log-in-refused',
  );
  assert.equal(errorOf(await auditor.post(API.secondFactorBegin, {})).code, 'bad-request');
  const begun = await auditor.post(API.secondFactorBegin, { password: GOOD });
  assert.equal(errorOf(await auditor.post(API.secondFactorConfirm, { code: '12345' })).code, 'code-refused');
  const stranger = await h.ask(API.secondFactorConfirm, loginAsk('x', 'y'));
  assert.equal(errorOf(stranger).code, 'signed-out');
  const noToken = await auditor.post(API.secondFactorBegin, { password: GOOD }, { 'x-csrf-token': 'none' });
  assert.equal(errorOf(noToken).code, 'csrf');
  const { secret } = begun.json<SecondFactorBegun>();
  assert.deepEqual(actionsOf(h).slice(0, 3), [
    'second-factor.refused',
    'second-factor.begun',
    'second-factor.refused',
  ]);
  assert.doesNotMatch(JSON.stringify(h.trail.page(null, 100)), new RegExp(secret));
});

test('log-in asks for the code as a second step, and the trail tells which factor it was', async t => {
  const h = await house(t);
  const { code, codes } = await enrolled(h, 'auditor');
  const login = (more: object) => {
    const ask = loginAsk('auditor', GOOD);
    return h.ask(API.login, { ...ask, body: JSON.stringify({ name: 'auditor', password: GOOD, ...more }) });
  };
  const asked = await login({});
  assert.deepEqual([asked.status, errorOf(asked).code], [401, 'code-needed']);
  assert.equal(asked.headers['set-cookie'], undefined);
  assert.equal(errorOf(await login({ code: '000000' })).code, 'code-refused');
  const right = code();
  const inside = await login({ code: right });
  assert.equal(inside.status, 200);
  assert.equal(errorOf(await login({ code: right })).code, 'code-refused', 'never twice');
  assert.equal((await login({ code: codes[0] ?? '' })).status, 200);
  assert.equal(errorOf(await login({ code: codes[0] ?? '' })).code, 'code-refused');
  const rows = h.trail.page(null, 6).rows;
  assert.deepEqual(
    rows.map(row => [row.action, row.detail['factor'] ?? null]),
    [
      ['login.wrong-code', null],
      ['login.done', 'recovery'],
      ['login.wrong-code', null],
      ['login.done', 'code'],
      ['login.wrong-code', null],
      ['login.code-needed', null],
    ],
  );
  assert.doesNotMatch(JSON.stringify(rows), new RegExp(`${right}|${codes[0]}`));
});

test('five wrong codes lock the account out, in the session as well', async t => {
  const h = await house(t);
  const { person, code } = await enrolled(h, 'auditor');
  for (let n = 0; n < 5; n++)
    assert.equal(errorOf(await person.post(API.secondFactorRemove, { code: 'ABCD' })).code, 'code-refused');
  const locked = await person.post(API.secondFactorRemove, { code: '000000' });
  assert.deepEqual([locked.status, errorOf(locked).code], [429, 'log-in-locked']);
  assert.deepEqual(actionsOf(h).slice(0, 2), ['second-factor.locked', 'second-factor.refused']);
  assert.equal(
    (await person.post(API.secondFactorRemove, { code: code() })).status,
    200,
    'half a minute later',
  );
});

test('other recovery codes and taking it away need a code; other sessions end with it', async t => {
  const h = await house(t);
  const { person, code, codes } = await enrolled(h, 'auditor');
  const renewed = await person.post(API.secondFactorRecovery, { code: code() });
  assert.equal(renewed.json<RecoveryCodes>().codes.length, 10);
  const view = (await person.get(API.secondFactor)).json<SecondFactorView>();
  assert.deepEqual([view.since !== null, view.recoveryLeft, view.demanded], [true, 10, false]);
  assert.equal(
    errorOf(await person.post(API.secondFactorRemove, { code: codes[1] ?? '' })).code,
    'code-refused',
  );
  assert.equal(errorOf(await person.post(API.secondFactorBegin, { password: GOOD })).code, 'conflict');
  const removed = await person.post(API.secondFactorRemove, { code: code() });
  assert.equal(removed.json<LoginAnswer>().me.name, 'auditor');
  assert.equal((await person.get(API.search)).status, 401);
  assert.equal((await h.ask(API.search, { headers: { cookie: cookieOf(removed) } })).status, 200);
  assert.equal((await h.ask(API.login, loginAsk('auditor', GOOD))).status, 200);
});

test('a role that demands it gets nothing before: no page, no record, only the way to set it up', async t => {
  const h = await withDemand(t, ['auditor']);
  const due = await h.person('auditor');
  const { me } = (await due.get(API.me)).json<SessionAnswer>();
  assert.deepEqual([me?.enrol, me?.can], [true, []]);
  for (const path of [
    API.search,
    API.status,
    API.deploy,
    API.ca,
    API.trail,
    API.people,
    '/api/exchange/1a-1.1',
  ])
    assert.equal(errorOf(await due.get(path)).code, 'enrol-needed', path);
  assert.equal((await due.get(API.secondFactor)).json<SecondFactorView>().demanded, true);
  assert.equal((await due.post(API.logout, {})).status, 200);

  const h2 = await withDemand(t, ['auditor']);
  const { person } = await enrolled(h2, 'auditor');
  assert.equal((await person.get(API.search)).status, 200);
  const viewer = await h2.person('viewer');
  assert.equal((await viewer.get(API.search)).status, 200, 'other roles are not asked');
});
