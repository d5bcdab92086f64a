/**
 * What the product must withstand from clients: those that break off, stall or talk nonsense in any phase, and a thousand
 * that do nothing. And the starts it refuses, each in a sentence.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeRng } from '../fuzz/rng.ts';
import { capture } from '../helpers/fixture-hellos.ts';
import { failedStart, startProduct, type Product } from '../helpers/product.ts';
import { ask, startLoad, through, type Load } from './load.ts';
import { accountedFor, openScene, pause, type Scene } from './scene.ts';

let scene: Scene;
before(async () => {
  scene = await openScene();
});
after(() => scene.close());

describe('clients of every kind', () => {
  let product: Product;
  before(async () => {
    product = await startProduct(
      scene.options({
        'limits.connections-per-client': '3000',
        'timeout.ingress': '30s',
        'timeout.hello': '1s',
        'timeout.client-tls': '1s',
        'timeout.drain': '10s',
      }),
    );
  });
  after(() => product.cleanUp());

  test('clients that break off, stall or talk nonsense in any phase leave exactly one row each', async () => {
    const hello = capture('curl');
    const head = `CONNECT www.test:${scene.nginx.ec} HTTP/1.1\r\nHost: www.test\r\n\r\n`;
    /** What is said after connecting, and how the client then leaves; `stall` waits to be thrown out. */
    const stories: [string, (string | Buffer)[], 'end' | 'reset' | 'stall'][] = [
      ['nothing at all', [], 'end'],
      ['nothing, reset', [], 'reset'],
      ['noise', [makeRng(7).bytes(500)], 'stall'],
      ['TLS without CONNECT', [hello], 'stall'],
      ['half a head', ['CONNECT www.te'], 'end'],
      ['half a head, reset', ['CONNECT www.te'], 'reset'],
      ['a tunnel and nothing', [head], 'end'],
      ['a tunnel, reset', [head], 'reset'],
      ['a tunnel and silence', [head], 'stall'],
      ['half a hello', [head, hello.subarray(0, 60)], 'end'],
      ['half a hello, reset', [head, hello.subarray(0, 60)], 'reset'],
      ['half a hello and silence', [head, hello.subarray(0, 60)], 'stall'],
      ['noise in the tunnel', [head, makeRng(8).bytes(500)], 'stall'],
      ['SSH in the tunnel', [head, 'SSH-2.0-x\r\n'], 'stall'],
      ['another hello, then gone', [head, hello], 'end'],
      ['another hello, then reset', [head, hello], 'reset'],
      ['another hello, then silence', [head, hello], 'stall'],
      ['a forbidden port', ['CONNECT www.test:0 HTTP/1.1\r\nHost: www.test\r\n\r\n'], 'stall'],
      ['half a plain request', [`GET http://www.test:${scene.nginx.http}/1k HTTP/1.1\r\nHo`], 'end'],
      [
        'a plain request, then reset',
        [
          `GET http://www.test:${scene.nginx.http}/slow HTTP/1.1\r\nHost: www.test:${scene.nginx.http}\r\n\r\n`,
        ],
        'reset',
      ],
      [
        'a smuggled request',
        [
          `POST http://www.test:${scene.nginx.http}/1k HTTP/1.1\r\nHost: www.test:${scene.nginx.http}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        ],
        'stall',
      ],
    ];
    const before = (await product.flows()).length;
    await Promise.all(stories.map(([, words, leave]) => play(product.port, words, leave)));
    // Five that complete TLS and break off in a request, each in its own way.
    for (const broken of [
      'GET /1k HT',
      'GET /slow HTTP/1.1\r\nHost: www.test\r\n\r\n',
      'POST /echo HTTP/1.1\r\nHost: www.test\r\nContent-Length: 100\r\n\r\nhalf',
      '\0\0\r\n\r\n',
      '',
    ]) {
      const socket = await through(scene.target(product));
      socket.on('error', () => undefined);
      socket.write(broken);
      await pause(30);
      socket.destroy();
    }
    const want = stories.length + 5;
    await product.eventually('flows', '', all => all.length >= before + want);
    await pause(300);
    const rows = (await product.flows()).slice(before);
    assert.equal(rows.length, want);
    assert.equal(new Set(rows.map(r => r['flow'])).size, want);
    const kinds = new Set(rows.map(r => r['fault']));
    for (const fault of [
      'ingress-closed',
      'ingress-malformed',
      'hello-closed',
      'hello-timeout',
      'target-invalid',
      'request-malformed',
    ])
      assert.ok(kinds.has(fault), `${fault} is not among ${[...kinds].join()}`);
    assert.deepEqual(product.workers().length, 2);
  });

  test('a thousand idle connections, a third of them inspected, are kept and do not stand in the way', async () => {
    const idle: Socket[] = [];
    let finished: Load | null = null;
    try {
      while (idle.length < 650)
        idle.push(...(await Promise.all(Array.from({ length: 50 }, () => opened(product.port)))));
      const inspected = [];
      while (inspected.length < 350)
        inspected.push(
          ...(await Promise.all(Array.from({ length: 25 }, () => through(scene.target(product))))),
        );
      idle.push(...inspected);
      const load = startLoad({ ...scene.target(product), connections: 8 });
      await load.progress(300);
      await load.stop();
      assert.equal(idle.filter(s => s.destroyed || s.readableEnded).length, 0);
      for (const n of [0, 100, 349]) await ask(inspected[n]!, 'www.test', `0-${n}`);
      finished = load;
    } finally {
      for (const socket of idle) socket.destroy();
    }
    await accountedFor(product, finished);
  });
});

describe('starts that are refused', () => {
  test('each says in one sentence what is wrong and leaves nothing running', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sightglass-refused-'));
    const product = await startProduct({ ...scene.options(), workers: 1 });
    const taken = createServer();
    await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve));
    const port = (taken.address() as AddressInfo).port;
    try {
      const second = await failedStart(product.dataDir, scene.options());
      assert.match(second.stderr, new RegExp(`in use by the process ${product.pid}`));

      const proxyPort = await failedStart(
        join(dir, 'a'),
        scene.options({ 'proxy.listen': `127.0.0.1:${port}` }),
      );
      assert.match(proxyPort.stderr, /EADDRINUSE[\s\S]*hint: another program listens there/);
      const consolePort = await failedStart(
        join(dir, 'b'),
        scene.options({ 'console.listen': `127.0.0.1:${port}` }),
      );
      assert.match(consolePort.stderr, /EADDRINUSE[\s\S]*hint: another program listens there/);

      mkdirSync(join(dir, 'c'));
      writeFileSync(join(dir, 'c', 'policy.yaml'), 'version: 1\nrules: [{ name: x, acton: inspect }]\n');
      const badPolicy = await failedStart(join(dir, 'c'), scene.options());
      assert.match(badPolicy.stderr, /acton/);

      await product.stop();
      chmodSync(join(product.dataDir, 'ca', 'authority.key'), 0o640);
      const key = await failedStart(product.dataDir, scene.options());
      assert.match(key.stderr, /authority\.key/);

      const setting = await failedStart(join(dir, 'd'), scene.options({ 'proxy.lisen': '1' }));
      assert.match(setting.stderr, /proxy\.listen/);
      for (const { code, stdout, stderr } of [second, proxyPort, consolePort, badPolicy, key, setting]) {
        assert.ok(code === 1 || code === 2, `exit ${code}`);
        assert.doesNotMatch(stdout, /^ready/m);
        assert.doesNotMatch(stderr, /\n\s+at /);
      }
    } finally {
      taken.close();
      await product.cleanUp();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

/** Says the words, leaves as told; resolves when the connection is over. */
async function play(
  port: number,
  words: (string | Buffer)[],
  leave: 'end' | 'reset' | 'stall',
): Promise<void> {
  const socket = await opened(port);
  const over = new Promise(resolve => socket.once('close', resolve));
  for (const word of words) {
    socket.write(word);
    await pause(40);
  }
  if (leave === 'end') socket.end();
  if (leave === 'reset') socket.resetAndDestroy();
  await over;
}

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}
