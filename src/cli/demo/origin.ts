/**
 * The demo's origin: one HTTPS and one HTTP server on loopback that play a handful of hosts below `demo.test`, by SNI and
 * Host. It answers whatever a first look should show: pages, JSON, a login, uploads, a large download, errors, slowness.
 * It keeps nothing and is reachable from this machine only.
 */
import { createHash } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { createDemoAuthority } from './certificates.ts';
import type { Flaw } from './certificates.ts';

/** Names that the origin plays, with the state of their certificate. All resolve to loopback by `origin.resolve`. */
export const DEMO_HOSTS: Readonly<Record<string, Flaw>> = {
  'intranet.demo.test': 'good',
  'shop.demo.test': 'good',
  'api.demo.test': 'good',
  'files.demo.test': 'good',
  'chat.demo.test': 'good',
  'bank.demo.test': 'good',
  'clinic.demo.test': 'good',
  'ads.tracker.demo.test': 'good',
  'malware.demo.test': 'good',
  'expired.demo.test': 'expired',
  'self-signed.demo.test': 'self-signed',
  'wrong-name.demo.test': 'wrong-name',
  'down.demo.test': 'good',
};

export interface DemoOrigin {
  /** Port of HTTPS and port of plain HTTP, both on 127.0.0.1. */
  tlsPort: number;
  httpPort: number;
  /** A port where nobody listens. */
  closedPort: number;
  /** PEM of the CA that signed the good certificates. */
  certificate: string;
  close(): Promise<void>;
}

/** Start both servers on free ports. */
export async function startDemoOrigin(now: number): Promise<DemoOrigin> {
  const authority = createDemoAuthority(now);
  const contexts = new Map<string, SecureContext>();
  for (const [host, flaw] of Object.entries(DEMO_HOSTS)) contexts.set(host, authority.contextFor(host, flaw));

  const tlsServer = createHttpsServer(
    {
      SNICallback: (name, done) => {
        const context = contexts.get(name.toLowerCase());
        if (context === undefined) done(new Error(`no certificate for ${name}`));
        else done(null, context);
      },
    },
    answer,
  );
  const httpServer = createHttpServer(answer);
  const open = new Set<Duplex>();
  for (const server of [tlsServer, httpServer]) {
    server.on('connection', (socket: Duplex) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      socket.on('error', () => socket.destroy()); // A client that goes away is part of the show.
    });
    server.on('upgrade', echoWebSocket);
  }
  tlsServer.on('tlsClientError', () => undefined);
  const [tlsPort, httpPort] = [await listen(tlsServer), await listen(httpServer)];

  return {
    tlsPort,
    httpPort,
    closedPort: await freePort(),
    certificate: authority.certificate,
    async close() {
      const closed = [tlsServer, httpServer].map(server => new Promise(done => server.close(done)));
      for (const socket of open) socket.destroy();
      await Promise.all(closed);
    },
  };
}

