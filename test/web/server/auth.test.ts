import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request } from 'express';
import { PERMISSIONS, PERMISSIONS_OF, ROLES } from '../../../web/contract.ts';
import type { Role } from '../../../web/contract.ts';
import { ApiFailure } from '../../../web/server/answer.ts';
import { findCaller, meOf, requireCaller, requireCsrf, sessionTokens } from '../../../web/server/auth.ts';
import type { ConsoleSessions } from '../../../web/server/deps.ts';

const request = (headers: Record<string, string>) =>
  ({ headers, socket: { remoteAddress: '::ffff:10.0.0.1' } }) as unknown as Request;

function sessionsOf(tokens: Record<string, Role[]>): ConsoleSessions {
  const session = (token: string) => ({
    id: token,
    user: { name: token, roles: tokens[token] ?? [], sso: false, enrol: false },
    expires: 0,
    idleExpires: 0,
  });
  return {
    create: () => assert.fail('no session is made here'),
    get: token => (Object.hasOwn(tokens, token) ? session(token) : null),
    end: () => undefined,
  };
}

test('cookies: ours among others, the __Host- one first, never more than four', () => {
  const tokens = (cookie: string) => sessionTokens(request({ cookie }));
  assert.deepEqual(tokens('a=1; sightglass=x; b=2'), ['x']);
  assert.deepEqual(tokens('sightglass=x;__Host-sightglass=y'), ['y', 'x']);
  assert.deepEqual(tokens('xsightglass=1; sightglassx=2; =3; sightglass'), []);
  assert.equal(tokens(Array.from({ length: 50 }, () => 'sightglass=x').join(';')).length, 4);
  assert.deepEqual(sessionTokens(request({})), []);
});

test('a planted cookie beside the real one neither helps nor harms', () => {
  const sessions = sessionsOf({ real: ['viewer'] });
  const caller = findCaller(request({ cookie: 'sightglass=planted; sightglass=real' }), sessions);
  assert.equal(caller?.session.user.name, 'real');
  assert.equal(caller?.address, '10.0.0.1');
});

test('permissions are those of all roles together, and asked one by one', () => {
  const sessions = sessionsOf({ both: ['policy-author', 'viewer'], robot: ['proxy'] });
  const both = request({ cookie: 'sightglass=both' });
  assert.ok(requireCaller(both, sessions, 'policy'));
  const refusedAs = (code: string) => (error: unknown) => error instanceof ApiFailure && error.code === code;
  assert.throws(() => requireCaller(both, sessions, 'body'), refusedAs('not-allowed'));
  assert.throws(() => requireCaller(request({}), sessions, null), refusedAs('signed-out'));
  for (const permission of PERMISSIONS)
    assert.throws(
      () => requireCaller(request({ cookie: 'sightglass=robot' }), sessions, permission),
      refusedAs('not-allowed'),
    );
});

test('the CSRF token belongs to one session and reveals nothing of it', () => {
  const session = {
    id: 's',
    user: { name: 'a', roles: [], sso: false, enrol: false },
    expires: 0,
    idleExpires: 0,
  };
  const { csrf } = meOf('token-one', session);
  assert.notEqual(csrf, meOf('token-two', session).csrf);
  assert.ok(!csrf.includes('token'));
  requireCsrf(request({ 'x-csrf-token': csrf }), 'token-one');
  assert.throws(() => requireCsrf(request({ 'x-csrf-token': csrf }), 'token-two'), ApiFailure);
  assert.throws(() => requireCsrf(request({}), 'token-one'), ApiFailure);
});

test('every role has its permissions, and only people who may alter nothing but rules may write rules', () => {
  assert.deepEqual(Object.keys(PERMISSIONS_OF).sort(), [...ROLES].sort());
  assert.deepEqual(PERMISSIONS_OF.proxy, []);
  assert.ok(!PERMISSIONS_OF.viewer.includes('body') && !PERMISSIONS_OF['policy-author'].includes('body'));
});
