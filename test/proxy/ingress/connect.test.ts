/** CONNECT: the 407 dialogue, the ports it may name, the 200, and what is told before there is a tunnel. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import {
  converse,
  OriginCa,
  startOrigin,
  startProxy,
  tlsInside,
  type TestProxy,
} from '../../helpers/proxy.ts';
import { until } from '../harness.ts';

const basic = (text: string): string =>
  `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;
const ask = (target: string, headers = ''): string =>
  `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${headers}\r\n`;

describe('connect', () => {
  const ca = new OriginCa();
  let origin: Awaited<ReturnType<typeof startOrigin>>;
  let seen: string[] = [];
  let proxy: TestProxy;
  let available = true;
  const asked: string[] = [];
  before(async () => {
    origin = await startOrigin(ca, 'www.test', (req, res) => {
      seen.push(...req.rawHeaders.map(h => h.toLowerCase()));
      res.end('in');
    });
    proxy = await startProxy({
      trust: [ca.pem],
      flags: { 'origin.resolve': 'www.test=127.0.0.1', 'proxy.connect-ports': ['443', String(origin.port)] },
      credentials: {
        required: true,
        verify: (user, password) => {
          asked.push(user);
          if (!available) return Promise.resolve({ outcome: 'unavailable' });
          return Promise.resolve(
            user === 'ada' && password === 'pässword'
              ? { outcome: 'ok', groups: ['staff'] }
              : { outcome: 'refused' },
          );
        },
      },
    });
  });
  after(async () => {
    await proxy.stop();
    await origin.stop();
    ca.remove();
  });

  const opened = async (): Promise<Socket> => {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise(resolve => socket.once('connect', resolve));
    return socket;
  };

  test('challenge, wrong password, right password, all on one connection; the tunnel then belongs to the user', async () => {
    const socket = await opened();
    const port = socket.localPort ?? 0;
    const target = `www.test:${origin.port}`;
    const first = await converse(socket, ask(target), /\r\n\r\n$/);
    assert.match(first, /^HTTP\/1\.1 407 Proxy Authentication Required\r\n/);
    assert.match(first, /Proxy-Authenticate: Basic realm="Sightglass", charset="UTF-8"\r\n/);
    assert.match(first, /Content-Length: 0\r\n/);
    assert.doesNotMatch(first, /Connection: close/i);
    assert.match(await converse(socket, ask(target, basic('ada:wrong')), /\r\n\r\n$/), /^HTTP\/1\.1 407 /);
    assert.match(await converse(socket, ask(target, basic('ada:pässword')), /\r\n\r\n$/), /^HTTP\/1\.1 200 /);
    seen = [];
    const tls = await tlsInside(socket, 'www.test', proxy.ca);
    const answer = await converse(
      tls,
      `GET / HTTP/1.1\r\nHost: www.test\r\n${basic('ada:inner')}Connection: close\r\n\r\n`,
    );
    assert.match(answer, /in$/);
    assert.ok(!seen.includes('proxy-authorization'), 'proxy credentials must never reach an origin');
    const flow = await proxy.flowOf(port);
    assert.equal(flow.facts?.user, 'ada');
    assert.deepEqual(flow.facts?.groups, ['staff']);
    assert.equal(flow.fault, null);
    const row = proxy.audit.exchanges.at(-1);
    assert.equal(row?.user, 'ada');
    assert.doesNotMatch(row?.reqHeaders ?? '', new RegExp(basic('ada:inner').slice(26, -2)));
  });

  test('a client that gives up after the challenge is recorded with it', async () => {
    const socket = await opened();
    const port = socket.localPort ?? 0;
    assert.match(await converse(socket, ask('www.test:443'), /\r\n\r\n$/), /^HTTP\/1\.1 407 /);
    socket.end();
    const flow = await proxy.flowOf(port);
    assert.equal(flow.fault, 'auth-required');
    assert.equal(flow.verdict, null);
  });

  test('credentials that are none are refused without asking anybody', async () => {
    const from = asked.length;
    const socket = await opened();
    for (const value of [
      'Basic !!!',
      'Bearer token',
      `Basic ${Buffer.from('j\xfcrgen:x', 'latin1').toString('base64')}`,
    ])
      assert.match(
        await converse(socket, ask('www.test:443', `Proxy-Authorization: ${value}\r\n`), /\r\n\r\n$/),
        /^HTTP\/1\.1 407 /,
      );
    assert.equal(asked.length, from);
    socket.destroy();
  });

  test('nobody can tell now: 503 and the end, not a challenge that would make a browser ask its user', async () => {
    available = false;
    const socket = await opened();
    const port = socket.localPort ?? 0;
    const answer = await converse(socket, ask('www.test:443', basic('bob:x')));
    available = true;
    assert.match(answer, /^HTTP\/1\.1 503 [\s\S]*X-Sightglass-Fault: auth-unavailable/);
    assert.doesNotMatch(answer, /Proxy-Authenticate/);
    assert.equal((await proxy.flowOf(port)).fault, 'auth-unavailable');
  });

  test('the challenge comes before anything is said about ports', async () => {
    const socket = await opened();
    assert.match(await converse(socket, ask('www.test:25'), /\r\n\r\n$/), /^HTTP\/1\.1 407 /);
    const port = socket.localPort ?? 0;
    const answer = await converse(socket, ask('www.test:25', basic('ada:pässword')));
    assert.match(answer, /^HTTP\/1\.1 403 [\s\S]*X-Sightglass-Fault: port-refused/);
    assert.equal((await proxy.flowOf(port)).fault, 'port-refused');
  });

  test('a refusal reaches a client that is still sending', async () => {
    const socket = await opened();
    const answer = converse(socket, ask('www.test:25', basic('ada:pässword')));
    socket.write(Buffer.alloc(200_000, 'x'));
    assert.match(await answer, /port-refused[\s\S]*<\/html>/);
  });

  test('the hello may come in one packet with the CONNECT', async () => {
    const { capture } = await import('../../helpers/fixture-hellos.ts');
    const socket = await opened();
    const port = socket.localPort ?? 0;
    const head = Buffer.from(ask(`www.test:${origin.port}`, basic('ada:pässword')));
    socket.write(Buffer.concat([head, capture('curl')]));
    // The captured hello names another host: that it was read at all is the point, so we leave with our answer.
    let heard = '';
    socket.on('data', (data: Buffer) => (heard += data.toString('latin1')));
    await until('TLS after the 200', () => heard.includes('\r\n\r\n\x16\x03'));
    socket.destroy();
    const flow = await proxy.flowOf(port);
    assert.equal(flow.facts?.outcome, 'hello');
    assert.ok(flow.facts.hello?.sni);
  });
});
