/** Passthrough moves bytes and nothing else: half-close, resets, back-pressure, counts, time-outs. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { createDialer } from '../../src/proxy/dial.ts';
import { createResolver, type ResolvedAddress } from '../../src/proxy/resolve.ts';
import { tunnel } from '../../src/proxy/tunnel.ts';
import { openTunnel, startProxy, type TestProxy } from '../helpers/proxy.ts';
import { startRawOrigin, type RawOrigin } from '../helpers/raw-origin.ts';
import { allOf, Harness, until } from './harness.ts';

/** Anything but TLS passes unread: the tests see every byte. */
const RAW = 'version: 1\ndefault: passthrough\ndoubt: { not-tls: passthrough }\n';

describe('tunnel', () => {
  let proxy: TestProxy;
  const origins: RawOrigin[] = [];
  before(async () => {
    proxy = await startProxy({ policy: RAW });
  });
  after(() => proxy.stop());
  afterEach(async () => {
    for (const origin of origins.splice(0)) await origin.stop();
  });

  async function through(
    serve: (socket: Socket) => void,
    first = 'ping\r\n',
  ): Promise<{ client: Socket; port: number; origin: RawOrigin }> {
    const origin = await startRawOrigin(serve);
    origins.push(origin);
    const { socket, port } = await halfOpenTunnel(proxy.port, `127.0.0.1:${origin.port}`);
    socket.write(first);
    await until('the first bytes at the origin', () => origin.received[0] === first);
    return { client: socket, port, origin };
  }

  test('what was peeked at arrives first, then everything else, unchanged', async () => {
    const { client, port, origin } = await through(socket => {
      socket.on('data', data => socket.write(Buffer.from(data).reverse()));
    });
    const back = allOf(client);
    client.write('12345');
    await until('the rest', () => origin.received[0] === 'ping\r\n12345');
    client.end();
    origin.sockets[0]?.end();
    assert.equal((await back).toString(), '\n\rgnip54321');
    const flow = await proxy.flowOf(port);
    assert.equal(flow.fault, null);
    assert.equal(flow.originAddress, '127.0.0.1');
  });

  test('a client that ends its side still hears the origin to the end', async () => {
    const { client, port } = await through(socket => {
      socket.on('end', () => socket.end('the answer to everything you said'));
    });
    client.end();
    assert.equal((await allOf(client)).toString(), 'the answer to everything you said');
    assert.equal((await proxy.flowOf(port)).fault, null);
  });

  test('an origin that ends its side still hears the client to the end', async () => {
    const { client, port, origin } = await through(socket => socket.end('all I had to say'));
    assert.equal((await allOf(client)).toString(), 'all I had to say');
    client.end('but I was not done');
    await until('the rest at the origin', () => origin.received[0] === 'ping\r\nbut I was not done');
    assert.equal((await proxy.flowOf(port)).fault, null);
  });

  test('bytes in the row are those on the client’s connection, the CONNECT dialogue included', async () => {
    const body = randomBytes(300_000);
    const { client, port, origin } = await through(socket => {
      socket.on('end', () => socket.end(body));
    });
    const up = randomBytes(200_000);
    client.end(up);
    assert.equal((await allOf(client)).length, body.length);
    const head = `CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`;
    const flow = await proxy.flowOf(port);
    assert.equal(flow.bytesUp, head.length + 6 + up.length);
    assert.equal(flow.bytesDown, 'HTTP/1.1 200 Connection Established\r\n\r\n'.length + body.length);
  });

  test('a reset by either side ends both and is named', async () => {
    const one = await through(() => undefined);
    one.client.resetAndDestroy();
    assert.equal((await proxy.flowOf(one.port)).fault, 'client-reset');
    await until(
      'the end at the origin',
      () => one.origin.sockets[0]?.readableEnded || one.origin.sockets[0]?.destroyed,
    );
    const two = await through(() => undefined);
    two.client.on('error', () => undefined);
    two.origin.sockets[0]?.resetAndDestroy();
    assert.equal((await proxy.flowOf(two.port)).fault, 'origin-reset');
    await until('the end at the client', () => two.client.readableEnded || two.client.destroyed);
  });

  test('a client that does not read holds the origin back, and gets every byte when it does', async () => {
    const size = 48 * 2 ** 20;
    const block = randomBytes(2 ** 20);
    let sent = 0;
    const { client, port } = await through(socket => {
      const more = (): void => {
        while (sent < size) {
          sent += block.length;
          if (!socket.write(block)) return void socket.once('drain', more);
        }
        socket.end();
      };
      socket.once('data', more);
    });
    client.pause();
    // Wait until nothing moves any more.
    for (let last = -1; last !== sent;) {
      last = sent;
      await new Promise(resolve => setTimeout(resolve, 150));
    }
    assert.ok(sent < size / 2, `the origin could send ${sent} bytes that nobody took`);
    const hash = createHash('sha256');
    let got = 0;
    client.on('data', chunk => {
      got += chunk.length;
      hash.update(chunk);
    });
    client.resume();
    await until('all bytes', () => got === size);
    const whole = createHash('sha256');
    for (let i = 0; i < size / block.length; i++) whole.update(block);
    assert.equal(hash.digest('hex'), whole.digest('hex'));
    client.end();
    assert.ok((await proxy.flowOf(port)).bytesDown > size);
  });

  test('an origin that does not read holds the client back, and gets every byte when it does', async () => {
    const size = 32 * 2 ** 20;
    const { client, port, origin } = await through(socket => {
      socket.once('data', () => setImmediate(() => socket.pause()));
    });
    const block = Buffer.alloc(2 ** 20, 'x');
    let taken = 0;
    for (let i = 0; i < size / block.length; i++) client.write(block, () => (taken += block.length));
    for (let last = -1; last !== taken;) {
      last = taken;
      await new Promise(resolve => setTimeout(resolve, 150));
    }
    assert.ok(taken < size, 'somebody took all of it without an origin that reads');
    client.end();
    const [at] = origin.sockets;
    let got = 0;
    at?.on('data', chunk => (got += chunk.length));
    at?.on('end', () => at.end());
    at?.resume();
    await until('all bytes', () => got >= size);
    client.resume();
    assert.equal((await proxy.flowOf(port)).fault, null);
  });
});

