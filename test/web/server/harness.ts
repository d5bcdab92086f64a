/**
 * A console on a free port with everything behind it real but the traffic: accounts, sessions and trail in a throw-away
 * control.db, the store an array in memory. Requests go through node:http, which lets a test write any header.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type {
  ExchangeDetail,
  ExchangeRow,
  FlowDetail,
  LiveRow,
  Page,
  RowOf,
  StoredBody,
} from '../../../src/audit/store/store.ts';
import type { Kind } from '../../../src/audit/query/ast.ts';
import { Accounts } from '../../../src/control/accounts.ts';
import { openControlDb } from '../../../src/control/control-db.ts';
import type { ControlDb } from '../../../src/control/control-db.ts';
import { Sessions } from '../../../src/control/sessions.ts';
import { Trail } from '../../../src/control/trail.ts';
import type { ApiError, LoginAnswer, Role, Status } from '../../../web/contract.ts';
import { createConsole } from '../../../web/server/app.ts';
import type { Console, ConsoleOptions } from '../../../web/server/app.ts';
import type { AuditReader, ConsoleDeps } from '../../../web/server/deps.ts';

export const GOOD = 'correct horse battery';
export const START = Date.UTC(2026, 10, 20, 12);

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
  /** The body as JSON. */
  json: <T>() => T;
}

export interface Ask {
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
}

export interface House {
  console: Console;
  port: number;
  clock: { now: number };
  db: ControlDb;
  accounts: Accounts;
  sessions: Sessions;
  trail: Trail;
  audit: MemoryReader;
  /** What the log was told. */
  logged: { message: string; error: unknown }[];
  /** Rows as the recorder would hand them on. */
  commit: (rows: LiveRow[], dropped?: number) => void;
  ask: (path: string, ask?: Ask) => Promise<Answer>;
  /** A signed-in person. */
  person: (role: Role, name?: string) => Promise<Person>;
}

export interface Person {
  name: string;
  cookie: string;
  csrf: string;
  get: (path: string, headers?: OutgoingHttpHeaders) => Promise<Answer>;
  post: (path: string, body: unknown, headers?: OutgoingHttpHeaders) => Promise<Answer>;
}

export async function house(
  t: TestContext,
  options: ConsoleOptions & { deps?: Partial<ConsoleDeps> } = {},
): Promise<House> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-console-'));
  const clock = { now: START };
  const now = (): number => clock.now;
  const db = openControlDb(dir);
  const accounts = new Accounts(db, { now, cost: { logN: 4, r: 8, p: 1 } });
  const sessions = new Sessions(db, accounts, { now });
  const trail = new Trail(db, now);
  const audit = new MemoryReader();
  const logged: House['logged'] = [];
  const listeners = new Set<(rows: readonly LiveRow[], dropped: number) => void>();
  const { deps: more, ...consoleOptions } = options;
  const deps: ConsoleDeps = {
    audit,
    accounts,
    sessions,
    trail,
    policy: {
      view: () => ({
        version: '0123456789ab',
        applied: new Date(START).toISOString(),
        text: 'rules: []\n',
        rejected: null,
      }),
    },
    authority: {
      certificate: format => (format === 'pem' ? '-----BEGIN CERTIFICATE-----\n' : Buffer.from([0x30, 0x82])),
    },
    status: () => status(),
    live: {
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    hosts: ['audit.example'],
    version: '9.9.9',
    clientDir: join(dir, 'client'),
    now,
    log: (message, error) => logged.push({ message, error }),
    ...more,
  };
  const console_ = createConsole(deps, consoleOptions);
  const [address] = await console_.listen([{ host: '127.0.0.1', port: 0 }]);
  assert.ok(address !== undefined);
  t.after(async () => {
    await console_.close();
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const send = (path: string, ask: Ask = {}) => request(address.port, path, ask);

  return {
    console: console_,
    port: address.port,
    clock,
    db,
    accounts,
    sessions,
    trail,
    audit,
    logged,
    commit: (rows, dropped = 0) => listeners.forEach(listener => listener(rows, dropped)),
    ask: send,
    async person(role, name = role) {
      // Somebody must have set the place up before anybody can log in.
      if (role !== 'admin' && accounts.needsSetup())
        await accounts.add({ name: 'first.admin', roles: ['admin'], password: GOOD });
      await accounts.add({ name, roles: [role], password: GOOD });
      const answer = await send('/api/login', loginAsk(name, GOOD));
      assert.equal(answer.status, 200, answer.text);
      const cookie = cookieOf(answer);
      const { csrf } = answer.json<LoginAnswer>().me;
      return {
        name,
        cookie,
        csrf,
        get: (path, headers = {}) => send(path, { headers: { cookie, ...headers } }),
        post: (path, body, headers = {}) =>
          send(path, {
            method: 'POST',
            headers: { cookie, 'content-type': 'application/json', 'x-csrf-token': csrf, ...headers },
            body: JSON.stringify(body),
          }),
      };
    },
  };
}

export function loginAsk(name: string, password: string, headers: OutgoingHttpHeaders = {}): Ask {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-csrf-token': 'none', ...headers },
    body: JSON.stringify({ name, password }),
  };
}

/** `name=value` of the cookie that an answer sets. */
export function cookieOf(answer: Answer): string {
  const [first] = answer.headers['set-cookie'] ?? [];
  assert.ok(first !== undefined, 'the answer sets a cookie');
  return first.split(';', 1)[0] ?? '';
}

export function errorOf(answer: Answer): ApiError['error'] {
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
  return answer.json<ApiError>().error;
}

function request(port: number, path: string, ask: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = http.request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: ask.method ?? 'GET',
        headers: ask.headers ?? {},
        agent: false,
      },
      res => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          const body = Buffer.concat(chunks);
          const text = body.toString();
          resolve({
            status: res.statusCode ?? 0,
            headers: res.headers,
            body,
            text,
            json: <T>() => JSON.parse(text) as T,
          });
        });
      },
    );
    req.on('error', reject);
    req.end(ask.body);
  });
}

