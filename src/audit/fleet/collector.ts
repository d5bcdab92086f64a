/**
 * The socket of the collector: HTTPS that takes shipped spools from proxies with a certificate of the fleet's CA, and nothing else.
 * A certificate stands for exactly one proxy, by its common name; what it ships is kept under that name whatever it says.
 *
 * Bounds: `MAX_CONNECTIONS`, one request at a time per proxy, `MAX_READING` bodies in memory at once, a body of `MAX_BODY`
 * compressed and `MAX_BATCH` not. What is too much is refused with 503 or 429 and comes again: the proxy keeps it.
 */
import fs from 'node:fs';
import https from 'node:https';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { CodecError } from '../bytes.ts';
import { MAX_FRAME } from '../frame.ts';
import { decodeBatch } from './batch.ts';
import { certificateName } from './identity.ts';
import { BusyError } from './intake.ts';
import {
  BATCH_PATH,
  decodeArrival,
  encodeAnswer,
  HELLO_PATH,
  NAME_HEADER,
  SPOOL_HEADER,
} from './protocol.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Answer, Intake, Sender } from './intake.ts';
import type { TlsFiles } from './link.ts';

export interface CollectorOptions {
  listen: { host: string; port: number };
  tls: TlsFiles;
  /** Names that may ship; empty for every name that the CA signed. */
  allowed: readonly string[];
  intake: Intake;
  /** What an operator should know: refusals, and requests that failed. */
  tell: (name: string, detail: Record<string, unknown>) => void;
}

export interface RunningCollector {
  address: { host: string; port: number };
  close(): Promise<void>;
}

const gunzip = promisify(zlib.gunzip);
const MiB = 1024 * 1024;
const MAX_CONNECTIONS = 512;
const MAX_READING = 16;
const MAX_BODY = MAX_FRAME + 8 * MiB;
/** A largest frame, a batch beside it and a dictionary. */
const MAX_BATCH = MAX_FRAME + 32 * MiB;

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Listen. Rejects when the address cannot be had or a file cannot be read. */
export async function startCollector(options: CollectorOptions): Promise<RunningCollector> {
  const { intake, tls, tell } = options;
  /** Proxies with a request under way. */
  const busy = new Set<string>();
  let reading = 0;

  const handle = async (request: IncomingMessage): Promise<string> => {
    const sender = senderOf(request, options.allowed);
    if (request.method !== 'POST' || (request.url !== HELLO_PATH && request.url !== BATCH_PATH))
      throw new Refusal(404, 'there is nothing here');
    if (busy.has(sender.name)) throw new Refusal(429, 'one request at a time');
    if (reading >= MAX_READING) throw new Refusal(503, 'busy');
    busy.add(sender.name);
    reading++;
    try {
      const body = await bodyOf(request);
      if (request.url === HELLO_PATH) {
        const segments = await intake.hello(sender, decodeArrival(body.toString()));
        tell('fleet.proxy-arrived', { proxy: sender.name, address: request.socket.remoteAddress ?? null });
        return encodeAnswer({ kind: 'taken', segments });
      }
      const answer: Answer = await intake.take(sender, decodeBatch(await unpacked(body)));
      return encodeAnswer(answer);
    } finally {
      reading--;
      busy.delete(sender.name);
    }
  };

  const server = https.createServer(
    {
      cert: fs.readFileSync(tls.certificate),
      key: fs.readFileSync(tls.key),
      ca: fs.readFileSync(tls.ca),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      headersTimeout: 10_000,
      requestTimeout: 120_000,
      keepAliveTimeout: 90_000,
      maxHeaderSize: 8192,
    },
    (request, response) => {
      handle(request).then(
        text => reply(response, 200, text),
        (error: unknown) => {
          const { status, message } = refusalOf(error);
          if (status !== 429) tell('fleet.refused', { ...seen(request), status, message });
          // What is left of the body is not read.
          if (!request.complete) response.setHeader('connection', 'close');
          reply(response, status, JSON.stringify({ error: status === 503 ? 'not now' : message }));
        },
      );
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    const { code } = error as NodeJS.ErrnoException;
    // Somebody who only looked whether the port is open.
    if (code === 'ECONNRESET') return;
    tell('fleet.refused', { address: socket.remoteAddress ?? null, message: code ?? error.message });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen.port, options.listen.host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // Whoever is in the middle of a batch comes again elsewhere.
        setTimeout(() => server.closeAllConnections(), 1000).unref();
      }),
  };
}

/** Who speaks, by the certificate. Throws a Refusal. */
function senderOf(request: IncomingMessage, allowed: readonly string[]): Sender {
  const socket = request.socket as TLSSocket;
  const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined;
  const name = certificateName(subject);
  if (name === null)
    throw new Refusal(403, 'the certificate names no proxy: its subject needs one common name');
  if (allowed.length > 0 && !allowed.includes(name))
    throw new Refusal(403, `${name} is not among the proxies that may ship (fleet.proxies)`);
  const said = request.headers[NAME_HEADER];
  if (said !== name)
    throw new Refusal(403, `the certificate is that of ${name}, and fleet.name of the proxy says otherwise`);
  const spool = request.headers[SPOOL_HEADER];
  if (typeof spool !== 'string' || !/^[0-9a-f]{32}$/.test(spool))
    throw new Refusal(400, 'the identity of the spool is missing');
  return { name, spool: Buffer.from(spool, 'hex') };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Refusal(413, 'the body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function unpacked(body: Buffer): Promise<Buffer> {
  try {
    return await gunzip(body, { maxOutputLength: MAX_BATCH });
  } catch {
    throw new CodecError('the batch cannot be unpacked');
  }
}

/** What the proxy is told: what it did wrong in words, what is wrong here not at all. */
function refusalOf(error: unknown): { status: number; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Refusal) return { status: error.status, message };
  if (error instanceof CodecError) return { status: 400, message };
  if (error instanceof BusyError) return { status: 503, message };
  return { status: 503, message };
}

function seen(request: IncomingMessage): Record<string, unknown> {
  const subject = (request.socket as TLSSocket).getPeerCertificate().subject as { CN?: unknown } | undefined;
  return { proxy: subject?.CN ?? null, address: request.socket.remoteAddress ?? null };
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(text);
}
