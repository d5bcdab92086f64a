/**
 * The console's server as the browser tests need it: the contract of web/contract.ts on made-up traffic, the built
 * client with the product's Content-Security-Policy, and switches for everything that can go wrong (slow, failing,
 * session gone, server gone). It proves nothing about the real server.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { parseQuery } from '../../../src/audit/query/parse.ts';
import type {
  ErrorCode,
  ExchangeRow,
  FlowRow,
  Me,
  PolicyView,
  SessionAnswer,
  Status,
} from '../../../web/contract.ts';
import { PERMISSIONS } from '../../../web/contract.ts';
import { freePort } from '../../helpers/free-port.ts';
import { Maker } from './fake-data.ts';
import type { FakeFlow } from './fake-data.ts';
import { exchangeDetail, flowDetail } from './fake-details.ts';
import { histogramOf, facetsOf } from './fake-counts.ts';
import { matches } from './fake-match.ts';
import { FakeAccounts } from './fake-accounts.ts';
import { FakePolicy } from './fake-policy.ts';
import { FakeRecords } from './fake-records.ts';
import { FakeReveals } from './fake-reveals.ts';
import { FakeStreams } from './fake-streams.ts';
import { POLICY_TEXT, preview, statusOf, trailRows } from './fake-state.ts';

/** The page policy of web/server/guard.ts. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export const PASSWORD = 'correct horse battery';
export const TOKEN = 'one-time-token';

export class FakeApi {
  readonly flows: FakeFlow[];
  /** What is wrong right now. */
  readonly mood = { state: 'signed-in' as SessionAnswer['state'], delay: 0, failing: false, locked: false };
  readonly asked: string[] = [];
  can: Me['can'] = [...PERMISSIONS];
  status: Status;
  readonly policies: FakePolicy;
  readonly streams = new FakeStreams();
  readonly records = new FakeRecords();
  readonly accounts = new FakeAccounts();
  readonly reveals = new FakeReveals();
  readonly #maker: Maker;
  readonly #clientDir: string;
  #server: Server;
  readonly #tails = new Set<{ res: ServerResponse; kind: string; q: string }>();
  #port = 0;

  constructor(clientDir: string, flows = 2500, now = Date.now()) {
    this.#clientDir = clientDir;
    this.#maker = new Maker();
    this.flows = this.#maker.day(now, flows);
    this.status = statusOf(now, this.flows.length);
    this.policies = new FakePolicy({
      version: '3fa2c19b0d4e',
      applied: new Date(now - 7e6).toISOString(),
      text: POLICY_TEXT,
      rejected: null,
    });
    this.#server = this.#make();
  }

  get policy(): PolicyView {
    return this.policies.view;
  }

  set policy(view: PolicyView) {
    this.policies.view = view;
  }

  #make(): Server {
    return createServer((req, res) => {
      this.#handle(req, res).catch((error: unknown) => {
        res.writeHead(500).end(String(error));
      });
    });
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<this> {
    this.#port ||= await freePort();
    await new Promise<void>(done => this.#server.listen(this.#port, '127.0.0.1', done));
    return this;
  }

  /** The server goes away: listeners and open streams end. `open` brings it back at the same port. */
  async close(): Promise<void> {
    for (const { res } of this.#tails) res.destroy();
    this.#tails.clear();
    const closed = new Promise(done => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
    this.#server = this.#make();
  }

  /** New traffic happens now. Returns the flows, oldest first. */
  happen(count: number): FakeFlow[] {
    const made = Array.from({ length: count }, () => this.#maker.flow(Date.now()));
    this.flows.unshift(...[...made].reverse());
    this.#tell(
      made.flatMap(flow => flow.exchanges),
      made.map(flow => flow.row),
    );
    return made;
  }

  /** A flow of the test's own goes on top. */
  add(flow: FakeFlow): void {
    this.flows.unshift(flow);
    this.#tell(flow.exchanges, [flow.row]);
  }

  #tell(exchanges: ExchangeRow[], flows: FlowRow[]): void {
    for (const tail of this.#tails) {
      const rows = (tail.kind === 'flows' ? flows : exchanges).filter(row =>
        this.#filter(tail.kind, tail.q)(row),
      );
      if (rows.length > 0) sse(tail.res, 'rows', { kind: tail.kind, rows, dropped: 0 });
    }
  }

  get tails(): number {
    return this.#tails.size;
  }

  endSession(): void {
    this.mood.state = 'signed-out';
    for (const { res } of this.#tails) {
      sse(res, 'end', { reason: 'signed-out' });
      res.end();
    }
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', this.origin);
    if (!url.pathname.startsWith('/api/')) return this.#file(url.pathname, res);
    this.asked.push(url.pathname + url.search);
    if (this.mood.delay > 0) await new Promise(done => setTimeout(done, this.mood.delay));
    if (this.mood.failing && url.pathname !== '/api/me')
      return refuse(
        res,
        503,
        'unavailable',
        'The store does not answer now.',
        'Look at Overview, then try again.',
      );
    res.setHeader('content-security-policy', "default-src 'none'; sandbox");
    if (url.pathname === '/api/me') return json(res, this.#session());
    if (req.method === 'POST') return this.#post(url, req, res);
    if (this.mood.state !== 'signed-in')
      return refuse(res, 401, 'signed-out', 'You are signed out.', 'Log in again.');
    return this.#get(url, res);
  }

  #session(): SessionAnswer {
    const signedIn = this.mood.state === 'signed-in';
    return {
      state: this.mood.state,
      me: signedIn ? this.#me() : null,
      product: { name: 'Sightglass', version: '0.1.0' },
      ways: this.accounts.ways,
    };
  }

  #me(): Me {
    const hour = 3_600_000;
    return {
      name: 'alice.auditor',
      roles: ['admin'],
      can: this.accounts.mustEnrol ? [] : this.can,
      enrol: this.accounts.mustEnrol,
      csrf: 'csrf-token',
      expires: new Date(Date.now() + 12 * hour).toISOString(),
      idleExpires: new Date(Date.now() + hour).toISOString(),
    };
  }

  async #post(url: URL, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = url.pathname;
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    if (/^\/api\/(?:policy|lists|task)\/|^\/api\/(?:alerts|holds)/.test(path)) {
      if (this.mood.state !== 'signed-in')
        return refuse(res, 401, 'signed-out', 'You are signed out.', 'Log in again.');
      if (req.headers['x-csrf-token'] !== 'csrf-token') return refuse(res, 403, 'csrf', 'No token.', '');
      if (path.startsWith('/api/alerts'))
        return json(res, this.streams.post(path, JSON.parse(Buffer.concat(chunks).toString())));
      if (path.startsWith('/api/holds'))
        return json(res, this.records.post(path, JSON.parse(Buffer.concat(chunks).toString())));
      return json(res, this.policies.post(url, Buffer.concat(chunks)));
    }
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, string>;
    if (path === '/api/logout') {
      this.mood.state = 'signed-out';
      return json(res, {});
    }
    if (path.startsWith('/api/reveals')) return json(res, this.reveals.post(path, url.searchParams, body));
    if (/^\/api\/(?:second-factor|people)/.test(path)) {
      const answer = this.accounts.post(path, body, () => this.#me());
      return answer === null
        ? refuse(
            res,
            401,
            'code-refused',
            'This code is wrong, or was used before.',
            'Wait for the next one.',
          )
        : json(res, answer);
    }
    if (req.headers['x-csrf-token'] !== 'none') return refuse(res, 403, 'csrf', 'No token.', '');
    if (path === '/api/setup' && body['token'] !== TOKEN)
      return refuse(
        res,
        403,
        'set-up-refused',
        'This set-up link is not valid any more.',
        'Restart the service for a new one.',
      );
    if (path === '/api/login' && this.mood.locked)
      return refuse(res, 429, 'log-in-locked', 'Too many failed log-ins.', 'Wait, or ask an admin.', {
        retryAfter: 60,
      });
    if (path === '/api/login' && body['password'] !== PASSWORD)
      return refuse(res, 403, 'log-in-refused', 'Name or password is wrong.', 'Check both and try again.');
    if (path === '/api/login' && this.accounts.asksFor(body['code'] ?? ''))
      return body['code'] === undefined
        ? refuse(res, 401, 'code-needed', 'This account asks for a code too.', 'Type it.')
        : refuse(
            res,
            401,
            'code-refused',
            'This code is wrong, or was used before.',
            'Wait for the next one.',
          );
    this.mood.state = 'signed-in';
    return json(res, { me: this.#me() });
  }

  #get(url: URL, res: ServerResponse): void {
    const { pathname, searchParams } = url;
    const answer =
      this.policies.get(url) ??
      this.streams.get(url.pathname) ??
      this.records.get(url.pathname) ??
      this.accounts.get(url.pathname) ??
      this.reveals.get(url.pathname);
    if (answer !== null) return json(res, answer);
    const kind = searchParams.get('kind') ?? 'exchanges';
    const q = searchParams.get('q') ?? '';
    const [, , what, id = '', part, side = ''] = pathname.split('/');
    const parsed = parseQuery(q, { kind: kind === 'flows' ? 'flows' : 'exchanges', now: Date.now() });
    if (!parsed.ok) {
      const { message, suggestion, section, start, end } = parsed.error;
      return refuse(res, 400, 'bad-query', message, suggestion ?? '', { position: start, end, section });
    }
    switch (what) {
      case 'search':
        return this.#search(searchParams, this.#rows(kind, q, searchParams), res);
      case 'histogram':
        return json(res, histogramOf(this.#rows(kind, q, searchParams), searchParams));
      case 'facets':
        return json(res, facetsOf(this.#rows(kind, q, searchParams), searchParams));
      case 'live':
        res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
        sse(res, 'ready', { kind });
        this.#tails.add({ res, kind, q });
        res.on('close', () => this.#tails.forEach(tail => tail.res === res && this.#tails.delete(tail)));
        return;
      case 'status':
        return json(res, this.status);
      case 'policy':
        return json(res, this.policy);
      case 'trail':
        return json(res, trailRows());
      case 'exchange':
      case 'flow': {
        const [flowId, n] = decodeURIComponent(id).split('.');
        const flow = this.flows.find(entry => entry.row.flow === flowId);
        const found =
          flow === undefined ? null : what === 'flow' ? flowDetail(flow) : exchangeDetail(flow, Number(n));
        if (found === null)
          return refuse(res, 404, 'not-found', 'There is no such record.', 'It may be past retention.');
        if (part === 'preview' && !this.reveals.opens(decodeURIComponent(id), side))
          return refuse(res, 403, 'reason-needed', 'Bodies are shown to who says why.', 'State a reason.');
        if (part === 'preview' && 'request' in found) return json(res, preview(found, side));
        if ('request' in found) {
          const opens = (of: string): boolean => this.reveals.opens(decodeURIComponent(id), of);
          found.revealed = { req: opens('req'), res: opens('res') };
        }
        return json(res, found);
      }
      default:
        return refuse(res, 404, 'not-found', 'No such address.', '');
    }
  }

  #filter(kind: string, q: string): (row: ExchangeRow | FlowRow) => boolean {
    const parsed = parseQuery(q, { kind: kind === 'flows' ? 'flows' : 'exchanges', now: Date.now() });
    return row => parsed.ok && matches(parsed.query.root, { ...row });
  }

  #rows(kind: string, q: string, params: URLSearchParams): (ExchangeRow | FlowRow)[] {
    const [since, until] = [timeOf(params.get('since')), timeOf(params.get('until'))];
    const all =
      kind === 'flows' ? this.flows.map(flow => flow.row) : this.flows.flatMap(flow => flow.exchanges);
    return all
      .filter(
        row =>
          (since === null || Date.parse(row.time) >= since) &&
          (until === null || Date.parse(row.time) < until),
      )
      .filter(this.#filter(kind, q))
      .sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
  }

  #search(params: URLSearchParams, rows: (ExchangeRow | FlowRow)[], res: ServerResponse): void {
    const cursor = Number(params.get('cursor') ?? 0);
    const limit = Number(params.get('limit') ?? 100);
    const next = cursor + limit < rows.length ? String(cursor + limit) : null;
    json(res, { kind: params.get('kind'), rows: rows.slice(cursor, cursor + limit), next });
  }

  async #file(path: string, res: ServerResponse): Promise<void> {
    const name = extname(path) === '' ? '/index.html' : normalize(path);
    res.setHeader('content-security-policy', CSP);
    try {
      const data = await readFile(join(this.#clientDir, name));
      res.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' }).end(data);
    } catch {
      res.writeHead(404).end('Not found');
    }
  }
}

const AGES: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

export function timeOf(text: string | null): number | null {
  const age = /^(\d+)([mhd])$/.exec(text ?? '');
  if (age !== null) return Date.now() - Number(age[1]) * (AGES[age[2] ?? 'm'] ?? 0);
  return text === null ? null : Date.parse(text);
}

function json(res: ServerResponse, body: unknown): void {
  res.setHeader('content-type', 'application/json; charset=utf-8');
  res.end(JSON.stringify(body));
}

function refuse(
  res: ServerResponse,
  status: number,
  code: ErrorCode,
  message: string,
  hint: string,
  more: object = {},
): void {
  res.statusCode = status;
  json(res, { error: { code, message, hint, ...more } });
}

function sse(res: ServerResponse, event: string, data: unknown): void {
  res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
