/**
 * The life of one connection through the real proxy: each verdict, each condition of doubt and each refusal, told from
 * what the client sees and from the one ledger row that remains.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import {
  converse,
  openTunnel,
  OriginCa,
  startOrigin,
  startProxy,
  tlsInside,
  type TestProxy,
} from '../helpers/proxy.ts';
import { hello, sni } from '../helpers/hello-builder.ts';
import { startRawOrigin } from '../helpers/raw-origin.ts';

const POLICY = `
version: 1
default: block
rules:
  - { name: page, when: { host: page.test }, action: block, block: page, reason: Not for work }
  - { name: alert, when: { host: alert.test }, action: block, block: alert, reason: Not for work }
  - { name: reset, when: { host: reset.test }, action: block, block: reset, reason: Not for work }
  - { name: pass, when: { host: pass.test }, action: passthrough, reason: Private }
  - { name: look, when: { host: [www.test, other.test, alias.test] }, action: inspect, capture: headers, reason: Audited }
  - { name: addresses, when: { host: '.ip-names.test' }, action: inspect, reason: Audited }
`;
const NAMES = [
  'page.test',
  'alert.test',
  'reset.test',
  'pass.test',
  'www.test',
  'other.test',
  'alias.test',
  'unknown.test',
];
const RESOLVE = NAMES.map(n => `${n}=127.0.0.1`);

describe('connection', () => {
  const originCa = new OriginCa();
  let proxy: TestProxy;
  let www: Awaited<ReturnType<typeof startOrigin>>;
  let pass: Awaited<ReturnType<typeof startOrigin>>;
  let requests: string[] = [];

  before(async () => {
    www = await startOrigin(originCa, 'www.test', (req, res) => {
      requests.push(`${req.method} ${req.headers.host} ${req.url}`);
      res.end('from www');
    });
    pass = await startOrigin(originCa, 'pass.test', (_req, res) => res.end('from pass'));
    proxy = await startProxy({
      policy: POLICY,
      trust: [originCa.pem],
      flags: { 'origin.resolve': RESOLVE },
    });
  });
  /** Another proxy, which does not wait long for one thing: nothing else of a test may be late. */
  const hurried = (timeout: string): Promise<TestProxy> =>
    startProxy({
      policy: POLICY,
      trust: [originCa.pem],
      flags: { 'origin.resolve': RESOLVE, [timeout]: '500ms' },
    });
  after(async () => {
    await proxy.stop();
    await www.stop();
    await pass.stop();
    originCa.remove();
  });

  test('inspect: our leaf for the client, the verified origin behind it, both legs in the row', async () => {
    const { socket, port } = await openTunnel(proxy.port, `www.test:${www.port}`);
    const tls = await tlsInside(socket, 'www.test', proxy.ca);
    const leaf = tls.getPeerCertificate();
    assert.equal(leaf.subjectaltname, 'DNS:www.test');
    assert.match(
      await converse(tls, 'GET /x HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n'),
      /from www$/,
    );
    const flow = await proxy.flowOf(port);
    assert.equal(flow.verdict?.rule, 'look');
    assert.equal(flow.facts?.hello?.sni, 'www.test');
    assert.equal(flow.clientTls?.version, 'TLSv1.3');
    assert.equal(flow.originTls?.alpn, 'http/1.1');
    assert.equal(flow.originCert?.fingerprint.length, 64);
    assert.equal(flow.leafSerial, leaf.serialNumber.toLowerCase());
    assert.equal(flow.originAddress, '127.0.0.1');
    assert.equal(flow.fault, null);
    assert.ok(flow.bytesUp > 300 && flow.bytesDown > 500);
  });

  test('passthrough: the client sees the origin’s own certificate, the bytes are counted', async () => {
    const { socket, port } = await openTunnel(proxy.port, `pass.test:${pass.port}`);
    const tls = await tlsInside(socket, 'pass.test', originCa.pem);
    assert.equal(tls.getPeerX509Certificate()?.checkIssued(new X509Certificate(originCa.pem)), true);
    assert.match(
      await converse(tls, 'GET / HTTP/1.1\r\nHost: pass.test\r\nConnection: close\r\n\r\n'),
      /from pass$/,
    );
    const flow = await proxy.flowOf(port);
    assert.equal(flow.verdict?.action, 'passthrough');
    assert.equal(flow.leafSerial, null);
    assert.equal(flow.exchanges, 0);
    assert.ok(flow.bytesDown > 800);
    assert.equal(flow.fault, null);
  });

  test('block with a page: an explanation under our leaf, nothing dialled', async () => {
    const { socket, port } = await openTunnel(proxy.port, 'page.test:443');
    const tls = await tlsInside(socket, 'page.test', proxy.ca);
    const answer = await converse(tls, 'GET /secret?q=1 HTTP/1.1\r\nHost: page.test\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden/);
    assert.match(answer, /Not for work/);
    const flow = await proxy.flowOf(port);
    assert.equal(flow.fault, 'blocked-by-policy');
    assert.equal(flow.verdict?.rule, 'page');
    assert.equal(flow.originAddress, null);
    const exchange = proxy.audit.exchanges.at(-1);
    assert.equal(exchange?.status, 403);
    assert.equal(exchange?.fault, 'blocked-by-policy');
  });

  test('block with an alert: the client’s TLS stack hears access_denied', async () => {
    const { socket, port } = await openTunnel(proxy.port, 'alert.test:443');
    await assert.rejects(tlsInside(socket, 'alert.test', proxy.ca), /access.denied/i);
    assert.equal((await proxy.flowOf(port)).fault, 'blocked-by-policy');
  });

  test('block with a reset', async () => {
    const { socket, port } = await openTunnel(proxy.port, 'reset.test:443');
    await assert.rejects(tlsInside(socket, 'reset.test', proxy.ca), /ECONNRESET|disconnected/);
    assert.equal((await proxy.flowOf(port)).verdict?.block, 'reset');
  });

  test('no rule matches: the default blocks', async () => {
    const { socket, port } = await openTunnel(proxy.port, 'unknown.test:443');
    const tls = await tlsInside(socket, 'unknown.test', proxy.ca);
    assert.match(await converse(tls, 'GET / HTTP/1.1\r\nHost: unknown.test\r\n\r\n'), /403/);
    assert.equal((await proxy.flowOf(port)).verdict?.rule, 'default');
  });

  test('a SNI that differs from the CONNECT name is blocked under its own condition', async () => {
    const { socket, port } = await openTunnel(proxy.port, `pass.test:${pass.port}`);
    const tls = await tlsInside(socket, 'www.test', proxy.ca);
    assert.match(await converse(tls, 'GET / HTTP/1.1\r\nHost: www.test\r\n\r\n'), /403/);
    assert.equal((await proxy.flowOf(port)).verdict?.rule, 'doubt:sni-mismatch');
  });

  test('no SNI: the CONNECT name decides and the leaf is for it', async () => {
    const { socket, port } = await openTunnel(proxy.port, `www.test:${www.port}`);
    const tls = tlsConnect({ socket, ca: proxy.ca, checkServerIdentity: () => undefined });
    await new Promise(resolve => tls.once('secureConnect', resolve));
    assert.equal(tls.getPeerCertificate().subjectaltname, 'DNS:www.test');
    tls.destroy();
    assert.equal((await proxy.flowOf(port)).facts?.hello?.sni, null);
  });

  test('a request for another host inside an inspected connection is refused with 421', async () => {
    requests = [];
    const { socket, port } = await openTunnel(proxy.port, `www.test:${www.port}`);
    const tls = await tlsInside(socket, 'www.test', proxy.ca);
    assert.match(await converse(tls, 'GET / HTTP/1.1\r\nHost: pass.test\r\n\r\n'), /^HTTP\/1\.1 421 /);
    assert.equal((await proxy.flowOf(port)).fault, 'host-mismatch');
    assert.deepEqual(requests, []);
  });

  test('plain text inside CONNECT is blocked, recorded as not TLS', async () => {
    const { socket, port } = await openTunnel(proxy.port, 'www.test:443');
    assert.equal(await converse(socket, 'OPTIONS / HTTP/1.1\r\nHost: www.test\r\n\r\n'), '');
    const flow = await proxy.flowOf(port);
    assert.equal(flow.facts?.outcome, 'not-tls');
    assert.equal(flow.verdict?.rule, 'doubt:not-tls');
  });

  test('a malformed hello is blocked and named', async () => {
    const { socket, port } = await openTunnel(proxy.port, 'www.test:443');
    const answer = await converse(socket, hello({ extensions: [sni('bad\0name.test')] }));
    assert.deepEqual(Buffer.from(answer, 'latin1'), Buffer.from([0x15, 3, 3, 0, 2, 2, 49]));
    assert.equal((await proxy.flowOf(port)).fault, 'hello-malformed');
  });

  test('half a hello and then silence times out', async () => {
    const hasty = await hurried('timeout.hello');
    const { socket, port } = await openTunnel(hasty.port, 'www.test:443');
    await converse(socket, hello({ extensions: [sni('www.test')] }).subarray(0, 40));
    const flow = await hasty.flowOf(port);
    assert.equal(flow.fault, 'hello-timeout');
    assert.equal(flow.verdict?.action, 'block');
    await hasty.stop();
  });

  test('a client that leaves after CONNECT, and one that resets, each leave one row', async () => {
    const first = await openTunnel(proxy.port, 'www.test:443');
    first.socket.end();
    assert.equal((await proxy.flowOf(first.port)).fault, 'hello-closed');
    const second = await openTunnel(proxy.port, 'www.test:443');
    second.socket.resetAndDestroy();
    assert.equal((await proxy.flowOf(second.port)).fault, 'hello-closed');
  });

  test('a client that does not trust the authority is recorded as having refused the leaf', async () => {
    const { socket, port } = await openTunnel(proxy.port, `www.test:${www.port}`);
    await assert.rejects(tlsInside(socket, 'www.test', originCa.pem));
    socket.destroy();
    assert.equal((await proxy.flowOf(port)).fault, 'client-rejected-leaf');
  });

  test('a hello that arrives in one-byte segments is the same hello', async () => {
    const { socket } = await openTunnel(proxy.port, `www.test:${www.port}`);
    const relay = await startRawOrigin(from => {
      from.on('data', chunk => {
        for (const byte of chunk) socket.write(Buffer.from([byte]));
      });
      socket.on('data', chunk => from.write(chunk));
      socket.resume();
    });
    const tls = tlsConnect({ port: relay.port, host: '127.0.0.1', servername: 'www.test', ca: proxy.ca });
    assert.match(
      await converse(tls, 'GET / HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n'),
      /from www$/,
    );
    await relay.stop();
  });

  test('an origin that speaks no TLS becomes an honest 502 inside TLS', async () => {
    const raw = await startRawOrigin(s => {
      s.once('data', () => s.end('not TLS at all\r\n'));
    });
    const { socket, port } = await openTunnel(proxy.port, `www.test:${raw.port}`);
    const tls = await tlsInside(socket, 'www.test', proxy.ca);
    const answer = await converse(tls, 'GET / HTTP/1.1\r\nHost: www.test\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 502 [\s\S]*X-Sightglass-Fault: origin-tls-failed/);
    assert.equal((await proxy.flowOf(port)).fault, 'origin-tls-failed');
    await raw.stop();
  });

  test('an origin that never completes TLS becomes a 504', async () => {
    const raw = await startRawOrigin(() => undefined);
    const hasty = await hurried('timeout.origin-tls');
    const { socket } = await openTunnel(hasty.port, `www.test:${raw.port}`);
    const tls = await tlsInside(socket, 'www.test', hasty.ca);
    assert.match(
      await converse(tls, 'GET / HTTP/1.1\r\nHost: www.test\r\n\r\n'),
      /^HTTP\/1\.1 504 [\s\S]*origin-tls-timeout/,
    );
    await hasty.stop();
    await raw.stop();
  });

  test('wrong name, and a certificate of our own authority: refused under a leaf nobody trusts', async () => {
    for (const [name, fault] of [['other.test', 'cert-name-mismatch']] as const) {
      const { socket, port } = await openTunnel(proxy.port, `${name}:${www.port}`);
      await assert.rejects(tlsInside(socket, name, proxy.ca), /self.signed|unable to (get|verify)/i);
      const flow = await proxy.flowOf(port);
      assert.equal(flow.fault, fault);
      assert.deepEqual(flow.originCert?.names, ['www.test']);
    }
  });

  test('an unreachable passthrough origin is recorded with its fault', async () => {
    const gone = await startRawOrigin(() => undefined);
    await gone.stop();
    const { socket, port } = await openTunnel(proxy.port, `pass.test:${gone.port}`);
    await assert.rejects(tlsInside(socket, 'pass.test', originCa.pem));
    assert.equal((await proxy.flowOf(port)).fault, 'origin-refused');
  });

  test('garbage, TLS without CONNECT and SOCKS are named and closed', async () => {
    for (const [bytes, detail] of [
      [Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]), /transparent/],
      [Buffer.from([5, 1, 0]), /SOCKS5/],
      [Buffer.from('\0\x01\x02garbage\r\n\r\n'), /./],
    ] as const) {
      const socket = connect(proxy.port, '127.0.0.1');
      await new Promise(resolve => socket.once('connect', resolve));
      const port = socket.localPort ?? 0;
      await converse(socket, bytes);
      const flow = await proxy.flowOf(port);
      assert.match(flow.fault ?? '', /ingress-malformed|request-malformed/);
      assert.match(flow.faultDetail ?? '', detail);
    }
  });

  test('CONNECT to nonsense is refused before any tunnel stands', async () => {
    for (const target of [
      'bad name:443',
      'www.test',
      'www.test:0',
      'www.test:99999',
      '0x7f.1:443',
      '2130706433:443',
      'a..b:443',
    ]) {
      const socket = connect(proxy.port, '127.0.0.1');
      const answer = await converse(socket, `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 400 /, target);
    }
  });

  test('CONNECT with a body is refused', async () => {
    const socket = connect(proxy.port, '127.0.0.1');
    const answer = await converse(
      socket,
      'CONNECT www.test:443 HTTP/1.1\r\nHost: www.test\r\nContent-Length: 5\r\n\r\nhello',
    );
    assert.match(answer, /^HTTP\/1\.1 400 /);
  });

  test('while records cannot be written no inspected exchange proceeds, passthrough does', async () => {
    requests = [];
    proxy.audit.healthy = false;
    const { socket } = await openTunnel(proxy.port, `www.test:${www.port}`);
    const tls = await tlsInside(socket, 'www.test', proxy.ca);
    assert.match(
      await converse(tls, 'GET / HTTP/1.1\r\nHost: www.test\r\n\r\n'),
      /^HTTP\/1\.1 503 [\s\S]*audit-unavailable/,
    );
    const other = await openTunnel(proxy.port, `pass.test:${pass.port}`);
    const through = await tlsInside(other.socket, 'pass.test', originCa.pem);
    assert.match(
      await converse(through, 'GET / HTTP/1.1\r\nHost: pass.test\r\nConnection: close\r\n\r\n'),
      /from pass$/,
    );
    proxy.audit.healthy = true;
    assert.deepEqual(requests, []);
  });

  test('the setup site hands out the root and nothing else', async () => {
    const page = await converse(
      connect(proxy.port, '127.0.0.1'),
      'GET / HTTP/1.1\r\nHost: proxy.corp:8080\r\n\r\n',
    );
    assert.match(page, /200 OK[\s\S]*Trust the root certificate[\s\S]*proxy\.corp:8080/);
    const pem = await converse(connect(proxy.port, '127.0.0.1'), 'GET /ca.pem HTTP/1.1\r\nHost: p\r\n\r\n');
    assert.ok(pem.includes(proxy.ca.trim()));
    const pac = await converse(
      connect(proxy.port, '127.0.0.1'),
      'GET /proxy.pac HTTP/1.1\r\nHost: p:8080\r\n\r\n',
    );
    assert.match(pac, /application\/x-ns-proxy-autoconfig[\s\S]*"PROXY " \+ "p:8080"/);
    for (const path of ['/api/search', '/../etc/passwd', '/ca.key'])
      assert.match(
        await converse(connect(proxy.port, '127.0.0.1'), `GET ${path} HTTP/1.1\r\nHost: p\r\n\r\n`),
        /^HTTP\/1\.1 400 /,
      );
  });
});
