/** Absolute-form HTTP: each request is identified, decided and sent on its own. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { converse, startProxy, type TestProxy } from '../helpers/proxy.ts';
import { answering, startRawOrigin, type RawOrigin } from '../helpers/raw-origin.ts';
import { until } from './harness.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const POLICY = `
version: 1
default: block
rules:
  - { name: no, when: { host: no.test }, action: block, reason: Not for work }
  - { name: private, when: { host: private.test }, action: passthrough, reason: Private }
  - { name: look, when: { host: [a.test, b.test] }, action: inspect, capture: headers, reason: Audited }
`;
const basic = (text: string): string =>
  `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;

describe('plain HTTP', () => {
  let proxy: TestProxy;
  let origin: RawOrigin;
  let required = false;
  let available = true;
  before(async () => {
    origin = await startRawOrigin(socket => answering(...Array<string>(20).fill(OK))(socket));
    proxy = await startProxy({
      policy: POLICY,
      flags: { 'origin.resolve': ['a.test', 'b.test', 'no.test', 'private.test'].map(n => `${n}=127.0.0.1`) },
      credentials: {
        get required() {
          return required;
        },
        verify: (user, password) =>
          Promise.resolve(
            !available
              ? { outcome: 'unavailable' }
              : user === 'ada' && password === 'x'
                ? { outcome: 'ok', groups: [] }
                : { outcome: 'refused' },
          ),
      },
    });
  });
  after(async () => {
    await proxy.stop();
    await origin.stop();
  });

  async function opened(): Promise<Socket> {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise(resolve => socket.once('connect', resolve));
    return socket;
  }
  const get = (host: string, path = '/', headers = ''): string =>
    `GET http://${host}:${origin.port}${path} HTTP/1.1\r\nHost: ${host}:${origin.port}\r\n${headers}\r\n`;
  const last = () => proxy.audit.exchanges.at(-1);

  test('two hosts on one connection are two decisions, two origins and two rows', async () => {
    const connections = origin.received.length;
    const socket = await opened();
    assert.match(await converse(socket, get('a.test', '/1'), /ok$/), /^HTTP\/1\.1 200/);
    assert.match(await converse(socket, get('b.test', '/2'), /ok$/), /^HTTP\/1\.1 200/);
    assert.match(await converse(socket, get('no.test', '/3')), /^HTTP\/1\.1 403 [\s\S]*Not for work/);
    assert.equal(origin.received.length, connections + 2);
    assert.deepEqual(
      proxy.audit.exchanges.slice(-3).map(e => [e.host, e.path, e.status, e.verdict.rule]),
      [
        ['a.test', '/1', 200, 'look'],
        ['b.test', '/2', 200, 'look'],
        ['no.test', '/3', 403, 'no'],
      ],
    );
    const flow = await proxy.flowOf(socket.localPort ?? 0);
    assert.equal(flow.exchanges, 3);
    assert.equal(flow.facts?.ingress, 'http');
  });

  test('passthrough leaves the ledger row and nothing of the request', async () => {
    const rows = proxy.audit.exchanges.length;
    const socket = await opened();
    const port = socket.localPort ?? 0;
    assert.match(await converse(socket, get('private.test', '/secret', 'Connection: close\r\n')), /ok$/);
    const flow = await proxy.flowOf(port);
    assert.equal(flow.verdict?.rule, 'private');
    assert.equal(proxy.audit.exchanges.length, rows);
    assert.doesNotMatch(
      JSON.stringify(proxy.audit.records.filter(r => 'flow' in r && r.flow === flow.flow)),
      /secret/,
    );
  });

  test('while records cannot be written, inspected requests get 503 and passthrough goes on', async () => {
    proxy.audit.healthy = false;
    const at = origin.received.join('').length;
    assert.match(await converse(await opened(), get('a.test')), /^HTTP\/1\.1 503 [\s\S]*audit-unavailable/);
    assert.equal(origin.received.join('').length, at);
    assert.match(await converse(await opened(), get('private.test', '/', 'Connection: close\r\n')), /ok$/);
    proxy.audit.healthy = true;
  });

  test('https in absolute form is sent to CONNECT, nonsense is refused', async () => {
    for (const [target, code] of [
      ['https://a.test/', 'target-invalid'],
      ['http://a.test:0/', 'target-invalid'],
      ['http://a.test:99999/', 'target-invalid'],
      ['http://0x7f.1/', 'target-invalid'],
    ] as const) {
      const answer = await converse(
        await opened(),
        `GET ${target} HTTP/1.1\r\nHost: ${target.split('/')[2]}\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 400 /, target);
      assert.match(answer, new RegExp(`X-Sightglass-Fault: (${code}|request-malformed)`), target);
    }
  });

  test('origin-form after absolute-form on the same connection does not reach anybody', async () => {
    const socket = await opened();
    assert.match(await converse(socket, get('a.test'), /ok$/), /200/);
    assert.match(await converse(socket, 'GET /ca.pem HTTP/1.1\r\nHost: a.test\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.equal(last()?.fault, 'request-malformed');
  });

  test('an origin that cannot be found is a 502 that names it', async () => {
    const answer = await converse(await opened(), 'GET http://b.test:1/ HTTP/1.1\r\nHost: b.test:1\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 502 [\s\S]*X-Sightglass-Fault: origin-refused/);
    assert.equal(last()?.fault, 'origin-refused');
    assert.equal(last()?.status, 502);
  });

  test('a client that leaves while its origin is dialled leaves one row', async () => {
    const socket = await opened();
    const port = socket.localPort ?? 0;
    socket.write(get('a.test'));
    socket.resetAndDestroy();
    assert.ok(await proxy.flowOf(port));
    assert.equal(proxy.audit.flows.filter(f => f.clientPort === port).length, 1);
  });

  describe('with proxy credentials', () => {
    before(() => {
      required = true;
    });
    after(() => {
      required = false;
    });

    test('challenge, wrong, right: on one connection, and never forwarded', async () => {
      const socket = await opened();
      const rows = proxy.audit.exchanges.length;
      const first = await converse(socket, get('a.test', '/auth'), /\r\n\r\n$/);
      assert.match(first, /^HTTP\/1\.1 407 [\s\S]*Proxy-Authenticate: Basic realm=/);
      assert.match(
        await converse(socket, get('a.test', '/auth', basic('ada:no')), /\r\n\r\n$/),
        /^HTTP\/1\.1 407 /,
      );
      assert.match(await converse(socket, get('a.test', '/auth', basic('ada:x')), /ok$/), /^HTTP\/1\.1 200 /);
      const sent = await until('the request', () => origin.received.find(r => r.includes('/auth')));
      assert.doesNotMatch(sent, /proxy-authorization/i);
      assert.equal(sent.match(/\/auth/g)?.length, 1);
      assert.deepEqual(
        proxy.audit.exchanges.slice(rows).map(e => [e.status, e.user, e.fault]),
        [
          [407, null, 'auth-required'],
          [407, null, 'auth-refused'],
          [200, 'ada', null],
        ],
      );
      assert.doesNotMatch(
        JSON.stringify(proxy.audit.exchanges.slice(rows)),
        new RegExp(basic('ada:x').slice(27, -2)),
      );
      socket.end();
      assert.equal((await proxy.flowOf(socket.localPort ?? 0)).fault, null);
    });

    test('every request of a connection must prove itself', async () => {
      const socket = await opened();
      assert.match(await converse(socket, get('a.test', '/', basic('ada:x')), /ok$/), / 200 /);
      assert.match(await converse(socket, get('a.test', '/'), /\r\n\r\n$/), /^HTTP\/1\.1 407 /);
      socket.destroy();
    });

    test('an upload without credentials is challenged and its body goes nowhere', async () => {
      const at = origin.received.length;
      const socket = await opened();
      const answer = await converse(
        socket,
        `POST http://a.test:${origin.port}/up HTTP/1.1\r\nHost: a.test:${origin.port}\r\nContent-Length: 5\r\n\r\nhello`,
      );
      assert.match(answer, /^HTTP\/1\.1 407 [\s\S]*Proxy-Authenticate/);
      assert.equal(origin.received.length, at);
    });

    test('nobody can tell now: 503', async () => {
      available = false;
      assert.match(
        await converse(await opened(), get('a.test', '/', basic('bob:x'))),
        /^HTTP\/1\.1 503 [\s\S]*auth-unavailable/,
      );
      available = true;
    });
  });
});
