/**
 * A small client for the demo: one flow through the proxy per call, over CONNECT or as an absolute-form request. It verifies
 * what it is shown like any client does; a refused certificate is an outcome, not an error of the demo.
 */
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { Agent, request as httpRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';

/** How a demo user appears: where from, and with what kind of client. */
export interface Persona {
  /** Local address to connect from; null leaves it to the system. */
  address: string | null;
  userAgent: string;
  tls: ConnectionOptions;
}

export interface Proxy {
  host: string;
  port: number;
  /** PEM certificates the client trusts. */
  trusted: string[];
}

export interface Ask {
  method?: string;
  path: string;
  headers?: OutgoingHttpHeaders;
  body?: Buffer | string;
  /** Stop after the head of the response and reset, like a user who closes the tab. */
  abandon?: boolean;
}

const PATIENCE = 20_000;

/** Open a tunnel through the proxy. Rejects when the proxy refuses it. */
export function openTunnel(proxy: Proxy, persona: Persona, target: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({
      host: proxy.host,
      port: proxy.port,
      ...(persona.address === null ? {} : { localAddress: persona.address }),
    });
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    socket.once('close', () => {
      reject(new Error('closed'));
    });
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nUser-Agent: ${persona.userAgent}\r\n\r\n`);
    let head = '';
    socket.on('data', function gather(chunk: Buffer) {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', gather);
      if (!/^HTTP\/1\.[01] 200/.test(head)) {
        socket.destroy();
        reject(new Error(head.split('\r\n')[0] ?? 'refused'));
      } else resolve(socket);
    });
  });
}

/** TLS inside a tunnel, verified against the client's own trust store. */
export async function openTls(proxy: Proxy, persona: Persona, host: string, port: number): Promise<Socket> {
  const tunnel = await openTunnel(proxy, persona, `${host}:${port}`);
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...persona.tls, socket: tunnel, servername: host, ca: proxy.trusted });
    socket.once('secureConnect', () => {
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      reject(new Error('closed'));
    });
    tunnel.once('error', reject);
  });
}

/** Several exchanges, one after the other, over one connection. Returns their status codes. */
export async function exchange(
  socket: Socket,
  persona: Persona,
  host: string,
  asks: readonly Ask[],
): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () => socket;
  const statuses: number[] = [];
  try {
    for (const ask of asks) {
      const response = await send(agent, socket, persona, host, ask);
      statuses.push(response.statusCode ?? 0);
      if (ask.abandon === true) break;
      for await (const _ of response) void _; // Read to the end; the bytes do not matter here.
    }
  } finally {
    agent.destroy();
    socket.destroy();
  }
  return statuses;
}

/** One plain HTTP request in absolute form. Returns the status code. */
export async function plain(proxy: Proxy, persona: Persona, url: string): Promise<number> {
  const socket = connectTcp({
    host: proxy.host,
    port: proxy.port,
    ...(persona.address === null ? {} : { localAddress: persona.address }),
  });
  socket.on('error', () => socket.destroy());
  const [status = 0] = await exchange(socket, persona, new URL(url).host, [{ path: url }]);
  return status;
}

function send(
  agent: Agent,
  connection: Socket,
  persona: Persona,
  host: string,
  ask: Ask,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // A block page ends the connection; a request on one that has ended would wait for ever.
    const gone = (): void => {
      reject(new Error('closed'));
    };
    if (connection.destroyed) {
      gone();
      return;
    }
    connection.once('close', gone);
    const request = httpRequest({
      agent,
      method: ask.method ?? (ask.body === undefined ? 'GET' : 'POST'),
      path: ask.path,
      headers: { host, 'user-agent': persona.userAgent, accept: '*/*', ...ask.headers },
    });
    request.setTimeout(PATIENCE, () => request.destroy(new Error('no answer')));
    request.once('response', response => {
      connection.off('close', gone);
      resolve(response);
    });
    request.once('upgrade', (response: IncomingMessage, socket: Socket) => {
      connection.off('close', gone);
      // A few words over the WebSocket, then goodbye; the response then counts as read.
      for (const words of ['hello', 'is anybody there?']) socket.write(webSocketText(words));
      socket.write(Buffer.of(0x88, 0x80, 0, 0, 0, 0));
      socket.once('close', () => {
        resolve(response);
      });
      socket.once('end', () => socket.end());
      socket.resume();
    });
    request.once('error', reject);
    request.end(ask.body);
  });
}

/** A masked text frame (RFC 6455 §5.2) of fewer than 126 bytes. */
function webSocketText(words: string): Buffer {
  const payload = Buffer.from(words);
  const mask = Buffer.of(0x13, 0x57, 0x9b, 0xdf);
  return Buffer.concat([
    Buffer.of(0x81, 0x80 | payload.length),
    mask,
    payload.map((b, i) => b ^ (mask[i % 4] ?? 0)),
  ]);
}
