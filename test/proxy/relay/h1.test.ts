/**
 * The HTTP/1.1 relay as a client and an origin see it, over plain HTTP so that both ends can say anything: framing,
 * keep-alive, pipelining, interim answers, upgrades, and every way in which one side may fail the other.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as netConnect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { converse, startProxy, type TestProxy } from '../../helpers/proxy.ts';
import { freePort } from '../../helpers/free-port.ts';
import { answering, startRawOrigin, type RawOrigin } from '../../helpers/raw-origin.ts';

const POLICY = 'version: 1\ndefault: { action: inspect, capture: bodies }\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('relay/h1', () => {
  let proxy: TestProxy;
  before(async () => {
    proxy = await startProxy({ policy: POLICY, flags: { 'limits.head': '8KiB' } });
  });
  after(() => proxy.stop());

  /** One client connection, a script at the origin, the whole conversation as text. */
  async function dialogue(
    serve: (socket: Socket, index: number) => void,
    request: (port: number) => string,
    until?: RegExp,
    by = proxy,
  ): Promise<{ answer: string; origin: RawOrigin; done: () => Promise<void> }> {
    const origin = await startRawOrigin(serve);
    const client = connect(by.port);
    const answer = await converse(client, request(origin.port), until);
    return { answer, origin, done: () => leave(client, origin, by) };
  }

  /** Closes the client and waits for its ledger row. */
  async function leave(client: Socket, origin?: RawOrigin, by = proxy): Promise<void> {
    client.destroy();
    await by.flowOf(ports.get(client) ?? 0);
    await origin?.stop();
  }

  /** Local ports by client: a socket forgets its own when it closes. */
  const ports = new WeakMap<Socket, number>();
  function connect(port: number, options: { allowHalfOpen?: boolean } = {}): Socket {
    const client = netConnect({ port, host: '127.0.0.1', ...options });
    client.once('connect', () => ports.set(client, client.localPort ?? 0));
    return client;
  }

  const get = (port: number, path = '/', extra = ''): string =>
    `GET http://127.0.0.1:${port}${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${extra}\r\n`;
  const last = () => proxy.audit.exchanges.at(-1);

  test('a request reaches the origin in origin-form and without hop-by-hop fields', async () => {
    const { answer, origin, done } = await dialogue(
      answering(OK),
      port =>
        get(
          port,
          '/a?b=c',
          'X-Kept: 1\r\nConnection: keep-alive, x-gone\r\nX-Gone: 1\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\n',
        ),
      /ok$/,
    );
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    const sent = origin.received[0] ?? '';
    assert.match(sent, /^GET \/a\?b=c HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/);
    assert.match(sent, /X-Kept: 1/);
    assert.doesNotMatch(sent, /X-Gone|Proxy-Connection|Proxy-Authorization/i);
    await done();
  });

  test('three requests on one connection use one origin connection and make three rows', async () => {
    const before = proxy.audit.exchanges.length;
    const { origin, done } = await dialogue(
      answering(OK, OK, OK),
      port => get(port, '/1') + get(port, '/2') + get(port, '/3', 'Connection: close\r\n'),
    );
    assert.equal(origin.received.length, 1);
    assert.deepEqual(
      proxy.audit.exchanges.slice(before).map(e => [e.n, e.path]),
      [
        [1, '/1'],
        [2, '/2'],
        [3, '/3'],
      ],
    );
    await done();
  });

  test('a pipelined request is not sent before the answer before it is complete', async () => {
    let atFirstAnswer = '';
    const { origin, done } = await dialogue(
      socket => {
        let text = '';
        socket.on('data', c => (text += c.toString('latin1')));
        setTimeout(() => {
          atFirstAnswer = text;
          socket.write(OK);
          setTimeout(() => socket.write(OK), 40);
        }, 60);
      },
      port => get(port, '/1') + get(port, '/2', 'Connection: close\r\n'),
    );
    assert.match(atFirstAnswer, /\/1/);
    assert.doesNotMatch(atFirstAnswer, /\/2/);
    assert.match(origin.received[0] ?? '', /\/1[\s\S]*\/2/);
    await done();
  });

  test('an answer with a second one glued to it answers one request only', async () => {
    const { answer, origin, done } = await dialogue(
      socket => {
        socket.once('data', () => socket.write(OK + 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned'));
      },
      port => get(port, '/1') + get(port, '/2', 'Connection: close\r\n'),
    );
    assert.doesNotMatch(answer, /^[\s\S]*ok[\s\S]*poisoned[\s\S]*poisoned/);
    // The second request got a fresh connection, whose first answer is its own.
    assert.equal(origin.received.length, 2);
    await done();
  });

  test('a chunked answer with trailers stays chunked, trailers and all', async () => {
    const { answer, done } = await dialogue(
      answering(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: end\r\n\r\n',
      ),
      port => get(port),
      /X-T: end\r\n\r\n$/,
    );
    assert.match(answer, /Transfer-Encoding: chunked/);
    assert.match(answer, /abc/);
    assert.doesNotMatch(answer, /x=y/);
    assert.equal(last()?.res.size, 5);
    assert.equal(last()?.res.sha256, '36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c');
    await done();
  });

  test('an HTTP/1.0 client gets a chunked answer unchunked, ended by the close', async () => {
    const { answer, done } = await dialogue(
      answering('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
      port => `GET http://127.0.0.1:${port}/ HTTP/1.0\r\n\r\n`,
    );
    assert.doesNotMatch(answer, /chunked/i);
    assert.match(answer, /\r\n\r\nabc$/);
    await done();
  });

  test('a body that ends with the connection reaches the client whole, and both close', async () => {
    const { answer, done } = await dialogue(
      answering(socket => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end')),
      port => get(port),
    );
    assert.match(answer, /Connection: close/);
    assert.match(answer, /\r\n\r\nuntil the end$/);
    assert.equal(last()?.fault, null);
    await done();
  });

  test('HEAD, 204 and 304 have no body whatever their fields say', async () => {
    const { answer, origin, done } = await dialogue(
      answering(
        'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n',
        'HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n',
        'HTTP/1.1 204 No Content\r\n\r\n',
        OK,
      ),
      port =>
        get(port).replace('GET', 'HEAD') + get(port) + get(port) + get(port, '/end', 'Connection: close\r\n'),
    );
    assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 4);
    assert.match(answer, /Content-Length: 500/);
    assert.equal(origin.received.length, 1);
    await done();
  });

  test('interim answers pass, and 100-continue lets the body follow', async () => {
    const origin = await startRawOrigin(socket => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        socket.once('data', () => socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${OK}`));
      });
    });
    const client = connect(proxy.port);
    const first = await converse(
      client,
      `POST http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`,
      /\r\n\r\n$/,
    );
    assert.equal(first, 'HTTP/1.1 100 Continue\r\n\r\n');
    const rest = await converse(client, 'body', /ok$/);
    assert.match(rest, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/x>\r\n\r\nHTTP\/1\.1 200 OK/);
    assert.match(origin.received[0] ?? '', /Expect: 100-continue[\s\S]*\r\n\r\nbody$/);
    assert.equal(last()?.req.size, 4);
    await leave(client, origin);
  });

  test('a chunked upload is framed anew and counted', async () => {
    const { origin, done } = await dialogue(
      socket => {
        let text = '';
        socket.on('data', c => {
          text += c.toString('latin1');
          if (text.endsWith('0\r\n\r\n')) socket.write(OK);
        });
      },
      port =>
        `PUT http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nTransfer-Encoding: chunked\r\n\r\n00005;ext=1\r\nhello\r\n0\r\n\r\n`,
      /ok$/,
    );
    assert.match(origin.received[0] ?? '', /\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/);
    assert.equal(last()?.req.size, 5);
    await done();
  });

  test('an upgrade becomes bytes both ways, with what came early', async () => {
    const { answer, origin, done } = await dialogue(
      socket => {
        socket.once('data', () => {
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfrom-origin',
          );
          socket.on('data', c => socket.end(`echo:${c.toString('latin1')}`));
        });
      },
      port => get(port, '/ws', 'Upgrade: websocket\r\nConnection: Upgrade\r\n') + 'early-frame',
    );
    assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*from-originecho:early-frame$/);
    assert.match(origin.received[0] ?? '', /Upgrade: websocket[\s\S]*early-frame$/);
    await done();
    assert.equal(last()?.upgraded, true);
    assert.equal(last()?.status, 101);
  });

  test('Alt-Svc does not lead the browser around the proxy', async () => {
    const { answer, done } = await dialogue(
      answering('HTTP/1.1 200 OK\r\nAlt-Svc: h3=":443"\r\nContent-Length: 2\r\n\r\nok'),
      port => get(port),
      /ok$/,
    );
    assert.doesNotMatch(answer, /alt-svc/i);
    await done();
  });

  test('ambiguous requests are refused with 400, closed, recorded, and never reach an origin', async () => {
    const before = proxy.audit.exchanges.length;
    const { answer, origin, done } = await dialogue(
      answering(OK),
      port =>
        `POST http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /X-Sightglass-Fault: request-malformed/);
    assert.equal(origin.received.length, 0);
    await done();
    assert.equal(proxy.audit.flows.at(-1)?.fault, 'request-malformed');
    assert.equal(proxy.audit.exchanges.length, before);
  });

  test('an over-long head is refused with 431', async () => {
    const { answer, done } = await dialogue(answering(OK), port =>
      get(port, '/', `X: ${'y'.repeat(9000)}\r\n`),
    );
    assert.match(answer, /^HTTP\/1\.1 431 /);
    await done();
  });

  test('a request that never ends its head is answered with 408', async () => {
    // A proxy of its own that does not wait long: nothing else of a test may be late.
    const hasty = await startProxy({ policy: POLICY, flags: { 'timeout.ingress': '400ms' } });
    const { answer, done } = await dialogue(answering(OK), port => get(port).slice(0, -2), undefined, hasty);
    assert.match(answer, /408/);
    await done();
    await hasty.stop();
  });

  for (const [what, serve, status, fault] of [
    ['refuses to speak HTTP', answering('220 smtp ready\r\n\r\n'), 502, 'response-malformed'],
    ['closes before it answers', answering(s => s.end()), 502, 'response-closed'],
    ['resets before it answers', answering(s => s.resetAndDestroy()), 502, 'origin-reset'],
    [
      'sends both framings',
      answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
      502,
      'response-malformed',
    ],
    [
      'sends an endless head',
      answering(s => s.write(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(9000)}\r\n`)),
      502,
      'response-head-too-large',
    ],
  ] as const)
    test(`an origin that ${what} becomes an honest ${status} with the same code in the record`, async () => {
      const { answer, done } = await dialogue(serve, port => get(port));
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(answer, new RegExp(`X-Sightglass-Fault: ${fault}`));
      await done();
      assert.equal(last()?.fault, fault);
      assert.equal(last()?.status, status);
      assert.equal(proxy.audit.flows.at(-1)?.fault, fault);
    });

  test('an origin that never answers becomes an honest 504 with the same code in the record', async () => {
    const hasty = await startProxy({ policy: POLICY, flags: { 'timeout.response': '400ms' } });
    const { answer, done } = await dialogue(
      answering(() => undefined),
      port => get(port),
      undefined,
      hasty,
    );
    assert.match(answer, /^HTTP\/1\.1 504 [\s\S]*X-Sightglass-Fault: response-timeout/);
    await done();
    assert.equal(hasty.audit.exchanges.at(-1)?.fault, 'response-timeout');
    assert.equal(hasty.audit.exchanges.at(-1)?.status, 504);
    assert.equal(hasty.audit.flows.at(-1)?.fault, 'response-timeout');
    await hasty.stop();
  });

  test('an origin that cannot be reached becomes a 502 that says so', async () => {
    const client = connect(proxy.port);
    const answer = await converse(client, get(await freePort()));
    assert.match(answer, /X-Sightglass-Fault: origin-refused/);
    await leave(client);
    assert.equal(last()?.fault, 'origin-refused');
  });

  test('an answer cut short is cut short for the client too, and recorded as truncated', async () => {
    const { answer, done } = await dialogue(
      answering(s => s.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart')),
      port => get(port),
    );
    assert.match(answer, /\r\n\r\npart$/);
    await done();
    assert.equal(last()?.fault, 'response-truncated');
    assert.equal(last()?.res.size, 4);
  });

  test('an idle origin that went away is replaced without the client noticing', async () => {
    const first: Socket[] = [];
    const origin = await startRawOrigin((socket, index) => {
      if (index === 0) first.push(socket);
      socket.once('data', () => socket.write(OK));
    });
    const client = connect(proxy.port);
    await converse(client, get(origin.port, '/1'), /ok$/);
    const [idle] = first;
    assert.ok(idle);
    // Over on both sides: the proxy has seen it go.
    const over = once(idle, 'close');
    idle.end();
    await over;
    const second = await converse(client, get(origin.port, '/2'), /ok$/);
    assert.match(second, /200 OK/);
    assert.equal(origin.received.length, 2);
    await leave(client, origin);
  });

  test('a kept-alive origin that closes under a GET is asked once more, an upload is not repeated', async () => {
    const serve = (socket: Socket): void => {
      let n = 0;
      socket.on('data', () => {
        if (n++ === 0) socket.write(OK);
        else socket.destroy();
      });
    };
    const origin = await startRawOrigin(serve);
    const client = connect(proxy.port);
    await converse(client, get(origin.port, '/1'), /ok$/);
    assert.match(await converse(client, get(origin.port, '/2'), /ok$/), /200 OK/);
    const posted = await converse(
      client,
      `POST http://127.0.0.1:${origin.port}/3 HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\nContent-Length: 1\r\n\r\nx`,
    );
    assert.match(posted, /^HTTP\/1\.1 502 /);
    assert.equal(origin.received.join('').match(/POST/g)?.length, 1);
    await leave(client, origin);
  });

  test('a client that leaves in the middle is recorded, and its origin connection is let go', async () => {
    const origin = await startRawOrigin(socket => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nstart'));
    });
    const client = connect(proxy.port);
    await converse(client, get(origin.port), /start/);
    const letGo = new Promise(resolve => origin.sockets[0]?.once('end', resolve));
    const port = client.localPort ?? 0;
    client.resetAndDestroy();
    await proxy.flowOf(port);
    await letGo;
    assert.match(last()?.fault ?? '', /client-reset|request-aborted/);
    await origin.stop();
  });

  test('an early answer to an unfinished upload reaches the client', async () => {
    const { answer, done } = await dialogue(
      socket => {
        socket.once('data', () =>
          socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
        );
      },
      port =>
        `POST http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 100000\r\n\r\npart`,
    );
    assert.match(answer, /^HTTP\/1\.1 413 /);
    await done();
    assert.equal(last()?.status, 413);
  });

  test('a client that closes its sending side still gets its answers, pipelined ones too', async () => {
    const origin = await startRawOrigin(answering(OK, OK));
    const client = connect(proxy.port, { allowHalfOpen: true });
    client.end(get(origin.port, '/1') + get(origin.port, '/2'));
    const answer = await converse(client, null);
    assert.equal(answer.match(/200 OK/g)?.length, 2);
    await leave(client, origin);
    assert.equal(proxy.audit.flows.at(-1)?.fault, null);
  });

  test('a client that closes inside a head or a body is recorded as having broken off', async () => {
    const origin = await startRawOrigin(answering(OK));
    for (const start of [
      get(origin.port) + get(origin.port, '/half').slice(0, 30),
      get(origin.port).replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 9\r\n\r\npart'),
    ]) {
      const client = connect(proxy.port, { allowHalfOpen: true });
      await new Promise(resolve => client.once('connect', resolve));
      const port = client.localPort ?? 0;
      client.end(start);
      await converse(client, null);
      assert.equal((await proxy.flowOf(port)).fault, 'request-aborted');
      client.destroy();
    }
    await origin.stop();
  });

  test('a body until close that breaks off is a reset for the client, not an end', async () => {
    const origin = await startRawOrigin(socket => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\npart');
        setTimeout(() => socket.resetAndDestroy(), 50);
      });
    });
    const client = connect(proxy.port);
    const errors: string[] = [];
    client.on('error', (e: NodeJS.ErrnoException) => errors.push(e.code ?? ''));
    assert.match(await converse(client, get(origin.port)), /part$/);
    await leave(client, origin);
    assert.deepEqual(errors, ['ECONNRESET']);
    assert.equal(last()?.fault, 'origin-reset');
  });

  test('an answer to an unfinished upload says that the connection ends', async () => {
    const { answer, done } = await dialogue(
      socket => {
        socket.once('data', () => socket.write(OK));
      },
      port =>
        `POST http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 100\r\n\r\npart`,
    );
    assert.match(answer, /Connection: close/);
    await done();
  });

  test('a 101 to a request that is not complete is refused', async () => {
    const { answer, done } = await dialogue(
      socket => {
        socket.once('data', () =>
          socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
        );
      },
      port =>
        `POST http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: x\r\nConnection: Upgrade\r\nContent-Length: 100\r\n\r\npart`,
    );
    assert.match(answer, /^HTTP\/1\.1 502 /);
    await done();
  });

  test('a client that does not read holds its origin back; then a large body arrives whole', async () => {
    const size = 64 * 1024 * 1024;
    let taken = 0;
    const origin = await startRawOrigin(socket => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        const block = Buffer.alloc(256 * 1024, 'z');
        let left = size / block.length;
        const more = (): void => {
          if (left-- > 0)
            socket.write(block, () => {
              taken += block.length;
              more();
            });
        };
        more();
      });
    });
    const client = connect(proxy.port);
    client.pause();
    client.write(get(origin.port));
    let before = -1;
    while (taken !== before || taken === 0) {
      before = taken;
      await new Promise(r => setTimeout(r, 150));
    }
    // What the origin could hand over lies in kernel buffers and in one turn's reads, not in the relay.
    assert.ok(taken < 24 * 1024 * 1024, `${taken} bytes were taken from the origin with nobody reading`);
    let got = 0;
    await new Promise<void>(resolve => {
      client.on('data', c => {
        got += c.length;
        if (got >= size) resolve();
      });
      client.resume();
    });
    assert.ok(got < size + 300);
    await leave(client, origin);
    assert.equal(last()?.res.size, size);
    assert.equal(last()?.res.truncated, true);
  });
});

test('a client that leaves while its credentials are checked harms nobody', async () => {
  let release: () => void = () => undefined;
  const asked = new Promise<void>(started => {
    release = started;
  });
  const proxy = await startProxy({
    credentials: {
      required: true,
      verify: () => {
        release();
        return new Promise(resolve => setTimeout(() => resolve({ outcome: 'ok', groups: [] }), 80));
      },
    },
  });
  const client = netConnect(proxy.port, '127.0.0.1');
  client.write(
    'GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\nProxy-Authorization: Basic YTpi\r\n\r\n',
  );
  await asked;
  const port = client.localPort ?? 0;
  client.resetAndDestroy();
  assert.match((await proxy.flowOf(port)).fault ?? '', /client-reset|request-aborted/);
  assert.equal(proxy.audit.exchanges.at(-1)?.verdict.action, 'block');
  await new Promise(r => setTimeout(r, 120));
  await proxy.stop();
});
