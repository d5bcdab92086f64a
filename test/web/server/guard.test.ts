import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API } from '../../../web/contract.ts';
import { hostAllowed, originAllowed } from '../../../web/server/guard.ts';
import { errorOf, GOOD, house, loginAsk } from './harness.ts';

test('Host: our address, localhost and named hosts; nothing a resolver could point at us', () => {
  const names = new Set(['audit.example', 'front.example:8443']);
  const allowed = [
    '127.0.0.1:9080',
    '127.0.0.1',
    'localhost:9080',
    'LOCALHOST',
    'audit.example',
    'Audit.Example.:80',
  ];
  for (const host of allowed) assert.equal(hostAllowed(host, '127.0.0.1', names), true, host);
  const refused = [
    undefined,
    '',
    'evil.example',
    'audit.example.evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    '10.0.0.1:9080',
    '2130706433',
    '0x7f000001',
    '127.1',
    'front.example',
    'front.example:443',
    'a b',
    'audit.example:99999',
    'audit.example, evil.example',
    'user@audit.example',
  ];
  for (const host of refused) assert.equal(hostAllowed(host, '127.0.0.1', names), false, String(host));
  assert.equal(hostAllowed('front.example:8443', '127.0.0.1', names), true);
  assert.equal(hostAllowed('[::1]:9080', '::1', names), true);
  assert.equal(hostAllowed('127.0.0.1:9080', '::ffff:127.0.0.1', names), true);
  assert.equal(hostAllowed('[2001:db8::1]', '::1', names), false);
  assert.equal(hostAllowed('127.0.0.1', undefined, names), false);
});

test('origin: same-origin and non-browsers pass; other sites never, typed addresses only to read', () => {
  const host = 'audit.example:9080';
  const table: [string, Record<string, string>, boolean][] = [
    ['GET', {}, true],
    ['POST', {}, true],
    ['GET', { 'sec-fetch-site': 'none' }, true],
    ['POST', { 'sec-fetch-site': 'none' }, false],
    ['GET', { 'sec-fetch-site': 'same-origin' }, true],
    ['GET', { 'sec-fetch-site': 'same-site' }, false],
    ['GET', { 'sec-fetch-site': 'cross-site' }, false],
    ['POST', { 'sec-fetch-site': 'cross-site', origin: `http://${host}` }, false],
    ['POST', { origin: `http://${host}` }, true],
    ['POST', { origin: `https://${host}` }, true],
    ['POST', { origin: 'http://audit.example' }, false],
    ['POST', { origin: 'http://evil.example' }, false],
    ['POST', { origin: 'null' }, false],
    ['GET', { origin: 'http://evil.example' }, false],
  ];
  for (const [method, headers, wanted] of table)
    assert.equal(originAllowed(method, { host, ...headers }), wanted, `${method} ${JSON.stringify(headers)}`);
});

test('a foreign Host gets 421 from pages and API alike, before anything is looked at', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  for (const path of ['/', '/api/me', '/api/search', '/assets/app.js']) {
    const answer = await viewer.get(path, { host: 'rebound.evil.example' });
    assert.equal(answer.status, 421, path);
    assert.equal(errorOf(answer).code, 'wrong-host');
  }
  assert.equal((await viewer.get('/api/me', { host: 'audit.example' })).status, 200);
  assert.equal((await viewer.get('/api/me', { host: `localhost:${h.port}` })).status, 200);
});

test('pages of other sites can neither read nor change, cookie or not', async t => {
  const h = await house(t);
  const auditor = await h.person('auditor');
  const cross = { 'sec-fetch-site': 'cross-site' };
  for (const path of [API.me, API.search, API.live, API.export])
    assert.equal(errorOf(await auditor.get(path, cross)).code, 'csrf', path);
  const evil = { origin: 'http://evil.example' };
  assert.equal(errorOf(await h.ask(API.login, loginAsk('auditor', GOOD, evil))).code, 'csrf');
  assert.equal(errorOf(await auditor.post(API.logout, {}, evil)).code, 'csrf');
  // A link from elsewhere to one of our pages is fine: the page itself holds nothing.
  assert.notEqual((await auditor.get('/traffic', cross)).status, 403);
});

test('no CORS answer is ever given', async t => {
  const h = await house(t);
  const answer = await h.ask(API.login, {
    method: 'OPTIONS',
    headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
  });
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
  assert.equal(answer.status, 403);
});

test('every answer ties the browser’s hands; the API is never cached', async t => {
  const h = await house(t);
  h.audit.put({}, {});
  const auditor = await h.person('auditor');
  for (const path of [
    '/',
    '/traffic',
    '/missing.js',
    '/api/me',
    '/api/search',
    '/api/nothing',
    '/api/ca',
    '/api/export',
  ]) {
    const { headers } = await auditor.get(path);
    assert.match(
      String(headers['content-security-policy']),
      /default-src 'none'.*frame-ancestors 'none'/,
      path,
    );
    assert.doesNotMatch(String(headers['content-security-policy']), /unsafe|\*/, path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['referrer-policy'], 'no-referrer', path);
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin', path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    assert.equal(headers['x-powered-by'], undefined, path);
    if (path.startsWith('/api/')) {
      assert.match(String(headers['cache-control']), /no-store/, path);
      assert.match(String(headers['content-security-policy']), /sandbox/, path);
    }
  }
});
