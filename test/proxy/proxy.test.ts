/** The listener: who may connect, how many, what is shed, and how it ends. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { createProxy } from '../../src/proxy/proxy.ts';
import {
  converse,
  openTunnel,
  OriginCa,
  startOrigin,
  startProxy,
  tlsInside,
  type TestProxy,
} from '../helpers/proxy.ts';
import { answering, startRawOrigin } from '../helpers/raw-origin.ts';
import { allOf, Harness, until } from './harness.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise(resolve => socket.once('connect', resolve));
  return socket;
}

/** Connects and says nothing: what it hears until the end, and its port. */
async function hearing(proxyPort: number): Promise<{ port: number; said: Promise<string> }> {
  const socket = connect(proxyPort, '127.0.0.1');
  const said = allOf(socket).then(bytes => bytes.toString());
  socket.on('error', () => undefined);
  await new Promise(resolve => socket.once('connect', resolve));
  return { port: socket.localPort ?? 0, said };
}

async function using(
  options: Parameters<typeof startProxy>[0],
  body: (proxy: TestProxy) => Promise<void>,
): Promise<void> {
  const proxy = await startProxy(options);
  try {
    await body(proxy);
  } finally {
    await proxy.stop();
  }
}

describe('proxy', () => {
  test('a client outside the allowed networks is closed at once and recorded', () =>
    using({ flags: { 'proxy.allow-clients': '10.0.0.0/8' } }, async proxy => {
      const { port, said } = await hearing(proxy.port);
      assert.equal(await said, '');
      const flow = await proxy.flowOf(port);
      assert.equal(flow.fault, 'client-not-allowed');
      assert.equal(flow.faultDetail, '127.0.0.1');
      assert.equal(proxy.proxy.counters.refused, 1);
    }));

  for (const [limit, fault] of [
    ['limits.connections-per-client', 'client-cap'],
    ['limits.connections', 'connection-cap'],
  ] as const)
    test(`${limit}: the newest is shed and recorded, the old ones go on, and room is given back`, () =>
      using({ flags: { [limit]: '3' } }, async proxy => {
        const origin = await startRawOrigin(answering(...Array<string>(10).fill(OK)));
        const old = await Promise.all([1, 2, 3].map(() => opened(proxy.port)));
        await until('three flows', () => proxy.proxy.counters.open === 3);
        const { port, said } = await hearing(proxy.port);
        assert.equal(await said, '');
        assert.equal((await proxy.flowOf(port)).fault, fault);
        const get = `GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`;
        for (const socket of old) assert.match(await converse(socket, get, /ok$/), /^HTTP\/1\.1 200/);
        old[0]?.end();
        await until('room', () => proxy.proxy.counters.open === 2);
        assert.match(await converse(await opened(proxy.port), get, /ok$/), /^HTTP\/1\.1 200/);
        await origin.stop();
      }));

  test('flow ids are the producer’s, in order, never twice', () =>
    using({}, async proxy => {
      for (let i = 0; i < 5; i++) (await opened(proxy.port)).destroy();
      const ids = (await proxy.flows(5)).map(f => f.flow).sort((a, b) => a - b);
      assert.deepEqual(
        ids,
        [0, 1, 2, 3, 4].map(n => 2 ** 27 + n),
      );
    }));

  test('a preconnect that says nothing is closed without a word at its deadline', () =>
    using({ flags: { 'timeout.ingress': '100ms' } }, async proxy => {
      const { port, said } = await hearing(proxy.port);
      assert.equal(await said, '');
      assert.equal((await proxy.flowOf(port)).fault, 'ingress-timeout');
    }));

  test('a thousand idle connections stay, and new traffic is served beside them', async () => {
    const ca = new OriginCa();
    const origin = await startOrigin(ca, 'www.test', (_req, res) => res.end('here'));
    await using(
      {
        trust: [ca.pem],
        flags: { 'limits.connections-per-client': '2000', 'origin.resolve': 'www.test=127.0.0.1' },
      },
      async proxy => {
        const idle: Socket[] = [];
        while (idle.length < 1000)
          idle.push(...(await Promise.all(Array.from({ length: 50 }, () => opened(proxy.port)))));
        await until('all of them', () => proxy.proxy.counters.open === 1000);
        const { socket } = await openTunnel(proxy.port, `www.test:${origin.port}`);
        const tls = await tlsInside(socket, 'www.test', proxy.ca);
        assert.match(
          await converse(tls, 'GET / HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n'),
          /here$/,
        );
        assert.equal(idle.filter(s => s.destroyed || s.readableEnded).length, 0);
        for (const s of idle) s.destroy();
        assert.equal((await proxy.flows(1001)).length, 1001);
      },
    );
    await origin.stop();
    ca.remove();
  });

  test('drain: idle connections end, the request under way is answered, its connection then closes, all have rows', () =>
    using({}, async proxy => {
      let release: () => void = () => undefined;
      const origin = await startRawOrigin(answering(socket => (release = () => socket.write(OK))));
      const idle = await opened(proxy.port);
      const busy = await opened(proxy.port);
      const answer = converse(
        busy,
        `GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`,
      );
      await until('the request at the origin', () => origin.received[0]);
      const drained = proxy.proxy.drain();
      assert.equal(await converse(idle, null), '');
      await assert.rejects(
        new Promise((resolve, reject) =>
          connect(proxy.port, '127.0.0.1').on('connect', resolve).on('error', reject),
        ),
        /ECONNREFUSED/,
      );
      release();
      assert.match(await answer, /^HTTP\/1\.1 200 OK[\s\S]*Connection: close[\s\S]*ok$/i);
      await drained;
      assert.equal(proxy.audit.flows.length, 2);
      assert.equal(proxy.audit.exchanges.length, 1);
      assert.equal(proxy.audit.flushed, proxy.audit.records.length);
      await origin.stop();
    }));

  test('drain ends what does not finish in its time, with a row that says so', () =>
    using({ flags: { 'timeout.drain': '100ms' } }, async proxy => {
      const origin = await startRawOrigin(() => undefined);
      const busy = await opened(proxy.port);
      const answer = converse(
        busy,
        `GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`,
      );
      await until('the request at the origin', () => origin.received[0]);
      await proxy.proxy.drain();
      await answer;
      assert.equal(proxy.audit.flows[0]?.fault, 'draining');
      assert.equal(proxy.audit.exchanges.length, 1);
      await origin.stop();
    }));

  test('a port that is taken rejects with the system’s error', () =>
    using({}, async proxy => {
      const h = new Harness({ 'proxy.listen': ['127.0.0.1:0', `127.0.0.1:${proxy.port}`] });
      const second = createProxy({
        settings: h.ctx.settings,
        ports: h.ctx,
        authority: { certificates: [] },
        producer: 2,
        ticketKeys: Buffer.alloc(48),
        ownListeners: [],
      });
      await assert.rejects(second.listen(), (e: NodeJS.ErrnoException) => e.code === 'EADDRINUSE');
      await h.cleanUp();
    }));
});
