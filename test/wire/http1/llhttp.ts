/**
 * Node's own parser (llhttp, strict) as the independent judge of framing, through the public API of node:http over
 * in-memory streams.
 */
import http from 'node:http';
import { Duplex } from 'node:stream';

export interface JudgedMessage {
  method: string;
  target: string;
  status: number;
  body: Buffer;
  complete: boolean;
}

export interface Judgement {
  messages: JudgedMessage[];
  /** Code of llhttp's or Node's error, or null. */
  error: string | null;
}

/** A stream end that reads what is fed and drops what is written. */
function wire(): Duplex {
  return new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message;

/** How llhttp reads `bytes` as the requests of one connection that ends behind them. */
export async function judgeRequests(bytes: Buffer): Promise<Judgement> {
  const messages: JudgedMessage[] = [];
  let error: string | null = null;
  const server = http.createServer({ requireHostHeader: false, maxHeaderSize: 256 * 1024 });
  server.timeout = server.requestTimeout = server.headersTimeout = server.keepAliveTimeout = 0;
  const take = (req: http.IncomingMessage): void => {
    const message = { method: req.method ?? '', target: req.url ?? '', status: 0, complete: false };
    const parts: Buffer[] = [];
    messages.push({ ...message, body: Buffer.alloc(0) });
    const mine = messages.length - 1;
    req.on('data', (part: Buffer) => {
      parts.push(part);
      messages[mine]!.body = Buffer.concat(parts);
    });
    req.on('end', () => (messages[mine]!.complete = req.complete));
    req.on('error', () => undefined);
  };
  const answer = (req: http.IncomingMessage): void => {
    take(req);
  };
  server.on('request', answer);
  server.on('checkContinue', answer);
  server.on('checkExpectation', answer);
  const ended = new Set<string>();
  server.on('connect', req => {
    messages.push({
      method: 'CONNECT',
      target: req.url ?? '',
      status: 0,
      body: Buffer.alloc(0),
      complete: true,
    });
    ended.add('connect');
  });
  server.on('clientError', e => (error ??= codeOf(e)));
  const stream = wire();
  stream.on('error', () => undefined);
  const over = new Promise<void>(resolve => stream.on('end', resolve).on('close', resolve));
  server.emit('connection', stream);
  stream.push(bytes);
  stream.push(null);
  await Promise.race([over, ...(await settle(ended))]);
  await turn();
  await turn();
  stream.destroy();
  await turn();
  server.close();
  return { messages, error };
}

/** A handed-over connection never ends by itself: look a few turns later. */
async function settle(ended: Set<string>): Promise<Promise<void>[]> {
  for (let i = 0; i < 3; i++) await turn();
  return ended.size > 0 ? [Promise.resolve()] : [];
}

/**
 * How llhttp reads `bytes` as the response to one request with `method`. `close`: the connection ends behind them;
 * else it stays open and the message must be complete without an end.
 */
export async function judgeResponse(method: string, bytes: Buffer, close: boolean): Promise<Judgement> {
  const messages: JudgedMessage[] = [];
  let error: string | null = null;
  const stream = wire();
  stream.on('error', () => undefined);
  const req = http.request({
    method,
    path: method === 'CONNECT' ? 'h.example:443' : '/',
    host: 'h.example',
    headers: { connection: 'keep-alive' },
    maxHeaderSize: 256 * 1024,
    createConnection: () => stream,
  });
  const message = (status: number, complete: boolean): JudgedMessage => {
    const one = { method, target: '', status, body: Buffer.alloc(0), complete };
    messages.push(one);
    return one;
  };
  req.on('error', e => (error ??= codeOf(e)));
  req.on('information', info => message(info.statusCode, true));
  req.on('upgrade', (res, _socket, head) => (message(res.statusCode ?? 0, true).body = Buffer.from(head)));
  req.on('connect', (res, _socket, head) => (message(res.statusCode ?? 0, true).body = Buffer.from(head)));
  req.on('response', res => {
    const one = message(res.statusCode ?? 0, false);
    const parts: Buffer[] = [];
    res.on('data', (part: Buffer) => {
      parts.push(part);
      one.body = Buffer.concat(parts);
    });
    res.on('end', () => (one.complete = res.complete));
    res.on('error', e => (error ??= codeOf(e)));
  });
  req.end();
  await turn();
  stream.push(bytes);
  if (close) stream.push(null);
  for (let i = 0; i < 4; i++) await turn();
  req.destroy();
  stream.destroy();
  await turn();
  return { messages, error };
}
