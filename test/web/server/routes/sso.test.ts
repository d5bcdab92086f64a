import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { consoleSso } from '../../../../src/control/sso/console-sso.ts';
import { SsoProvider } from '../../../../src/control/sso/provider.ts';
import { SsoUsers } from '../../../../src/control/sso/users.ts';
import { API, SSO } from '../../../../web/contract.ts';
import type { LogoutAnswer, SessionAnswer } from '../../../../web/contract.ts';
import type { ConsoleSso } from '../../../../web/server/deps.ts';
import { startProvider } from '../../../helpers/oidc.ts';
import type { TestProvider } from '../../../helpers/oidc.ts';
import { errorOf, GOOD, house, loginAsk } from '../harness.ts';
import type { Answer, House } from '../harness.ts';

const CONSOLE = 'https://audit.example';
const SECRET = 'a client secret that nobody may ever see';
const ROLES = [
  { value: 'audit-team', role: 'auditor' },
  { value: 'cn=admins,dc=example', role: 'admin' },
] as const;

interface Stage {
  h: House;
  provider: TestProvider;
  /** A browser at the console: `Host` of the front, and its cookies. */
  go: (path: string, cookie?: string) => Promise<Answer>;
  /** From the button to the end of the road: what the callback answers. */
  visit: (subject: string) => Promise<Answer>;
}

async function stage(t: TestContext): Promise<Stage> {
  const provider = await startProvider(t, CONSOLE, SECRET);
  let sso: ConsoleSso | null = null;
  const lazy: ConsoleSso = {
    consoleUrl: CONSOLE,
    localAccounts: true,
    begin: () => there(sso).begin(),
    finish: (search, ticket) => there(sso).finish(search, ticket),
    logoutUrl: () => there(sso).logoutUrl(),
  };
  const h = await house(t, { deps: { sso: lazy } });
  const plan = {
    ...{ issuer: provider.issuer, clientId: 'sightglass', clientSecret: SECRET, consoleUrl: CONSOLE },
    ...{ userClaim: 'preferred_username', roleClaim: 'groups', roles: ROLES, ca: [provider.ca] },
  };
  sso = consoleSso(new SsoProvider(plan), new SsoUsers(h.db, h.accounts, () => h.clock.now), true);
  await h.accounts.add({ name: 'root', roles: ['admin'], password: GOOD });
  const go: Stage['go'] = (path, cookie = '') =>
    h.ask(path, { headers: { host: 'audit.example', cookie, 'sec-fetch-site': 'cross-site' } });
  return {
    ...{ h, provider, go },
    async visit(subject) {
      const { url, cookie } = await begin(go);
      const back = await provider.logIn(url, subject);
      return go(back.pathname + back.search, cookie);
    },
  };
}

function there(sso: ConsoleSso | null): ConsoleSso {
  assert.ok(sso !== null);
  return sso;
}

async function begin(go: Stage['go']): Promise<{ url: string; cookie: string }> {
  const start = await go(SSO.start);
  assert.equal(start.status, 303, start.text);
  const [set = ''] = start.headers['set-cookie'] ?? [];
  assert.match(set, /^__Host-sightglass-sso=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/);
  return { url: start.headers.location ?? '', cookie: set.split(';', 1)[0] ?? '' };
}

/** The session cookie that an answer sets, if any. */
const sessionOf = (answer: Answer): string | undefined =>
  answer.headers['set-cookie']?.find(
    line => line.startsWith('__Host-sightglass=') && !line.includes('Max-Age=0'),
  );

const placeOf = (answer: Answer): string => answer.headers.location ?? answer.text;

test('the way through: PKCE, state and nonce at the provider, then a session like any other', async t => {
  const { h, provider, go } = await stage(t);
  provider.people['42'] = { preferred_username: 'Dora@Example.com', groups: ['staff', 'audit-team'] };
  const { url, cookie } = await begin(go);
  const asked = new URL(url).searchParams;
  assert.equal(asked.get('code_challenge_method'), 'S256');
  assert.ok((asked.get('state') ?? '').length > 30 && (asked.get('nonce') ?? '').length > 30);
  assert.ok(!url.includes(SECRET));
  const back = await provider.logIn(url, '42');
  const inside = await go(back.pathname + back.search, cookie);
  assert.equal(placeOf(inside), '/');
  const session = sessionOf(inside) ?? '';
  assert.match(session, /^__Host-sightglass=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  const headers = { host: 'audit.example', cookie: session.split(';', 1)[0] };
  const { me } = (await h.ask(API.me, { headers })).json<SessionAnswer>();
  assert.deepEqual([me?.name, me?.roles, me?.enrol], ['dora@example.com', ['auditor'], false]);
  assert.equal((await h.ask(API.search, { headers })).status, 200);
  const line = h.trail.page(null, 10).rows.find(row => row.action === 'login.done');
  assert.deepEqual([line?.user, line?.detail], ['dora@example.com', { factor: 'sso' }]);

  const out = await h.ask(API.logout, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', 'x-csrf-token': me?.csrf },
    body: '{}',
  });
  const there = new URL(out.json<LogoutAnswer>().provider ?? '');
  assert.equal(there.origin, provider.issuer);
  assert.equal(there.searchParams.get('post_logout_redirect_uri'), `${CONSOLE}/login`);
  assert.equal((await h.ask(API.search, { headers })).status, 401);
  assert.doesNotMatch(JSON.stringify([h.trail.page(null, 100), h.logged]), new RegExp(SECRET));
});

