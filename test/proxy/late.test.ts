/** Rules that look at the origin or at requests, carried out by the real proxy. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import {
  converse,
  openTunnel,
  OriginCa,
  startOrigin,
  startProxy,
  tlsInside,
  type TestProxy,
  type TestProxyOptions,
} from '../helpers/proxy.ts';

const ca = new OriginCa();
const stranger = new OriginCa();
let origin: Awaited<ReturnType<typeof startOrigin>>;
let unknown: Awaited<ReturnType<typeof startOrigin>>;
let requests: string[] = [];

before(async () => {
  const answer: Parameters<typeof startOrigin>[2] = (req, res) => {
    requests.push(`${req.method} ${req.url}`);
    req.resume().on('end', () => res.end('ok'));
  };
  origin = await startOrigin(ca, 'www.test', answer);
  unknown = await startOrigin(stranger, 'www.test', answer);
});
after(async () => {
  await origin.stop();
  await unknown.stop();
  ca.remove();
  stranger.remove();
});

async function proxyWith(t: { after(f: () => unknown): void }, policy: string): Promise<TestProxy> {
  const options: TestProxyOptions = {
    trust: [ca.pem],
    policy,
    flags: { 'origin.resolve': 'www.test=127.0.0.1' },
  };
  const proxy = await startProxy(options);
  t.after(() => proxy.stop());
  requests = [];
  return proxy;
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: www.test\r\n${more}\r\n`;

describe('rules on the origin', () => {
  const rule = (when: string, action: string): string =>
    `version: 1\ndefault: inspect\nrules:\n  - { name: late, when: { ${when} }, action: ${action} }\n`;

  test('an origin that a rule blocks is never sent a request, and the client reads why', async t => {
    const proxy = await proxyWith(t, rule("origin-subject: '*www.test*'", 'block'));
    const { socket, port } = await openTunnel(proxy.port, `www.test:${origin.port}`);
    const tls = await tlsInside(socket, 'www.test', proxy.ca);
    assert.match(await converse(tls, get('/')), /^HTTP\/1\.1 403 /);
    const row = await proxy.flowOf(port);
    assert.deepEqual(
      [row.verdict?.action, row.verdict?.rule, row.fault],
      ['block', 'late', 'blocked-by-policy'],
    );
    assert.deepEqual(row.facts?.origin, {
      subject: row.originCert?.subject,
      issuer: row.originCert?.issuer,
      fault: null,
    });
    assert.deepEqual(requests, []);
    assert.equal(proxy.proxy.counters.inspected, 0);
  });

  test('a rule may pass an origin through after seeing it: the client then meets the origin itself', async t => {
    const proxy = await proxyWith(t, rule('origin-fault: [cert-untrusted, cert-self-signed]', 'passthrough'));
    const { socket, port } = await openTunnel(proxy.port, `www.test:${unknown.port}`);
    const tls = await tlsInside(socket, 'www.test', stranger.pem);
    assert.match(await converse(tls, get('/', 'Connection: close\r\n')), /ok$/);
    const row = await proxy.flowOf(port);
    assert.deepEqual(
      [row.verdict?.action, row.verdict?.rule, row.fault, row.exchanges],
      ['passthrough', 'late', null, 0],
    );
    assert.equal(proxy.proxy.counters.passed, 1);
  });

  test('no rule makes a refused certificate acceptable', async t => {
    const proxy = await proxyWith(t, rule("origin-fault: '*'", 'inspect'));
    const { socket, port } = await openTunnel(proxy.port, `www.test:${unknown.port}`);
    const failed = await new Promise<string>(resolve => {
      const tls = tlsConnect({ socket, servername: 'www.test', ca: proxy.ca }, () => resolve('trusted'));
      tls.once('error', (e: NodeJS.ErrnoException) => resolve(e.code ?? e.message));
    });
    assert.notEqual(failed, 'trusted');
    const row = await proxy.flowOf(port);
    assert.match(row.fault ?? '', /^cert-/);
    assert.equal(row.verdict?.rule, 'late');
  });

  test('an origin that no rule names is inspected as before', async t => {
    const proxy = await proxyWith(t, rule("origin-subject: '*other*'", 'block'));
    const { socket, port } = await openTunnel(proxy.port, `www.test:${origin.port}`);
    const tls = await tlsInside(socket, 'www.test', proxy.ca);
    assert.match(await converse(tls, get('/', 'Connection: close\r\n')), /ok$/);
    const row = await proxy.flowOf(port);
    assert.deepEqual([row.verdict?.rule, row.facts?.origin], ['default', undefined]);
  });
});

describe('rules on requests', () => {
  const policy = `version: 1
default: inspect
rules:
  - { name: no-upload, when: { method: [POST, PUT], path: /up/* }, action: block }
  - { name: deep, when: { path: /deep }, action: inspect, capture: bodies }
`;

  test('one request is refused and recorded with its rule, another goes on', async t => {
    const proxy = await proxyWith(t, policy);
    const { socket } = await openTunnel(proxy.port, `www.test:${origin.port}`);
    const tls = await tlsInside(socket, 'www.test', proxy.ca);
    assert.match(await converse(tls, get('/up/x'), /ok$/), /200 OK/);
    assert.match(await converse(tls, get('/deep?q=1'), /ok$/), /200 OK/);
    const post = 'POST /a/%2e%2e/%75p/x?y HTTP/1.1\r\nHost: www.test\r\nContent-Length: 0\r\n\r\n';
    assert.match(await converse(tls, post), /^HTTP\/1\.1 403 /);
    const rows = await proxy.exchanges(3);
    assert.deepEqual(
      rows.map(r => [r.verdict.rule, r.capture, r.fault]),
      [
        ['default', 'headers', null],
        ['deep', 'bodies', null],
        ['no-upload', 'headers', 'blocked-by-policy'],
      ],
    );
    assert.deepEqual(requests, ['GET /up/x', 'GET /deep?q=1']);
  });

  test('plain HTTP is decided with its request at once, which is not kept in the ledger', async t => {
    const proxy = await proxyWith(t, policy);
    const socket = connect(proxy.port, '127.0.0.1');
    const text = await converse(
      socket,
      `POST http://www.test:${origin.port}/up/1 HTTP/1.1\r\nHost: www.test\r\nContent-Length: 0\r\n\r\n`,
    );
    assert.match(text, /^HTTP\/1\.1 403 /);
    const [row] = await proxy.flows(1);
    assert.deepEqual([row?.verdict?.rule, row?.facts?.request], ['no-upload', undefined]);
    assert.deepEqual(requests, []);
  });
});
