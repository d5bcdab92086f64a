/**
 * A day of made-up traffic for the console's browser tests: repeatable (seeded), with every verdict, faults of several
 * kinds, users and machines, and records that tell one story with their details. Names are of reserved domains.
 */
import type { Action, ExchangeRow, FlowRow } from '../../../web/contract.ts';

export interface FakeFlow {
  row: FlowRow;
  exchanges: ExchangeRow[];
}

const POLICY = '3fa2c19b0d4e';
const DAY = 86_400_000;

/** mulberry32: a small repeatable source of numbers in [0, 1). */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Site {
  host: string;
  verdict: Action;
  rule: string;
  reason: string;
  weight: number;
  paths: readonly string[];
  fault?: string;
}

const SITES: readonly Site[] = [
  site('www.example.com', 'inspect', 'web', 'matches the list of business sites', 20, [
    '/',
    '/news/2026/quarter-results?utm_source=mail',
    '/assets/app.4f2a91.js',
    '/assets/site.css',
    '/api/session',
  ]),
  site('api.crm.example', 'inspect', 'web', 'matches the list of business sites', 16, [
    '/v2/accounts?page=3&per_page=50',
    '/v2/contacts/search',
    '/v2/opportunities/88213/notes',
    '/v2/login?token=***&next=/v2/me',
  ]),
  site('files.example.net', 'inspect', 'uploads', 'uploads are recorded with bodies', 9, [
    '/upload/session/7f31c2/part/4',
    '/d/annual-report-2026.pdf',
    '/d/design/mock-ups/final/really-final/v12/board-presentation-with-appendix.pptx',
  ]),
  site('cdn.assets.example', 'inspect', 'default', 'no rule matched, the default inspects', 14, [
    '/fonts/inter-var.woff2',
    '/img/hero@2x.avif',
    '/lib/react.production.min.js',
  ]),
  site('bank.example', 'passthrough', 'finance', 'finance sites are never decrypted', 8, []),
  site('clinic.example.org', 'passthrough', 'health', 'health sites are never decrypted', 4, []),
  site('updates.vendor.example', 'passthrough', 'pinned', 'the application pins its certificates', 7, []),
  site('casino.example', 'block', 'gambling', 'on the list of gambling sites', 4, [], 'blocked-by-policy'),
  site('tracker.ads.example', 'block', 'ads', 'on the list of trackers', 9, [], 'blocked-by-policy'),
  site(
    'expired.partner.example',
    'inspect',
    'web',
    'matches the list of business sites',
    2,
    [],
    'cert-expired',
  ),
  site(
    'down.partner.example',
    'inspect',
    'web',
    'matches the list of business sites',
    1,
    [],
    'origin-refused',
  ),
  site(
    'chat.example.org',
    'inspect',
    'web',
    'matches the list of business sites',
    2,
    [],
    'client-rejected-leaf',
  ),
];

function site(
  host: string,
  verdict: Action,
  rule: string,
  reason: string,
  weight: number,
  paths: readonly string[],
  fault?: string,
): Site {
  return { host, verdict, rule, reason, weight, paths, ...(fault === undefined ? {} : { fault }) };
}

const PEOPLE: readonly (readonly [client: string, user: string | null])[] = [
  ['10.20.4.17', 'alice'],
  ['10.20.4.31', 'bogdan'],
  ['10.20.7.5', 'chioma'],
  ['10.20.7.112', 'dilnoza.karimova'],
  ['10.31.0.9', null],
  ['fd12:3456:789a::42', 'ed'],
  ['192.168.88.200', null],
];

const METHODS = ['GET', 'GET', 'GET', 'GET', 'POST', 'GET', 'PUT', 'HEAD'] as const;
const STATUSES = [200, 200, 200, 200, 200, 304, 204, 302, 404, 200, 200, 401, 500, 200, 206] as const;
const TYPES = ['application/json', 'text/html', 'text/css', 'application/javascript', 'image/avif'] as const;

export class Maker {
  readonly #roll: () => number;
  #next = 0;

  constructor(seed = 7) {
    this.#roll = dice(seed);
  }