/** As openTunnel, with a client that does not end its side because the other has ended. */
async function halfOpenTunnel(proxyPort: number, target: string): Promise<{ socket: Socket; port: number }> {
  const socket = connect({ port: proxyPort, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  const head = await new Promise<Buffer>(resolve => socket.once('data', resolve));
  assert.match(head.toString(), /^HTTP\/1\.1 200 [^\r]*\r\n\r\n$/);
  socket.pause();
  return { socket, port: socket.localPort ?? 0 };
}

describe('tunnel, in time', () => {
  test('a silent tunnel is ended and named; one that talks lives on', async () => {
    const proxy = await startProxy({ policy: RAW, flags: { 'timeout.idle': '2s' } });
    const origin = await startRawOrigin(socket => socket.on('data', data => socket.write(data)));
    try {
      const idle = await openTunnel(proxy.port, `127.0.0.1:${origin.port}`);
      const busy = await openTunnel(proxy.port, `127.0.0.1:${origin.port}`);
      idle.socket.write('x\r\n');
      idle.socket.resume();
      busy.socket.resume();
      const talk = setInterval(() => busy.socket.write('y\r\n'), 50);
      const row = await proxy.flowOf(idle.port);
      assert.equal(row.fault, 'idle-timeout');
      assert.equal(busy.socket.destroyed, false);
      clearInterval(talk);
      busy.socket.end();
    } finally {
      await origin.stop();
      await proxy.stop();
    }
  });

  test('a client that went away while its origin was being looked up leaves nothing behind', async () => {
    const h = new Harness();
    const origin = await startRawOrigin(() => undefined);
    let answer: (addresses: ResolvedAddress[]) => void = () => undefined;
    h.ctx.dialer = createDialer(
      createResolver({ system: () => new Promise(resolve => (answer = resolve)) }),
      () => ({ allow: h.ctx.settings['egress.allow'], ownListeners: [] }),
    );
    try {
      const { flow } = await h.flow();
      const running = tunnel(flow, 'slow.test', origin.port);
      flow.socket.destroy();
      await new Promise(resolve => flow.socket.once('close', resolve));
      answer([{ address: '127.0.0.1', family: 4 }]);
      await running.catch(() => undefined);
      for (const socket of origin.sockets)
        await until('the origin let go', () => socket.readableEnded || socket.destroyed);
    } finally {
      await h.cleanUp();
      await origin.stop();
    }
  });
});
