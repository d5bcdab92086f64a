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
import type { LiveRow } from '../../../src/audit/store/store.ts';
import { Accounts } from '../../../src/control/accounts.ts';
import { openControlDb } from '../../../src/control/control-db.ts';
import type { ControlDb } from '../../../src/control/control-db.ts';
import { Reveals } from '../../../src/control/reveals.ts';
import { Sessions } from '../../../src/control/sessions.ts';
import { Trail } from '../../../src/control/trail.ts';
import { API } from '../../../web/contract.ts';
import type { ApiError, LoginAnswer, Role, Status } from '../../../web/contract.ts';
import { createConsole } from '../../../web/server/app.ts';
import type { Console, ConsoleOptions } from '../../../web/server/app.ts';
import type { ConsoleDeps } from '../../../web/server/deps.ts';
import { MemoryReader, START } from './memory-reader.ts';

export const GOOD = 'correct horse battery';

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
  options: ConsoleOptions & {
    deps?: Partial<ConsoleDeps>;
    demand?: readonly Role[];
    secondPerson?: boolean;
  } = {},
): Promise<House> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-console-'));
  const clock = { now: START };
  const now = (): number => clock.now;
  const db = openControlDb(dir);
  const accounts = new Accounts(db, { now, cost: { logN: 4, r: 8, p: 1 }, demand: options.demand ?? [] });
  const sessions = new Sessions(db, accounts, { now });
  const trail = new Trail(db, now);
  const reveals = new Reveals(
    db,
    trail,
    { secondPerson: options.secondPerson ?? false, wait: 3_600_000, open: 900_000 },
    now,
  );
  const audit = new MemoryReader();
  const logged: House['logged'] = [];
  const listeners = new Set<(rows: readonly LiveRow[], dropped: number) => void>();
  const { deps: more, demand: _, secondPerson: __, ...consoleOptions } = options;
  const deps: ConsoleDeps = {
    audit,
    accounts,
    sessions,
    trail,
    reveals,
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

/** Somebody says why, so that bodies of an exchange are shown. */
export async function reveal(person: Person, exchange: string, side = 'both'): Promise<void> {
  const answer = await person.post(API.reveals, { exchange, side, reason: 'case 4711, asked by legal' });
  assert.equal(answer.status, 200, answer.text);
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
    shipping: null,
    policy: { version: '0123456789ab', rejected: null },
    ca: null,
  };
}