  /** A day of flows before `now`, newest first. */
  day(now: number, flows: number): FakeFlow[] {
    const out: FakeFlow[] = [];
    for (let i = 0; i < flows; i++) {
      // More at the end of the day, so that the last hour is never empty.
      const back = (i / flows) ** 2.2 * DAY;
      out.unshift(this.flow(now - back));
    }
    return out.sort((a, b) => (a.row.time < b.row.time ? 1 : -1));
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#roll() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  flow(time: number): FakeFlow {
    const id = `2s-${(this.#next++).toString(36)}`;
    const [client, user] = this.#pick(PEOPLE);
    if (this.#roll() < 0.015) return { row: this.#garbage(id, time, client), exchanges: [] };
    const all = SITES.reduce((sum, s) => sum + s.weight, 0);
    let at = this.#roll() * all;
    const where = SITES.find(s => (at -= s.weight) < 0) ?? SITES[0];
    if (where === undefined) throw new Error('no sites');
    const lateFault = where.fault === undefined && this.#roll() < 0.012 ? 'client-reset' : undefined;
    const fault = where.fault ?? lateFault ?? null;
    const ms = Math.round(40 + this.#roll() ** 4 * 90_000);
    const row: FlowRow = {
      flow: id,
      time: new Date(time).toISOString(),
      client,
      user,
      host: where.host,
      port: 443,
      sni: where.host,
      alpn: ['h2', 'http/1.1'],
      ja4: 't13d1516h2_8daaf6152771_e5627efa2ab1',
      verdict: where.verdict,
      rule: where.rule,
      policy: POLICY,
      reason: where.reason,
      bytesUp: Math.round(600 + this.#roll() ** 5 * 4_000_000),
      bytesDown: Math.round(1800 + this.#roll() ** 5 * 90_000_000),
      ms,
      fault,
      exchanges: 0,
      mask: where.verdict === 'inspect' ? 'standard' : null,
      tlsProfile: where.verdict === 'inspect' ? 'modern' : null,
      parent: where.verdict === 'passthrough' ? 'branch' : null,
      proxy: null,
    };
    const exchanges: ExchangeRow[] = [];
    if (where.verdict === 'inspect' && where.paths.length > 0) {
      const n = 1 + Math.floor(this.#roll() ** 2 * 6);
      for (let i = 1; i <= n; i++)
        exchanges.push(this.#exchange(row, where, i, time + ((i - 1) * ms) / n, ms / n));
    }
    row.exchanges = exchanges.length;
    return { row, exchanges };
  }

  #garbage(id: string, time: number, client: string): FlowRow {
    return {
      flow: id,
      time: new Date(time).toISOString(),
      client,
      user: null,
      host: null,
      port: null,
      sni: null,
      alpn: [],
      ja4: null,
      verdict: null,
      rule: null,
      policy: null,
      reason: null,
      bytesUp: 17,
      bytesDown: 0,
      ms: 5003,
      fault: 'ingress-malformed',
      exchanges: 0,
      mask: null,
      tlsProfile: null,
      parent: null,
      proxy: null,
    };
  }

  #exchange(flow: FlowRow, where: Site, n: number, time: number, room: number): ExchangeRow {
    const status = this.#pick(STATUSES);
    const last = n > 1 && flow.fault === 'client-reset';
    return {
      exchange: `${flow.flow}.${n}`,
      flow: flow.flow,
      time: new Date(time).toISOString(),
      client: flow.client,
      user: flow.user,
      method: where.rule === 'uploads' && this.#roll() < 0.5 ? 'POST' : this.#pick(METHODS),
      scheme: 'https',
      host: where.host,
      port: 443,
      path: this.#pick(where.paths),
      status: last ? null : status,
      protocol: 'HTTP/1.1',
      reqBytes: Math.round(this.#roll() ** 6 * 800_000),
      resBytes: status === 304 || status === 204 ? 0 : Math.round(200 + this.#roll() ** 4 * 2_400_000),
      ms: Math.max(2, Math.round(this.#roll() * Math.min(room, 2500))),
      verdict: 'inspect',
      rule: where.rule,
      policy: POLICY,
      reason: where.reason,
      sni: where.host,
      fault: last ? 'request-aborted' : null,
      contentType: status === 304 || status === 204 ? null : this.#pick(TYPES),
      mask: 'standard',
      tlsProfile: 'modern',
      parent: null,
      proxy: null,
      masked: 'req-head:headers=1',
    };
  }
}
