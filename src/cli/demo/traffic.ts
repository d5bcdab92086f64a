/**
 * Sample traffic: a list of scenes, each one flow as some user might cause it. All are played once at the start, so that
 * the first look is never empty; afterwards one is drawn now and then, likelier ones more often, until somebody stops it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DemoOrigin } from './origin.ts';
import { exchange, openTls, openTunnel, plain } from './client.ts';
import type { Ask, Persona, Proxy } from './client.ts';

/** One kind of flow. `weight` is how often it is drawn, compared with the others. */
export interface Scene {
  name: string;
  weight: number;
  play: (persona: Persona) => Promise<string>;
}

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const EDGE =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0';

/** The users of the demo. Linux lets every 127.x address be a client of its own. */
export function personas(platform: NodeJS.Platform): Persona[] {
  const from = (n: number): string | null => (platform === 'linux' ? `127.0.10.${n}` : null);
  return [
    { address: from(11), userAgent: FIREFOX, tls: { ALPNProtocols: ['http/1.1'] } },
    { address: from(12), userAgent: EDGE, tls: { ALPNProtocols: ['http/1.1'], ecdhCurve: 'X25519:P-256' } },
    { address: from(21), userAgent: 'backup-agent/2.3', tls: { maxVersion: 'TLSv1.2' } },
    { address: from(22), userAgent: 'curl/8.14.1', tls: {} },
  ];
}

/** Everything the demo can play against this proxy and origin. */
export function scenes(proxy: Proxy, origin: DemoOrigin): Scene[] {
  const tls =
    (host: string, asks: (persona: Persona) => Ask[], port = origin.tlsPort) =>
    async (persona: Persona): Promise<string> => {
      const socket = await openTls(proxy, persona, host, port);
      const statuses = await exchange(
        socket,
        persona,
        port === 443 ? host : `${host}:${port}`,
        asks(persona),
      );
      return statuses.join(' ');
    };
  const get =
    (...paths: string[]): (() => Ask[]) =>
    () =>
      paths.map(path => ({ path }));
  return [
    {
      name: 'a visit to the shop',
      weight: 6,
      play: tls('shop.demo.test', get('/', '/style.css', '/logo.png', '/products')),
    },
    {
      name: 'a search with a secret in it',
      weight: 2,
      play: tls('shop.demo.test', get('/products?q=valve&token=demo-secret')),
    },
    {
      name: 'a login',
      weight: 2,
      play: tls('shop.demo.test', () => [LOGIN, { path: '/', headers: { cookie: 'session=d3m0' } }]),
    },
    {
      name: 'API calls',
      weight: 6,
      play: tls('api.demo.test', () => [
        { path: '/v1/orders', headers: BEARER },
        ORDER,
        { path: '/v1/report' },
      ]),
    },
    { name: 'a streamed answer', weight: 1, play: tls('api.demo.test', get('/v1/stream')) },
    { name: 'a slow answer', weight: 1, play: tls('api.demo.test', get('/v1/slow')) },
    { name: 'server errors', weight: 2, play: tls('api.demo.test', get('/v1/broken', '/v1/busy')) },
    {
      name: 'pages that are not there',
      weight: 2,
      play: tls('intranet.demo.test', get('/', '/old-handbook.html')),
    },
    { name: 'an upload', weight: 2, play: tls('files.demo.test', () => [UPLOAD]) },
    { name: 'a large download', weight: 1, play: tls('files.demo.test', get('/image.iso')) },
    {
      name: 'a download the user cancels',
      weight: 1,
      play: tls('files.demo.test', () => [{ path: '/image.iso', abandon: true }]),
    },
    { name: 'a download that breaks off', weight: 1, play: tls('files.demo.test', get('/torn')) },
    { name: 'a WebSocket', weight: 1, play: tls('chat.demo.test', () => [WEBSOCKET]) },
    { name: 'banking, passed through', weight: 3, play: tls('bank.demo.test', get('/', '/login')) },
    { name: 'a clinic, passed through', weight: 2, play: tls('clinic.demo.test', get('/')) },
    {
      name: 'a tracker, blocked with a page',
      weight: 3,
      play: tls('ads.tracker.demo.test', get('/pixel?id=1')),
    },
    {
      name: 'malware, blocked with an alert',
      weight: 1,
      play: tls('malware.demo.test', get('/payload.exe')),
    },
    { name: 'an expired certificate', weight: 1, play: tls('expired.demo.test', get('/')) },
    { name: 'a self-signed certificate', weight: 1, play: tls('self-signed.demo.test', get('/')) },
    { name: 'a certificate for another name', weight: 1, play: tls('wrong-name.demo.test', get('/')) },
    { name: 'an origin that is down', weight: 1, play: tls('down.demo.test', get('/'), origin.closedPort) },
    {
      name: 'plain HTTP',
      weight: 2,
      play: async p => String(await plain(proxy, p, `http://intranet.demo.test:${origin.httpPort}/`)),
    },
    {
      name: 'no TLS inside CONNECT',
      weight: 1,
      play: p => notTls(proxy, p, `intranet.demo.test:${origin.tlsPort}`),
    },
    {
      name: 'a port that CONNECT may not name',
      weight: 1,
      play: async p => (await openTunnel(proxy, p, 'intranet.demo.test:25')).destroy() && '',
    },
  ];
}

