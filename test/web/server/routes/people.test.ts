import assert from 'node:assert/strict';
import { test } from 'node:test';
import { URI } from 'otpauth';
import { API } from '../../../../web/contract.ts';
import type { PeopleView } from '../../../../web/contract.ts';
import { errorOf, GOOD, house, loginAsk } from '../harness.ts';

test('people are for admins; a lost second factor is taken away by another admin, in the trail', async t => {
  const h = await house(t, { demand: ['admin'] });
  const { secondFactors } = h.accounts;
  const enrol = (name: string): void => {
    const begun = secondFactors.begin(name);
    assert.ok(begun !== null);
    assert.ok(
      secondFactors.confirm(name, URI.parse(begun.uri).generate({ timestamp: h.clock.now })) !== null,
    );
  };
  await h.accounts.add({ name: 'root', roles: ['admin'], password: GOOD });
  enrol('root');
  const user = h.accounts.get('root');
  assert.ok(user !== null);
  const { token } = h.sessions.create(user, '::1');
  const cookie = `sightglass=${token}`;
  const { csrf } = (await h.ask(API.me, { headers: { cookie } })).json<{ me: { csrf: string } }>().me;
  const post = (body: object, headers = {}) =>
    h.ask(API.peopleReset, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', 'x-csrf-token': csrf, ...headers },
      body: JSON.stringify(body),
    });
  const auditor = await h.person('auditor', 'bob');
  assert.equal(errorOf(await auditor.get(API.people)).code, 'not-allowed');
  assert.equal(errorOf(await auditor.post(API.peopleReset, { name: 'root' })).code, 'not-allowed');
  enrol('bob');

  const view = (await h.ask(API.people, { headers: { cookie } })).json<PeopleView>();
  assert.deepEqual(view.demand, ['admin']);
  assert.deepEqual(
    view.people.map(p => [p.name, p.roles, p.secondFactor !== null]),
    [
      ['bob', ['auditor'], true],
      ['root', ['admin'], true],
    ],
  );
  assert.equal(errorOf(await post({ name: 'root' })).code, 'bad-request', 'not the own one');
  assert.equal(errorOf(await post({ name: 'nobody' })).code, 'not-found');
  assert.equal(errorOf(await post({ name: 'bob' }, { 'x-csrf-token': '' })).code, 'csrf');
  assert.equal((await post({ name: 'bob' })).status, 200);
  const [line] = h.trail.page(null, 1).rows;
  assert.deepEqual(
    [line?.user, line?.action, line?.detail],
    ['root', 'second-factor.reset', { name: 'bob' }],
  );
  assert.equal((await h.ask(API.login, loginAsk('bob', GOOD))).status, 200);
  assert.equal(errorOf(await post({ name: 'bob' })).code, 'not-found', 'there is none any more');
});
