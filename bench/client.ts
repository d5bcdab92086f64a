/**
 * The load client: `node --import tsx bench/client.ts '<LoadOrder as JSON>'`, prints a LoadResult.
 *
 * A fixed number of connections, each CONNECT, a full TLS handshake that verifies the certificate, and requests one
 * after the other. Every answer's status and length are checked. It speaks only as much HTTP as the bench needs:
 * answers must carry Content-Length.
 */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { quantile, type LoadOrder, type LoadResult } from './load.ts';

const END_OF_HEAD = Buffer.from('\r\n\r\n');

const order = JSON.parse(process.argv[2] ?? '{}') as LoadOrder;
const secureContext = tls.createSecureContext({ ca: readFileSync(order.ca), minVersion: 'TLSv1.2' });
const latencies = new Float64Array(order.requests);
const result = { ok: 0, errors: 0, bad: 0, bytes: 0, connectionsMade: 0, firstError: null as string | null };
let started = 0;
let stopped = false;

function note(what: string): void {
  result.firstError ??= what.slice(0, 200);
}

/** CONNECT through the proxy; resolves with the bare socket. */
function tunnel(name: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(order.proxyPort, '127.0.0.1');
    socket.setNoDelay(true);
    const authority = `${name}:${order.originPort}`;
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      if (head.indexOf(END_OF_HEAD) < 0) return;
      socket.off('data', onData);
      socket.pause();
      if (/^HTTP\/1\.[01] 200/.test(head.toString('latin1', 0, 15))) resolve(socket);
      else reject(new Error(`CONNECT: ${head.toString('latin1', 0, 60).split('\r\n')[0]}`));
    };
    socket.on('data', onData);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed during CONNECT')));
    socket.once('connect', () => socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`));
  });
}

function secure(socket: net.Socket, name: string): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const stream = tls.connect({ socket, servername: name, secureContext, ALPNProtocols: ['http/1.1'] });
    stream.once('secureConnect', () => resolve(stream));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('closed during the TLS handshake')));
  });
}

/** One request; resolves with the body's length when it is complete, rejects when the connection fails first. */
class Answers {
  readonly #stream: tls.TLSSocket;
  #head: Buffer | null = Buffer.alloc(0);
  #left = 0;
  #length = 0;
  #settle: { resolve: (length: number) => void; reject: (error: Error) => void } | null = null;

  constructor(stream: tls.TLSSocket) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('error', (error: Error) => this.#fail(error));
    stream.on('close', () => this.#fail(new Error('closed before the answer was complete')));
  }

  ask(request: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#head = Buffer.alloc(0);
      this.#stream.write(request);
    });
  }

  #read(chunk: Buffer): void {
    let body = chunk;
    if (this.#head !== null) {
      this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf(END_OF_HEAD);
      if (end < 0) return;
      const text = this.#head.toString('latin1', 0, end);
      const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
      if (length === undefined) return this.#fail(new Error(`no Content-Length: ${text.split('\r\n')[0]}`));
      if (!/^HTTP\/1\.1 200/.test(text)) {
        result.bad++;
        note(`status: ${text.split('\r\n')[0]}`);
      }
      this.#left = this.#length = Number(length);
      body = this.#head.subarray(end + 4);
      this.#head = null;
    }
    this.#left -= body.length;
    if (this.#left < 0) return this.#fail(new Error('more bytes than Content-Length says'));
    if (this.#left > 0) return;
    const { resolve } = this.#settle ?? {};
    this.#settle = null;
    resolve?.(this.#length);
  }

  #fail(error: Error): void {
    const { reject } = this.#settle ?? {};
    this.#settle = null;
    reject?.(error);
  }
}

async function connection(slot: number): Promise<void> {
  const name = order.names[slot % order.names.length] ?? '';
  const t0 = performance.now();
  let socket: net.Socket | undefined;
  try {
    socket = await tunnel(name);
    const stream = await secure(socket, name);
    result.connectionsMade++;
    const answers = new Answers(stream);
    const request = `GET ${order.path} HTTP/1.1\r\nHost: ${name}:${order.originPort}\r\nUser-Agent: sightglass-bench\r\nAccept: */*\r\n\r\n`;
    for (let n = 0; ; n++) {
      const from = n === 0 && order.perConnection === 1 ? t0 : performance.now();
      const length = await answers.ask(request);
      if (length === order.length) latencies[result.ok++] = performance.now() - from;
      else {
        result.bad++;
        note(`length ${length}`);
      }
      result.bytes += length;
      if (stopped || (order.perConnection > 0 && n + 1 >= order.perConnection) || started >= order.requests)
        break;
      started++;
    }
    stream.end();
  } catch (error) {
    result.errors++;
    note((error as Error).message);
  } finally {
    socket?.destroySoon();
  }
}

let slots = 0;
async function lane(): Promise<void> {
  while (!stopped && started < order.requests) {
    started++;
    await connection(slots++);
    if (result.errors > 50) stopped = true;
  }
}

const timer = setTimeout(() => (stopped = true), order.limit * 1000);
const t0 = performance.now();
await Promise.all(Array.from({ length: order.connections }, lane));
clearTimeout(timer);
const sorted = latencies.subarray(0, result.ok).sort();
const cpu = process.cpuUsage();
const answer: LoadResult = {
  ...result,
  seconds: (performance.now() - t0) / 1000,
  p50: quantile(sorted, 0.5),
  p99: quantile(sorted, 0.99),
  clientCpu: (cpu.user + cpu.system) / 1e6,
};
console.log(JSON.stringify(answer));