export interface SseMessage {
  event: string;
  data: unknown;
}

export interface Sse {
  status: number;
  headers: IncomingHttpHeaders;
  /** The next message; rejects when the stream ends first. */
  next: () => Promise<SseMessage>;
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>;
  close: () => void;
  /** Stop and start taking data. */
  pause: () => void;
  resume: () => void;
}

/** Open a stream of server-sent events. */
export function listen(t: TestContext, port: number, path: string, cookie: string): Promise<Sse> {
  return new Promise((resolve, reject) => {
    const req = http.get({ host: '127.0.0.1', port, path, headers: { cookie }, agent: false }, res => {
      const got: SseMessage[] = [];
      const wanted: { resolve: (m: SseMessage) => void; reject: (e: Error) => void }[] = [];
      let rest = '';
      let over = false;
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => {
        rest += chunk;
        for (let at = rest.indexOf('\n\n'); at >= 0; at = rest.indexOf('\n\n')) {
          const lines = rest.slice(0, at).split('\n');
          rest = rest.slice(at + 2);
          assert.equal(lines.length, 2, 'one event line and one data line');
          const message = {
            event: (lines[0] ?? '').replace(/^event: /, ''),
            data: JSON.parse((lines[1] ?? '').replace(/^data: /, '')) as unknown,
          };
          const waiter = wanted.shift();
          if (waiter === undefined) got.push(message);
          else waiter.resolve(message);
        }
      });
      const ended = new Promise<void>(end =>
        res.on('close', () => {
          over = true;
          for (const waiter of wanted) waiter.reject(new Error('the stream ended'));
          end();
        }),
      );
      res.on('error', () => undefined);
      resolve({
        status: res.statusCode ?? 0,
        headers: res.headers,
        next: () =>
          new Promise((ok, bad) => {
            const message = got.shift();
            if (message !== undefined) ok(message);
            else if (over) bad(new Error('the stream ended'));
            else wanted.push({ resolve: ok, reject: bad });
          }),
        ended,
        close: () => req.destroy(),
        pause: () => res.pause(),
        resume: () => res.resume(),
      });
    });
    req.on('error', reject);
    t.after(() => req.destroy());
  });
}

/** Rows in arrays, newest first, whatever the query says; remembers what it was asked. */
export class MemoryReader implements AuditReader {
  rows: { [K in Kind]: RowOf[K][] } = { exchanges: [], flows: [], events: [] };
  details = new Map<string, ExchangeDetail>();
  flows = new Map<string, FlowDetail>();
  bodies = new Map<string, StoredBody>();
  asked: { method: string; query: string; options: unknown }[] = [];
  /** Thrown by every method when set. */
  failure: Error | null = null;

