/**
 * An origin that misbehaves on purpose, over plain TCP or TLS. It says who it is in every answer and keeps the raw bytes
 * each connection sent (after decryption), so a test can compare what arrived with what was recorded.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

export const BEHAVIOURS = [
  /** A proper response for each request head (and body by Content-Length), kept alive. */
  'answer',
  /** Accepts and closes before a byte, TLS included. */
  'close-at-once',
  /** Accepts and resets before a byte. */
  'reset-at-once',
  /** Accepts and stays silent for ever, TLS included. */
  'never-speak',
  /** TLS is completed; the request is read and never answered. */
  'never-answer',
  /** Closes after the head of the request. */
  'close-after-request',
  'reset-after-request',
  /** Bytes that are no HTTP. */
  'nonsense',
  /** A response head that ends in the middle of a field, then close. */
  'half-head',
  /** Announces 1000 bytes of body, sends 100, closes. */
  'half-body',
  /** As before, with a reset. */
  'reset-in-body',
  /** Announces chunks, sends one and a half, closes. */
  'half-chunk',
  /** A body without any length, ended by the close: valid HTTP/1.1. */
  'until-close',
] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

/** One connection as the origin saw it. */
export interface Visit {
  /** Decrypted bytes in the order of arrival. */
  received: Buffer;
  /** SNI of the client; null without TLS or without a name. */
  sni: string | null;
  alpn: string | null;
  /** Complete requests that were answered. */
  answered: number;
  /** True once the connection is gone. */
  closed: boolean;
}

export interface RawOrigin {
  readonly port: number;
  /** May be changed at any time; counts for what comes after. A function answers with exact bytes and then closes or not. */
  behaviour: Behaviour | Answer;
  readonly visits: Visit[];
  /** Waits for the first visit that fulfils the condition; rejects after ten seconds. */
  visit: (condition?: (visit: Visit) => boolean) => Promise<Visit>;
  stop: () => Promise<void>;
}

/** Exact bytes for one request. `close` ends the connection after them. */
export type Answer = (request: Buffer) => { bytes: Buffer | string; close?: boolean };

export interface RawOriginOptions {
  /** What it calls itself in its answers. */
  name?: string;
  behaviour?: Behaviour | Answer;
  /** PEM; without it the origin speaks plain HTTP. */
  tls?: { cert: string; key: string; alpn?: string[] };
}

export async function startRawOrigin(options: RawOriginOptions = {}): Promise<RawOrigin> {
  const name = options.name ?? 'raw';
  const visits: Visit[] = [];
  const sockets = new Set<Socket>();
  const context = options.tls === undefined ? null : createSecureContext(options.tls);

  const server = createServer(raw => {
    sockets.add(raw);
    const visit: Visit = { received: Buffer.alloc(0), sni: null, alpn: null, answered: 0, closed: false };
    visits.push(visit);
    raw.on('error', () => undefined);
    raw.on('close', () => {
      sockets.delete(raw);
      visit.closed = true;
    });
    const behaviour = self.behaviour;
    if (behaviour === 'close-at-once') return void raw.destroy();
    if (behaviour === 'reset-at-once') return void raw.resetAndDestroy();
    if (behaviour === 'never-speak') return void raw.resume();
    if (context === null) return serve(raw, raw, visit);
    const tls = new TLSSocket(raw, {
      isServer: true,
      secureContext: context,
      ...(options.tls?.alpn === undefined ? {} : { ALPNProtocols: options.tls.alpn }),
    });
    tls.on('secure', () => {
      visit.sni = (tls as TLSSocket & { servername?: string | false }).servername || null;
      visit.alpn = tls.alpnProtocol || null;
    });
    serve(tls, raw, visit);
  });

  function serve(socket: Socket, raw: Socket, visit: Visit): void {
    let pending = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('data', (data: Buffer) => {
      visit.received = Buffer.concat([visit.received, data]);
      pending = Buffer.concat([pending, data]);
      for (
        let size = requestSize(pending);
        size !== null && size <= pending.length;
        size = requestSize(pending)
      ) {
        const request = pending.subarray(0, size);
        pending = pending.subarray(size);
        visit.answered++;
        act(socket, raw, request, visit.answered);
      }
    });
  }

  function act(socket: Socket, raw: Socket, request: Buffer, ordinal: number): void {
    const { behaviour } = self;
    if (typeof behaviour === 'function') {
      const { bytes, close } = behaviour(request);
      if (close === true) socket.end(bytes);
      else socket.write(bytes);
      return;
    }
    const body = `${name} answers request ${ordinal}\n`;
    const head = `HTTP/1.1 200 OK\r\nServer: ${name}\r\nContent-Type: text/plain\r\n`;
    const part = 'x'.repeat(100);
    switch (behaviour) {
      case 'answer':
        // HEAD is answered without the body it announces.
        socket.write(
          `${head}Content-Length: ${body.length}\r\n\r\n${request.toString('latin1', 0, 5) === 'HEAD ' ? '' : body}`,
        );
        return;
      case 'close-after-request':
        return void socket.end();
      case 'reset-after-request':
        return void raw.resetAndDestroy();
      case 'nonsense':
        return void socket.end(Buffer.from('0001fffe00\r\nSSH-2.0-nonsense\r\n\r\n', 'latin1'));
      case 'half-head':
        return void socket.end(`${head}Content-Len`);
      case 'half-body':
        return void socket.end(`${head}Content-Length: 1000\r\n\r\n${part}`);
      case 'reset-in-body':
        return void socket.write(`${head}Content-Length: 1000\r\n\r\n${part}`, () => raw.resetAndDestroy());
      case 'half-chunk':
        return void socket.end(
          `${head}Transfer-Encoding: chunked\r\n\r\n64\r\n${part}\r\n64\r\n${part.slice(50)}`,
        );
      case 'until-close':
        return void socket.end(`${head}Connection: close\r\n\r\n${body}`);
      case 'never-answer':
      case 'close-at-once':
      case 'reset-at-once':
      case 'never-speak':
        return;
    }
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const self: RawOrigin = {
    port: (server.address() as AddressInfo).port,
    behaviour: options.behaviour ?? 'answer',
    visits,
    visit: (condition = () => true) => waitFor(visits, condition),
    stop: () => stop(server, sockets),
  };
  return self;
}

/** Bytes of the first request: head and body by Content-Length or chunks. Null while the head is incomplete. */
function requestSize(bytes: Buffer): number | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = bytes.toString('latin1', 0, end);
  const length = /^content-length:\s*(\d+)/im.exec(head)?.[1];
  if (/^transfer-encoding:.*chunked/im.test(head)) {
    const last = /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(bytes.toString('latin1', end + 4));
    return last === null ? Infinity : end + 4 + last.index + last[0].length;
  }
  return end + 4 + Number(length ?? 0);
}

async function waitFor(visits: readonly Visit[], condition: (visit: Visit) => boolean): Promise<Visit> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    const found = visits.find(condition);
    if (found !== undefined) return found;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  throw new Error(`no such visit among ${visits.length}`);
}

async function stop(server: Server, sockets: Set<Socket>): Promise<void> {
  const closed = new Promise(resolve => server.close(resolve));
  for (const socket of sockets) socket.destroy();
  await closed;
}
