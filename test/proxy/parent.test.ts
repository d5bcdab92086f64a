/** Flows that go through an upstream proxy: inspected, passed through, plain; and every way such a proxy can fail. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Fault } from '../../src/core/faults.ts';
import { parentContext } from '../../src/proxy/origin.ts';
import { authority, createParents, type Parents } from '../../src/proxy/parent.ts';
import { createResolver } from '../../src/proxy/resolve.ts';
import { DEFAULT_LIMITS } from '../../src/wire/http1/index.ts';
import { freePort } from '../helpers/free-port.ts';
import { startParent, type TestParent } from '../helpers/parent.ts';
import {
  converse,
  openTunnel,
  OriginCa,
  startOrigin,
  startProxy,
  tlsInside,
  type TestProxy,
} from '../helpers/proxy.ts';
import { answering, startRawOrigin, type RawOrigin } from '../helpers/raw-origin.ts';
import { allOf, stalledPort, until } from './harness.ts';

describe('through a parent', () => {
  const ca = new OriginCa();
  let parent: TestParent;
  let second: TestParent;
  let origin: Awaited<ReturnType<typeof startOrigin>>;
  let proxy: TestProxy;
  let dead: number;
  const raws: RawOrigin[] = [];

  before(async () => {
    parent = await startParent();
    second = await startParent();
    dead = await freePort();
    origin = await startOrigin(ca, 'www.test', (req, res) => {
      res.end(`served ${req.url}`);
    });
    proxy = await startProxy({
      trust: [ca.pem],
      // The proxy itself knows no origin: their names are for the parent.
      flags: { 'origin.resolve': 'proxy.test=127.0.0.1', 'timeout.dial': '2s', 'egress.allow': 'none' },
      policy: `
version: 1
default: block
doubt: { not-tls: passthrough }
parents:
  corp: ['proxy.test:${parent.port}', 'proxy.test:${second.port}']
  failing: ['proxy.test:${dead}', 'proxy.test:${second.port}']
  gone: ['proxy.test:${dead}']
rules:
  - { name: gone, when: { host: gone.test }, action: inspect, parent: gone }
  - { name: failing, when: { host: failing.test }, action: passthrough, parent: failing }
  - { name: pass, when: { host: pass.test }, action: passthrough, parent: corp }
  - { name: issuer, when: { all: [{ host: late.test }, { origin-fault: '*' }] }, action: passthrough }
  - { name: posts, when: { method: POST }, action: inspect }
  - { name: rest, action: inspect, parent: corp, mask: strict }
`,
    });
  });
  after(async () => {
    await proxy.stop();
    await origin.stop();
    await parent.stop();
    await second.stop();
    ca.remove();
  });
  beforeEach(() => {
    for (const one of [parent, second]) {
      one.asked.length = 0;
      one.heads.length = 0;
      one.answer = null;
      one.early = '';
    }
  });
  afterEach(async () => {
    for (const raw of raws.splice(0)) await raw.stop();
  });

  async function raw(serve: (socket: Socket) => void): Promise<RawOrigin> {
    const one = await startRawOrigin(serve);
    raws.push(one);
    return one;
  }
  /** A page about what went wrong, as a browser would get it. */
  async function failure(
    host = 'www.test',
  ): Promise<{ answer: string; fault: string | null; detail: string | null }> {
    const { socket, port } = await openTunnel(proxy.port, `${host}:${origin.port}`);
    const tls = await tlsInside(socket, host, proxy.ca);
    const answer = await converse(tls, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const flow = await proxy.flowOf(port);
    return { answer, fault: flow.fault, detail: flow.faultDetail };
  }

  test('inspect: verified TLS with the origin inside the tunnel, the parent in the record, the profile of the rule', async () => {
    const { socket, port } = await openTunnel(proxy.port, `www.test:${origin.port}`);
    const tls = await tlsInside(socket, 'www.test', proxy.ca);
    const answer = await converse(
      tls,
      'GET /a?q=private HTTP/1.1\r\nHost: www.test\r\nX-Plain: private\r\nConnection: close\r\n\r\n',
    );
    assert.match(answer, /served \/a\?q=private$/);
    assert.deepEqual(parent.asked, [`CONNECT www.test:${origin.port} HTTP/1.1`]);
    assert.match(parent.heads[0] ?? '', new RegExp(`\\r\\nHost: www\\.test:${origin.port}$`));
    const flow = await proxy.flowOf(port);
    assert.equal(flow.fault, null);
    assert.equal(flow.originAddress, `corp (proxy.test:${parent.port})`);
    assert.equal(flow.originTls?.version, 'TLSv1.3');
    assert.deepEqual(flow.originCert?.names, ['www.test']);
    const exchange = proxy.audit.exchanges.find(e => e.flow === flow.flow);
    assert.equal(exchange?.path, '/a?q=‹masked›');
    assert.match(exchange?.reqHeaders ?? '', /X-Plain: ‹masked 7›/);
  });

  test('passthrough: a large download arrives whole, and the parent is held back while the client does not read', async () => {
    const size = 48 * 2 ** 20;
    const block = randomBytes(2 ** 20);
    let sent = 0;
    const target = await raw(socket => {
      const more = (): void => {
        while (sent < size) {
          sent += block.length;
          if (!socket.write(block)) return void socket.once('drain', more);
        }
        socket.end();
      };
      socket.once('data', more);
    });
    const { socket, port } = await openTunnel(proxy.port, `pass.test:${target.port}`);
    socket.write('ping\r\n');
    for (let last = -1; last !== sent || sent === 0;) {
      last = sent;
      await new Promise(resolve => setTimeout(resolve, 150));
    }
    assert.ok(sent < size, `the origin could send ${sent} bytes that nobody took`);
    const hash = createHash('sha256');
    let got = 0;
    socket.on('data', chunk => {
      got += chunk.length;
      hash.update(chunk);
    });
    socket.resume();
    await until('all bytes', () => got === size);
    const whole = createHash('sha256');
    for (let i = 0; i < size / block.length; i++) whole.update(block);
    assert.equal(hash.digest('hex'), whole.digest('hex'));
    assert.equal(target.received[0], 'ping\r\n');
    socket.end();
    const flow = await proxy.flowOf(port);
    assert.equal(flow.fault, null);
    assert.equal(flow.originAddress, `corp (proxy.test:${parent.port})`);
  });

  test('passthrough: bytes glued to the parent’s answer reach the client first', async () => {
    parent.early = 'early bird\r\n';
    const target = await raw(socket => socket.on('data', () => socket.end('later')));
    const { socket } = await openTunnel(proxy.port, `pass.test:${target.port}`);
    const all = allOf(socket);
    socket.write('ping\r\n');
    assert.equal((await all).toString(), 'early bird\r\nlater');
  });

  test('plain: the parent gets absolute-form, and one connection carries the next request', async () => {
    const target = await raw(
      answering(...Array<string>(4).fill('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
    );
    const socket = connect(proxy.port, '127.0.0.1');
    const get = `GET http://plain.test:${target.port}/x?y=z HTTP/1.1\r\nHost: plain.test:${target.port}\r\n`;
    assert.match(
      await converse(socket, `${get}Proxy-Authorization: Basic eDp5\r\n\r\n`, /ok$/),
      /^HTTP\/1\.1 200/,
    );
    assert.match(await converse(socket, `${get}\r\n`, /ok$/), /^HTTP\/1\.1 200/);
    assert.equal(target.received.length, 1);
    assert.equal(target.received[0]?.match(/^GET /gm)?.length, 2);
    const { localPort = 0 } = socket;
    socket.end();
    assert.deepEqual(parent.asked, [`GET http://plain.test:${target.port}/x?y=z HTTP/1.1`]);
    assert.match(parent.heads[0] ?? '', new RegExp(`\\r\\nHost: plain\\.test:${target.port}`));
    assert.doesNotMatch(parent.heads[0] ?? '', /proxy-authorization/i);
    const flow = await proxy.flowOf(localPort);
    assert.equal(flow.originAddress, `corp (proxy.test:${parent.port})`);
    assert.equal(flow.fault, null);
  });

  test('plain: a parent that wants credentials is our problem, not a question to the client', async () => {
    parent.answer = 'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="p"\r\nContent-Length: 0\r\n\r\n';
    const socket = connect(proxy.port, '127.0.0.1');
    const answer = await converse(
      socket,
      'GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\nConnection: close\r\n\r\n',
    );
    assert.match(answer, /^HTTP\/1\.1 502 /);
    assert.doesNotMatch(answer, /Proxy-Authenticate/);
    assert.deepEqual(parent.asked, ['GET http://plain.test/ HTTP/1.1']);
    assert.equal(proxy.audit.exchanges.at(-1)?.fault, 'parent-auth');
  });

  test('plain: a rule on requests decides, and the way stays that of the rule without it', async () => {
    const target = await raw(answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const socket = connect(proxy.port, '127.0.0.1');
    const line = `POST http://plain.test:${target.port}/x HTTP/1.1`;
    assert.match(
      await converse(socket, `${line}\r\nHost: plain.test\r\nContent-Length: 0\r\n\r\n`, /ok$/),
      /^HTTP\/1\.1 200/,
    );
    const { localPort = 0 } = socket;
    socket.end();
    assert.deepEqual(parent.asked, [line]);
    const flow = await proxy.flowOf(localPort);
    assert.deepEqual([flow.verdict?.rule, flow.verdict?.parent?.group], ['posts', 'corp']);
    assert.equal(proxy.audit.exchanges.at(-1)?.verdict.parent?.group, 'corp');
  });

  test('fail-over: the next member is asked when the first takes no connection', async () => {
    const target = await raw(socket => socket.on('data', () => socket.end('here')));
    for (let i = 0; i < 2; i++) {
      const { socket, port } = await openTunnel(proxy.port, `failing.test:${target.port}`);
      assert.equal(await converse(socket, 'ping\r\n'), 'here');
      socket.end();
      assert.equal((await proxy.flowOf(port)).originAddress, `failing (proxy.test:${second.port})`);
    }
    assert.equal(second.asked.length, 2);
  });

  test('nobody of the group there', async () => {
    const { answer, fault, detail } = await failure('gone.test');
    assert.match(answer, /^HTTP\/1\.1 502 /);
    assert.equal(fault, 'parent-unreachable');
    assert.equal(detail, `gone: proxy.test:${dead}: ECONNREFUSED`);
  });

  for (const [what, bytes, code, words] of [
    ['a refusal', 'HTTP/1.1 403 Not you\r\nContent-Length: 0\r\n\r\n', 'parent-refused', /^403 Not you$/],
    [
      'a wish for credentials',
      'HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n',
      'parent-auth',
      /^407 Who\?; the group has no credentials$/,
    ],
    ['garbage', 'SSH-2.0-nonsense\r\n\r\n', 'parent-refused', /RFC 9112/],
    [
      'two lengths',
      'HTTP/1.1 500 x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      'parent-refused',
      /RFC 9110/,
    ],
    ['101', 'HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 'parent-refused', /101/],
    ['half a head', 'HTTP/1.1 200 OK\r\nVia', 'parent-refused', /closed before it answered/],
    ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(300_000)}`, 'parent-refused', /./],
  ] as const)
    test(`${what} instead of a tunnel is ${code}`, async () => {
      parent.answer = bytes;
      const { answer, fault, detail } = await failure();
      assert.match(answer, /^HTTP\/1\.1 502 /);
      assert.equal(fault, code);
      assert.match(detail ?? '', words);
      assert.equal(second.asked.length, 0, 'a second one is not asked after a refusal');
    });

  test('an origin whose certificate is wrong is refused through a parent too', async () => {
    const { socket, port } = await openTunnel(proxy.port, `other.test:${origin.port}`);
    await assert.rejects(tlsInside(socket, 'other.test', proxy.ca), /certificate/);
    assert.equal((await proxy.flowOf(port)).fault, 'cert-name-mismatch');
  });

  test('a rule that is asked late keeps the way: what it passes through goes through the parent as well', async () => {
    const { socket, port } = await openTunnel(proxy.port, `late.test:${origin.port}`);
    await assert.rejects(tlsInside(socket, 'late.test', ca.pem), /altnames|does not match/i);
    const flow = await proxy.flowOf(port);
    assert.equal(flow.verdict?.rule, 'issuer');
    assert.equal(flow.originAddress, `corp (proxy.test:${parent.port})`);
    assert.equal(parent.asked.length, 2);
  });

  test('what the proxy may not reach it does not ask a parent for', async () => {
    for (const target of [`127.0.0.1:${origin.port}`, `[::1]:${origin.port}`]) {
      const { socket, port } = await openTunnel(proxy.port, target);
      await tlsInside(socket, 'www.test', proxy.ca).then(
        tls => tls.destroy(),
        () => undefined,
      );
      assert.notEqual((await proxy.flowOf(port)).fault, null);
    }
    const { fault } = await failure('localhost');
    assert.equal(fault, 'egress-refused');
    assert.deepEqual(parent.asked, []);
  });
});

describe('parents', () => {
  const options = (patience: number): Parameters<Parents['connect']>[3] => ({
    client: '10.0.0.1',
    onCancellable: () => undefined,
    patience,
    limits: DEFAULT_LIMITS,
  });
  const parents = (now?: () => number): Parents =>
    createParents({
      resolve: createResolver({ system: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]) }),
      rules: () => ({ allow: [], ownListeners: [{ host: '127.0.0.1', port: 8080 }] }),
      logins: () => Promise.reject(new Fault('parent-login')),
      trust: { context: parentContext([], []), ownCas: new Set() },
      ...(now === undefined ? {} : { now }),
    });

  test('own listeners are refused as parents and as origins, addresses by their class', async () => {
    const own = { group: 'g', via: ['proxy.test:8080'] };
    const code = (expected: string) => (e: Fault) => e.code === expected;
    await assert.rejects(parents().connect(own, 'www.test', 443, options(1000)), code('parent-unreachable'));
    for (const host of ['127.0.0.1', '169.254.169.254', '::1', 'localhost', 'a.localhost'])
      await assert.rejects(parents().dial(own, host, 443, options(1000)), code('egress-refused'));
    await assert.rejects(parents().dial(own, '127.0.0.1', 8080, options(1000)), code('egress-refused'));
  });

  test('a member that hangs is given up, tried last for a while, and a cancelled attempt ends at once', async t => {
    const stalled = await stalledPort();
    const good = await startParent();
    t.after(async () => {
      await stalled.stop();
      await good.stop();
    });
    let clock = 0;
    const group = parents(() => clock);
    const way = { group: 'g', via: [`proxy.test:${stalled.port}`, `proxy.test:${good.port}`] };
    const first = await group.dial(way, 'www.test', 80, options(50));
    assert.equal(first.address, `g (proxy.test:${good.port})`);
    first.socket.destroy();
    // With this patience the first member would be waited for without end, were it asked first.
    const next = await group.dial(way, 'www.test', 80, options(2 ** 31 - 1));
    next.socket.destroy();
    clock = 31_000;
    let cancel: ((fault: Fault) => void) | null = null;
    const attempt = group.dial(way, 'www.test', 80, {
      client: '10.0.0.1',
      patience: 2 ** 31 - 1,
      onCancellable: c => {
        cancel = c;
      },
    });
    const ended = assert.rejects(attempt, (e: Fault) => e.code === 'draining');
    (await until('the attempt', () => cancel))(new Fault('draining'));
    await ended;
  });

  test('a parent that never answers CONNECT can be cancelled', async t => {
    const silent = await startParent();
    t.after(() => silent.stop());
    silent.answer = '';
    let cancel: ((fault: Fault) => void) | null = null;
    const attempt = parents().connect(
      { group: 'g', via: [`proxy.test:${silent.port}`] },
      '2606:4700::1',
      443,
      {
        ...options(1000),
        onCancellable: c => {
          cancel = c;
        },
      },
    );
    const ended = assert.rejects(attempt, (e: Fault) => e.code === 'idle-timeout');
    await until('the question', () => silent.asked[0]);
    assert.equal(silent.asked[0], 'CONNECT [2606:4700::1]:443 HTTP/1.1');
    (await until('the canceller', () => cancel))(new Fault('idle-timeout'));
    await ended;
  });

  test('hosts and ports as they are written', () => {
    assert.equal(authority('www.test', 443), 'www.test:443');
    assert.equal(authority('2001:db8::1', 80), '[2001:db8::1]:80');
  });
});
