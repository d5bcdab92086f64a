/** Inspect: origin first, leaf second, client third; and which requests an inspected connection may carry. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { Fault } from '../../src/core/faults.ts';
import { originForm } from '../../src/proxy/intercept.ts';
import {
  converse,
  openTunnel,
  OriginCa,
  startOrigin,
  startProxy,
  tlsInside,
  type TestProxy,
} from '../helpers/proxy.ts';
import { Harness, FACTS, INSPECT } from './harness.ts';
import { intercept } from '../../src/proxy/intercept.ts';

describe('intercept', () => {
  const ca = new OriginCa();
  let proxy: TestProxy;
  let origin: Awaited<ReturnType<typeof startOrigin>>;
  let requests: string[] = [];
  let connections = 0;
  before(async () => {
    origin = await startOrigin(
      ca,
      'www.test',
      (req, res) => {
        requests.push(`${req.method} ${req.headers.host} ${req.url}`);
        res.end('ok');
      },
      { ALPNProtocols: ['http/1.1', 'http/1.0'] },
    );
    origin.server.on('secureConnection', () => connections++);
    proxy = await startProxy({ trust: [ca.pem], flags: { 'origin.resolve': 'www.test=127.0.0.1' } });
  });
  after(async () => {
    await proxy.stop();
    await origin.stop();
    ca.remove();
  });
  beforeEach(() => {
    requests = [];
    connections = 0;
  });

  async function inside(alpn?: string[]): Promise<{ tls: TLSSocket; port: number }> {
    const { socket, port } = await openTunnel(proxy.port, `www.test:${origin.port}`);
    return { tls: await tlsInside(socket, 'www.test', proxy.ca, alpn), port };
  }

  test('the origin is connected and verified before the client’s handshake is answered, once for many requests', async () => {
    const { tls, port } = await inside();
    assert.equal(connections, 1);
    for (const n of [1, 2, 3])
      assert.match(
        await converse(tls, `GET /${n} HTTP/1.1\r\nHost: www.test\r\n\r\n`, /ok$/),
        /^HTTP\/1\.1 200/,
      );
    tls.end();
    const flow = await proxy.flowOf(port);
    assert.equal(connections, 1);
    assert.equal(flow.exchanges, 3);
    assert.equal(flow.fault, null);
  });

  test('a client that offers h2 and http/1.1 gets http/1.1 for now', async () => {
    const { tls, port } = await inside(['h2', 'http/1.1']);
    assert.equal(tls.alpnProtocol, 'http/1.1');
    tls.destroy();
    await proxy.flowOf(port);
  });

  test('a client that offers only http/1.0 gets that; one that offers nothing we speak gets an alert', async () => {
    const { tls } = await inside(['http/1.0']);
    assert.equal(tls.alpnProtocol, 'http/1.0');
    assert.match(await converse(tls, 'GET / HTTP/1.0\r\nHost: www.test\r\n\r\n'), /200 OK[\s\S]*ok$/);
    await assert.rejects(inside(['spdy/3']), /no.application.protocol|alert number 120/i);
  });

  test('absolute-form inside TLS reaches the origin in origin-form', async () => {
    const { tls } = await inside();
    await converse(tls, 'GET https://www.test/abs?q HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n');
    assert.deepEqual(requests, ['GET www.test /abs?q']);
  });

  test('Host may be written otherwise and carry a port; HTTP/1.0 may leave it out', async () => {
    for (const host of ['WWW.Test', 'www.test.', `www.test:${origin.port}`, 'www.test:1']) {
      const { tls } = await inside();
      assert.match(
        await converse(tls, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
        /^HTTP\/1\.1 200/,
        host,
      );
    }
    const { tls } = await inside();
    assert.match(await converse(tls, 'GET /old HTTP/1.0\r\n\r\n'), /200 OK[\s\S]*ok$/);
  });

  test('CONNECT inside TLS, two hosts, no host and nonsense hosts reach nobody', async () => {
    for (const request of [
      'CONNECT other.test:443 HTTP/1.1\r\nHost: www.test\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: www.test\r\nHost: other.test\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: www.test, other.test\r\n\r\n',
    ]) {
      const { tls } = await inside();
      assert.match(await converse(tls, request), /^HTTP\/1\.1 400 /, request);
    }
    assert.deepEqual(requests, []);
  });

  test('records that cannot be written any more stop the next request, not only the next connection', async () => {
    const { tls } = await inside();
    assert.match(await converse(tls, 'GET /1 HTTP/1.1\r\nHost: www.test\r\n\r\n', /ok$/), /200/);
    proxy.audit.healthy = false;
    const answer = await converse(tls, 'GET /2 HTTP/1.1\r\nHost: www.test\r\n\r\n');
    proxy.audit.healthy = true;
    assert.match(answer, /^HTTP\/1\.1 503 [\s\S]*audit-unavailable/);
    assert.deepEqual(requests, ['GET www.test /1']);
  });

  test('without a leaf there is no client handshake, and the origin is let go', async () => {
    for (const code of ['mint-refused', 'mint-busy', 'control-gone'] as const) {
      const h = new Harness({}, { issue: () => Promise.reject(new Fault(code)) });
      try {
        const trusting = (await import('node:tls')).createSecureContext({ ca: ca.pem });
        h.ctx.originTls = () => trusting;
        const { flow } = await h.flow();
        flow.open({ ...FACTS, outcome: 'hello', hello: null }, INSPECT);
        connections = 0;
        await assert.rejects(
          intercept(flow, { dial: '127.0.0.1', port: origin.port, name: 'www.test', nameKind: 'name' }),
          (e: Error & { code?: string }) => e.code === code,
        );
        assert.equal(flow.clientTls, null);
      } finally {
        await h.cleanUp();
      }
    }
    assert.deepEqual(requests, []);
  });

  test('originForm', () => {
    assert.equal(originForm(''), '/');
    assert.equal(originForm('?a'), '/?a');
    assert.equal(originForm('/a?b'), '/a?b');
  });
});