const BEARER = { authorization: 'Bearer demo-token' };
const LOGIN: Ask = {
  path: '/login',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: 'user=demo&password=not-a-secret',
};
const ORDER: Ask = {
  path: '/v1/orders',
  headers: { ...BEARER, 'content-type': 'application/json' },
  body: JSON.stringify({ article: 'sight glass', pieces: 3 }),
};
const UPLOAD: Ask = {
  method: 'PUT',
  path: '/upload',
  headers: { 'content-type': 'application/pdf' },
  body: Buffer.alloc(2 * 2 ** 20, '%PDF demo '),
};
const WEBSOCKET: Ask = {
  path: '/socket',
  headers: {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'c2lnaHQgZ2xhc3MgZGVtbw==',
  },
};

/** Something that is no TLS: what an SSH client says first. */
async function notTls(proxy: Proxy, persona: Persona, target: string): Promise<string> {
  const socket = await openTunnel(proxy, persona, target);
  socket.resume().write('SSH-2.0-OpenSSH_9.2\r\n');
  await new Promise(done => socket.once('close', done));
  return 'closed';
}

export interface TrafficOptions {
  /** Flows per second after the first round. */
  rate: number;
  /** ms since epoch after which nothing new is started; Infinity runs until `signal`. */
  until: number;
  signal: AbortSignal;
  /** Told after every scene: its name, and how it ended in a few words. */
  heard: (scene: string, outcome: string) => void;
  /** 0 ≤ x < 1. */
  random?: () => number;
  /** At most this many flows at a time; when they are all in use, drawing waits. */
  width?: number;
}

/** Play the first round, then draw until stopped. Resolves when the last flow has ended. */
export async function playTraffic(
  all: readonly Scene[],
  cast: readonly Persona[],
  options: TrafficOptions,
): Promise<void> {
  const random = options.random ?? Math.random;
  const width = options.width ?? 4;
  const running = new Set<Promise<void>>();
  const start = async (scene: Scene): Promise<void> => {
    while (running.size >= width) await Promise.race(running);
    const persona = cast[Math.floor(random() * cast.length)];
    if (persona === undefined) return;
    const flow = scene
      .play(persona)
      .catch((error: unknown) =>
        error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error),
      )
      .then(outcome => {
        running.delete(flow);
        options.heard(scene.name, outcome);
      });
    running.add(flow);
  };
  const over = (): boolean => options.signal.aborted || Date.now() >= options.until;

  for (const scene of all) {
    if (options.signal.aborted) break;
    await start(scene);
  }
  const total = all.reduce((sum, scene) => sum + scene.weight, 0);
  while (!over()) {
    await sleep(1000 / options.rate, undefined, { signal: options.signal }).catch(() => undefined);
    if (over()) break;
    let at = random() * total;
    const scene = all.find(candidate => (at -= candidate.weight) < 0);
    if (scene !== undefined) await start(scene);
  }
  await Promise.all(running);
}