test('an answer counts once, in the browser that asked, for ten minutes, and unchanged', async t => {
  const { h, provider, go } = await stage(t);
  provider.people['42'] = { preferred_username: 'dora', groups: 'audit-team' };
  const first = await begin(go);
  const back = await provider.logIn(first.url, '42');
  const callback = back.pathname + back.search;
  const other = await begin(go);
  assert.equal(placeOf(await go(callback)), '/login?sso=stale', 'no cookie: begun in another browser');
  assert.equal(placeOf(await go(callback, `${first.cookie}x`)), '/login?sso=stale', 'a forged cookie');
  assert.equal(placeOf(await go(callback, other.cookie)), '/login?sso=failed', 'another state');
  h.clock.now += 10 * 60_000;
  assert.equal(placeOf(await go(callback, first.cookie)), '/login?sso=stale', 'too late');
  h.clock.now -= 60_000;
  assert.equal(placeOf(await go(callback, first.cookie)), '/');
  assert.equal(placeOf(await go(callback, first.cookie)), '/login?sso=failed', 'the code is used up');
  assert.equal(
    (await go('/sso/callback?code=x', first.cookie)).headers['set-cookie']?.length,
    1,
    'no session',
  );
});

test('who has no role, a name of somebody else, a shut account or says no stays outside, and is told why', async t => {
  const { h, provider, go, visit } = await stage(t);
  const { people } = provider;
  people['1'] = { preferred_username: 'eve', groups: ['staff'] };
  assert.equal(placeOf(await visit('1')), '/login?sso=no-role');
  people['2'] = { preferred_username: 'root', groups: ['cn=admins,dc=example'] };
  assert.equal(placeOf(await visit('2')), '/login?sso=name-taken', 'nobody becomes a local account');
  people['3'] = { preferred_username: '<script>', groups: ['audit-team'] };
  assert.equal(placeOf(await visit('3')), '/login?sso=bad-name');
  people['4'] = { groups: ['audit-team'] };
  assert.equal(placeOf(await visit('4')), '/login?sso=failed');
  people['5'] = { preferred_username: 'dora', groups: ['audit-team'] };
  assert.equal(placeOf(await visit('5')), '/');
  people['6'] = { preferred_username: 'dora', groups: ['audit-team'] };
  assert.equal(placeOf(await visit('6')), '/login?sso=name-taken', 'nor another subject');
  h.accounts.disable('dora');
  assert.equal(placeOf(await visit('5')), '/login?sso=shut');
  const { url, cookie } = await begin(go);
  const back = await provider.cancel(url);
  assert.equal(placeOf(await go(back.pathname + back.search, cookie)), '/login?sso=denied');
  const refused = h.trail.page(null, 100).rows.filter(row => row.action === 'login.refused');
  assert.deepEqual(
    refused.map(row => row.detail['why']),
    ['denied', 'shut', 'name-taken', 'failed', 'bad-name', 'name-taken', 'no-role'],
  );
  assert.equal(
    errorOf(await h.ask(API.login, loginAsk('dora', ''))).code,
    'log-in-refused',
    'there is no password',
  );
});

test('the provider is away: the log-in page says so, sessions go on, and it works again when it is back', async t => {
  const { h, provider, go } = await stage(t);
  await provider.stop();
  assert.equal(placeOf(await go(SSO.start)), '/login?sso=away');
  const [line] = h.trail.page(null, 1).rows;
  assert.deepEqual([line?.action, line?.detail['why']], ['login.refused', 'away']);
  assert.match(String(line?.detail['reason']), /ECONNREFUSED|Error/);
  const { ways } = (await h.ask(API.me)).json<SessionAnswer>();
  assert.deepEqual(ways, { sso: true, local: true });
  assert.equal(
    (await h.ask(API.login, loginAsk('root', GOOD))).status,
    200,
    'the local admin is not shut out',
  );
});

test('who came by another address begins at the one the provider knows, once', async t => {
  const { h } = await stage(t);
  const elsewhere = await h.ask(SSO.start);
  assert.equal(placeOf(elsewhere), `${CONSOLE}/sso/start?again=1`);
  assert.match(placeOf(await h.ask(`${SSO.start}?again=1`)), /^https:\/\/127\.0\.0\.1:\d+\/auth\?/);
});