  async search<K extends Kind>(
    query: { text: string },
    options: { kind: K; limit?: number; before?: string },
  ): Promise<Page<K>> {
    this.#note('search', query.text, options);
    const start = Number(options.before ?? 0);
    const end = start + (options.limit ?? 50);
    const all: RowOf[K][] = this.rows[options.kind];
    return { rows: all.slice(start, end), next: end < all.length ? String(end) : null };
  }
  async histogram(query: { text: string }, options: { since: number; until: number; buckets: number }) {
    this.#note('histogram', query.text, options);
    const step = (options.until - options.since) / options.buckets;
    return {
      buckets: Array.from({ length: options.buckets }, (_, i) => ({
        time: Math.floor(options.since + i * step),
        inspect: i,
        passthrough: 0,
        block: 0,
        none: 0,
        faults: 0,
      })),
      exact: true,
    };
  }
  async facets(query: { text: string }, options: { field: string; limit?: number }) {
    this.#note('facets', query.text, options);
    const values = [null, 'a', 'b', 'c', 'd'].map((value, i) => ({ value, count: 9 - i, bytes: 0 }));
    return { values: values.slice(0, options.limit), exact: true };
  }
  async exchange(id: string): Promise<ExchangeDetail | null> {
    this.#note('exchange', id, {});
    return this.details.get(id) ?? null;
  }
  async flow(id: string): Promise<FlowDetail | null> {
    this.#note('flow', id, {});
    return this.flows.get(id) ?? null;
  }
  async body(id: string, side: string): Promise<StoredBody | null> {
    this.#note('body', id, { side });
    return this.bodies.get(`${id}/${side}`) ?? null;
  }
  async days() {
    return [
      { day: '2026-11-20', exchanges: 1, flows: 1, events: 1, bytes: 1, from: START - 7200_000, to: START },
    ];
  }
  #note(method: string, query: string, options: unknown): void {
    if (this.failure !== null) throw this.failure;
    this.asked.push({ method, query, options });
  }

  /** Put an exchange with its flow and, if given, its response body into the store. */
  put(more: Partial<ExchangeDetail> = {}, body: Partial<StoredBody> | null = null): ExchangeDetail {
    const detail = { ...exchange(), ...more };
    this.details.set(detail.exchange, detail);
    this.rows.exchanges.unshift(detail);
    this.flows.set(detail.flow, flow(detail.flow));
    if (body !== null)
      this.bodies.set(`${detail.exchange}/res`, {
        data: Buffer.from('hello'),
        facts: detail.res,
        contentType: 'text/plain',
        contentEncoding: null,
        ...body,
      });
    return detail;
  }
}

export function row(more: Partial<ExchangeRow> = {}): ExchangeRow {
  return {
    exchange: '1-1.1',
    flow: '1-1',
    time: START,
    client: '10.0.0.7',
    user: null,
    method: 'GET',
    scheme: 'https',
    host: 'www.example.com',
    port: 443,
    path: '/',
    status: 200,
    protocol: 'HTTP/1.1',
    reqBytes: 0,
    resBytes: 5,
    ms: 12,
    verdict: 'inspect',
    rule: 'default',
    policy: '0123456789ab',
    fault: null,
    reason: 'because',
    sni: 'www.example.com',
    contentType: 'text/plain',
    ...more,
  };
}

export function exchange(more: Partial<ExchangeDetail> = {}): ExchangeDetail {
  const none = { size: 0, kept: 0, sha256: null, truncated: false };
  return {
    ...row(),
    n: 1,
    wait: 3,
    capture: 'bodies',
    faultDetail: null,
    upgraded: false,
    reqHeaders: 'Host: www.example.com\r\nAuthorization: Bearer ‹masked 20›\r\n',
    resHeaders: 'Content-Type: text/plain\r\nX-Two: a\r\nX-Two: b: c\r\n',
    req: none,
    res: { size: 5, kept: 5, sha256: 'ab'.repeat(32), truncated: false },
    ...more,
  };
}

export function flow(id: string): FlowDetail {
  return {
    row: {
      flow: id,
      time: START,
      client: '10.0.0.7',
      user: null,
      host: 'www.example.com',
      port: 443,
      sni: 'www.example.com',
      alpn: null,
      ja4: null,
      verdict: 'inspect',
      rule: 'default',
      policy: '0123456789ab',
      reason: 'because',
      bytesUp: 10,
      bytesDown: 20,
      ms: 30,
      fault: null,
      exchanges: 1,
    },
    open: false,
    record: {
      kind: 'flow',
      flow: 2 ** 27 + 1,
      time: START,
      client: '10.0.0.7',
      clientPort: 4711,
      facts: null,
      verdict: null,
      ms: 30,
      bytesUp: 10,
      bytesDown: 20,
      exchanges: 1,
      fault: null,
      faultDetail: null,
      originAddress: '192.0.2.1',
      clientTls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', alpn: null, resumed: false },
      originTls: null,
      originCert: null,
      leafSerial: '0a',
    },
    exchanges: [],
    moreExchanges: false,
  };
}

function status(): Status {
  return {
    version: '9.9.9',
    started: new Date(START).toISOString(),
    now: new Date(START).toISOString(),
    proxy: ['127.0.0.1:8080'],
    console: ['127.0.0.1:9080'],
    workers: [],
    audit: {
      healthy: true,
      spoolBytes: 0,
      lagMs: 0,
      flows: 0,
      exchanges: 0,
      storeBytes: 0,
      days: 0,
      problem: null,
    },
    policy: { version: '0123456789ab', rejected: null },
    ca: null,
  };
}