/** Answers by path; the same for every host. */
const ROUTES: Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse) => void | Promise<void>>
> = {
  '/': (request, response) => {
    html(
      response,
      `Welcome to ${hostOf(request)}`,
      '<a href="/products">Products</a> <a href="/login">Log in</a>',
    );
  },
  '/products': (_request, response) => {
    html(response, 'Products', '<ul><li>Sight glass</li><li>Valve</li><li>Pipe</li></ul>');
  },
  '/style.css': (_request, response) => {
    send(response, 200, 'text/css', 'body { font: 16px/1.5 sans-serif; margin: 3rem }');
  },
  '/logo.png': (_request, response) => {
    send(response, 200, 'image/png', PIXEL, { 'cache-control': 'public, max-age=3600' });
  },
  '/login': async (request, response) => {
    await digestOf(request);
    response.setHeader('set-cookie', ['session=d3m0; Secure; HttpOnly; SameSite=Lax', 'theme=dark']);
    response.writeHead(302, { location: '/', 'content-length': '0' }).end();
  },
  '/v1/orders': async (request, response) => {
    if (request.method === 'POST') {
      await digestOf(request);
      json(response, 201, { id: 4711, state: 'accepted' });
    } else json(response, 200, { orders: [4709, 4710, 4711], next: null });
  },
  '/v1/report': (_request, response) => {
    const rows = Array.from({ length: 400 }, (_, i) => ({ day: i, visits: (i * 37) % 101 }));
    const body = gzipSync(JSON.stringify(rows));
    send(response, 200, 'application/json', body, { 'content-encoding': 'gzip' });
  },
  '/v1/stream': async (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (let n = 1; n <= 5 && !response.destroyed; n++) {
      response.write(`${JSON.stringify({ event: n })}\n`);
      await sleep(300);
    }
    response.end();
  },
  '/v1/slow': async (_request, response) => {
    await sleep(3000);
    json(response, 200, { patience: true });
  },
  '/v1/broken': (_request, response) => {
    json(response, 500, { error: 'division by cucumber' });
  },
  '/v1/busy': (_request, response) => {
    json(response, 503, { error: 'come back later' }, { 'retry-after': '30' });
  },
  '/upload': async (request, response) => {
    json(response, 200, await digestOf(request));
  },
  '/image.iso': async (_request, response) => {
    await download(response, 24 * 2 ** 20);
  },
  '/torn': (_request, response) => {
    // Announces more than it sends: a download that breaks off.
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': '1048576' });
    response.write(Buffer.alloc(65_536), () => response.destroy());
  },
};

const answer: RequestListener = (request, response) => {
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  if (route === undefined) {
    request.resume();
    html(response, 'Not found', 'There is no such page.', 404);
    return;
  }
  Promise.resolve(route(request, response)).catch(() => response.destroy());
  request.resume();
};

/** The smallest PNG there is: one transparent pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

function html(response: ServerResponse, title: string, body: string, status = 200): void {
  const page = `<!doctype html><meta charset="utf-8"><title>${title}</title><link rel="stylesheet" href="/style.css"><h1>${title}</h1>${body}\n`;
  send(response, status, 'text/html; charset=utf-8', page);
}

function json(
  response: ServerResponse,
  status: number,
  value: unknown,
  extra: Record<string, string> = {},
): void {
  send(response, status, 'application/json', `${JSON.stringify(value)}\n`, extra);
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  extra: Record<string, string> = {},
): void {
  const bytes = Buffer.from(body as string);
  response.writeHead(status, { 'content-type': type, 'content-length': String(bytes.length), ...extra });
  response.end(bytes);
}

function hostOf(request: IncomingMessage): string {
  return (request.headers.host ?? 'demo.test').replace(/[^a-z0-9.:-]/gi, '');
}

/** Swallow a request body and say what it was. */
async function digestOf(request: IncomingMessage): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** `size` bytes, as fast as they are taken. */
async function download(response: ServerResponse, size: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': String(size) });
  const block = Buffer.alloc(65_536, 'sight glass ');
  await pipeline(function* blocks() {
    for (let left = size; left > 0; left -= block.length)
      yield left >= block.length ? block : block.subarray(0, left);
  }, response);
}

/** RFC 6455: accept, then send every byte back with the mask taken off. One frame of at most 125 bytes at a time. */
function echoWebSocket(request: IncomingMessage, socket: Duplex): void {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  let waiting = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    for (;;) {
      const length = (waiting[1] ?? 0) & 0x7f;
      if (waiting.length < 6 + length) return;
      const mask = waiting.subarray(2, 6);
      const payload = Buffer.from(waiting.subarray(6, 6 + length)).map((b, i) => b ^ (mask[i % 4] ?? 0));
      socket.write(Buffer.concat([Buffer.of(waiting[0] ?? 0x81, length), payload]));
      if (((waiting[0] ?? 0) & 0x0f) === 8) socket.end();
      waiting = waiting.subarray(6 + length);
    }
  });
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** A port that was free a moment ago and that nobody was told about. */
async function freePort(): Promise<number> {
  const server = createHttpServer();
  const port = await listen(server);
  await new Promise(done => server.close(done));
  return port;
}
