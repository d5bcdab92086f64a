/**
 * The main job as a browser sees it: Chromium, which trusts only the product's root and ignores no error, on pages of a
 * real origin. Requests at the origin are the rows, connections opened are the flows.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { launchChromium } from '../helpers/chromium.ts';
import { startNginx, type NginxOrigin } from '../helpers/nginx.ts';
import { startProduct, type Product } from '../helpers/product.ts';
import { makeTestCa, type TestCa } from '../helpers/tls-authority.ts';
import { countingForwarder, type Forwarder } from './counting-forwarder.ts';
import { atOrigin, inRecord } from './same-request.ts';

const NAMES = ['ec.test', 'rsa.test', 'http.test', 'pass.test', 'ws.test'];
const POLICY = `
version: 1
default: block
rules:
  - { name: private, when: { host: pass.test }, action: passthrough, reason: Private }
  - { name: audited, when: { host: .test }, action: inspect, capture: bodies, reason: Audited }
`;

describe('a browser', () => {
  let ca: TestCa;
  let nginx: NginxOrigin;
  let product: Product;
  let ws: Awaited<ReturnType<typeof webSocketOrigin>>;
  let forwarder: Forwarder;
  /** What was started, last first. */
  const undo: (() => unknown)[] = [];
  before(async () => {
    ca = makeTestCa();
    undo.unshift(() => ca.remove());
    nginx = await startNginx({ ca, names: NAMES });
    undo.unshift(() => nginx.stop());
    ws = await webSocketOrigin(ca);
    undo.unshift(() => ws.stop());
    product = await startProduct({
      policy: POLICY,
      flags: {
        'origin.trust': 'none',
        'origin.extra-ca': ca.caFile,
        'origin.resolve': NAMES.map(name => `${name}=127.0.0.1`),
      },
    });
    undo.unshift(() => product.cleanUp());
    forwarder = await countingForwarder(product.port);
    undo.unshift(() => forwarder.stop());
  });
  after(async () => {
    for (const step of undo) await step();
  });
  const url = {
    ec: (path: string) => `https://ec.test:${nginx.ec}${path}`,
    rsa: (path: string) => `https://rsa.test:${nginx.rsa}${path}`,
    http: (path: string) => `http://http.test:${nginx.http}${path}`,
    pass: (path: string) => `https://pass.test:${nginx.ec}${path}`,
  };

  test('Chromium, trusting only our root: a page with everything on it, WebSocket included', async () => {
    const [flows, exchanges] = [(await product.flows()).length, (await product.search()).length];
    const browser = await launchChromium({
      proxy: `http://127.0.0.1:${forwarder.port}`,
      roots: [product.ca],
    });
    const origins = nginx.countRequests();
    let echoed = '';
    try {
      const page = await browser.newPage();
      const response = await page.goto(url.ec('/'));
      assert.equal(response?.status(), 200);
      assert.equal((await response?.securityDetails())?.issuer?.startsWith('Sightglass'), true);
      const seen = await page.evaluate<Seen>(IN_PAGE);
      assert.deepEqual(seen.parallel, Array<number>(8).fill(65_536));
      assert.equal(seen.chunked, 65_536);
      assert.equal(seen.echo, 'received 200000\n');
      assert.deepEqual([seen.missing, seen.empty], [404, 204]);
      assert.ok(seen.redirected.endsWith('/1k'));
      echoed = await page.evaluate<string>(echoOver(`wss://ws.test:${ws.port}/socket`));
      assert.equal((await page.goto(url.rsa('/')))?.status(), 200);
      assert.equal((await page.goto(url.http('/')))?.status(), 200);
      // The browser does not know the origin's own authority: passed through, it must refuse.
      await assert.rejects(page.goto(url.pass('/')), /ERR_CERT_AUTHORITY_INVALID/);
    } finally {
      await browser.close();
    }
    await forwarder.stop();
    assert.equal(echoed, 'through the glass');
    const expected = nginx
      .requests()
      .slice(origins)
      .filter(r => r.status !== 0);
    const rows = (
      await product.eventually('search', '', all => all.length >= exchanges + expected.length + 1)
    ).slice(exchanges);
    const sockets = rows.filter(r => r['host'] === 'ws.test');
    assert.deepEqual(
      sockets.map(r => [r['status'], r['path']]),
      [[101, '/socket']],
    );
    assert.deepEqual(
      rows
        .filter(r => r['host'] !== 'ws.test')
        .map(inRecord)
        .sort(),
      expected.map(atOrigin).sort(),
    );
    const ledger = (
      await product.eventually('flows', '', all => all.length >= flows + forwarder.connections.length)
    ).slice(flows);
    assert.equal(ledger.length, forwarder.connections.length);
  });
});

interface Seen {
  parallel: number[];
  chunked: number;
  echo: string;
  missing: number;
  empty: number;
  redirected: string;
}

/** Runs in the page; text, because these tests are compiled without the browser's types. */
const IN_PAGE = `(async () => {
  const size = async path => (await (await fetch(path)).arrayBuffer()).byteLength;
  const load = (tag, attribute, path) => new Promise(resolve => {
    const element = document.createElement(tag);
    element.onload = element.onerror = resolve;
    element[attribute] = path;
    if (tag === 'link') element.rel = 'stylesheet';
    document.head.append(element);
  });
  await Promise.all([load('img', 'src', '/1k?img'), load('script', 'src', '/1k?script'), load('link', 'href', '/1k?style')]);
  return {
    parallel: await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(n => size('/64k?n=' + n))),
    chunked: await size('/chunked'),
    echo: await (await fetch('/echo', { method: 'POST', body: 'x'.repeat(200000) })).text(),
    missing: (await fetch('/404')).status,
    empty: (await fetch('/204')).status,
    redirected: (await fetch('/redirect')).url,
  };
})()`;
const echoOver = (target: string): string => `new Promise((resolve, reject) => {
  const socket = new WebSocket('${target}');
  socket.onopen = () => socket.send('through the glass');
  socket.onmessage = event => { socket.close(); resolve(event.data); };
  socket.onerror = () => reject(new Error('no WebSocket'));
})`;

/** An origin that speaks just enough WebSocket (RFC 6455) to echo one short text frame. */
async function webSocketOrigin(ca: TestCa): Promise<{ port: number; stop: () => Promise<unknown> }> {
  const { cert, key } = ca.issue({ names: ['ws.test'] });
  const server: Server = createServer({ cert, key });
  const sockets = new Set<Socket>();
  server.on('upgrade', (request, socket) => {
    sockets.add(socket as Socket);
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => undefined);
    socket.on('data', (frame: Buffer) => {
      const [opcode, length] = [(frame[0] ?? 0) & 15, (frame[1] ?? 0) & 127];
      if (opcode === 8) return void socket.end(Buffer.from([0x88, 0]));
      const mask = frame.subarray(2, 6);
      const text = Buffer.from(frame.subarray(6, 6 + length).map((byte, i) => byte ^ (mask[i & 3] ?? 0)));
      socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      return new Promise(resolve => server.close(resolve));
    },
  };
}
