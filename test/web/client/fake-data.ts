/**
 * A day of made-up traffic for the console's browser tests: repeatable (seeded), with every verdict, faults of several
 * kinds, users and machines, and records that tell one story with their details. Names are of reserved domains.
 */
import { FAULTS, isFaultCode } from '../../../src/core/faults.ts';
import type {
  Action,
  CertInfo,
  ExchangeDetail,
  ExchangeRow,
  FaultInfo,
  FlowDetail,
  FlowRow,
  HeaderField,
  MessageInfo,
} from '../../../web/contract.ts';

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
    };
  }
}

/** What the catalogue says about a fault of these rows. */
export function faultInfo(code: string | null): FaultInfo | null {
  if (code === null || !isFaultCode(code)) return null;
  const { side, phase, summary, hint } = FAULTS[code];
  const detail = code.startsWith('cert-')
    ? 'certificate has expired: notAfter=Nov  3 12:00:00 2026 GMT'
    : null;
  return { code, side, phase, summary, hint, detail };
}

const CERT: CertInfo = {
  subject: 'CN=www.example.com, O=Example Corporation, C=NL',
  issuer: 'CN=Example TLS Issuing CA 4, O=Example Trust Services, C=NL',
  names: ['www.example.com', 'example.com', '*.assets.example.com'],
  notBefore: '2026-09-01T00:00:00.000Z',
  notAfter: '2027-03-12T23:59:59.000Z',
  fingerprint: '5e2f6c9a71b04d83a5c1e0f2d4b6987a1c3e5f708192a3b4c5d6e7f8091a2b3c',
  serial: '0b6a1f93c28e5d7740aa',
};

const certOf = (text: string): CertInfo => ({
  ...CERT,
  subject: text,
  issuer: text,
  names: [text, text],
  serial: text,
});

export function flowDetail({ row, exchanges }: FakeFlow, whole = true): FlowDetail {
  const said = row.host !== null;
  const served = row.verdict === 'inspect' && row.fault !== 'origin-refused' && row.fault !== 'cert-expired';
  return {
    row,
    open: false,
    clientPort: 51_000 + (row.flow.length % 100),
    ingress: said ? 'connect' : null,
    listener: said ? '[::]:8080' : null,
    groups: row.user === null ? [] : ['staff'],
    outcome: said ? 'hello' : null,
    hello: said
      ? {
          sni: row.sni,
          rawSni: row.sni,
          alpn: row.alpn,
          versions: ['TLS 1.3', 'TLS 1.2'],
          ciphers: [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8],
          groups: [0x11ec, 0x001d, 0x0017, 0x0018],
          ja3: '579ccef312d18482fc42e2b822ca2430',
          ja4: row.ja4 ?? '',
          ech: 'grease-or-real',
          grease: true,
          size: 1767,
        }
      : null,
    verdict:
      row.verdict === null
        ? null
        : {
            action: row.verdict,
            rule: row.rule ?? '',
            policy: row.policy ?? '',
            reason: row.reason ?? '',
            capture: 'bodies',
            block: 'page',
          },
    fault: faultInfo(row.fault),
    originAddress: row.verdict === 'block' || !said ? null : '203.0.113.20:443',
    clientTls:
      served && row.fault !== 'client-rejected-leaf'
        ? { version: 'TLS 1.3', cipher: 'TLS_AES_128_GCM_SHA256', alpn: 'http/1.1', resumed: false }
        : null,
    originTls: served
      ? { version: 'TLS 1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpn: 'http/1.1', resumed: true }
      : null,
    originCert:
      row.client === '203.0.113.66'
        ? certOf(row.sni ?? '')
        : served || row.fault === 'cert-expired'
          ? CERT
          : null,
    leafSerial: served ? '3d0c5b7ae0194f6c8b2d' : null,
    exchanges: whole ? exchanges : [],
  };
}

export function exchangeDetail(flow: FakeFlow, n: number): ExchangeDetail | null {
  const row = flow.exchanges[n - 1];
  if (row === undefined) return null;
  return {
    row,
    request: message(requestHeaders(row), row.reqBytes),
    response: row.status === null ? null : message(responseHeaders(row), row.resBytes),
    wait: row.status === null ? null : Math.round(row.ms * 0.7),
    verdict: {
      action: row.verdict,
      rule: row.rule,
      policy: row.policy,
      reason: row.reason,
      capture: 'bodies',
      block: 'page',
    },
    fault: faultInfo(row.fault),
    upgraded: false,
    flow: flowDetail(flow, false),
    previous: flow.exchanges[n - 2]?.exchange ?? null,
    next: flow.exchanges[n]?.exchange ?? null,
  };
}

function message(headers: HeaderField[], size: number): MessageInfo {
  const kept = Math.min(size, 1_048_576);
  return {
    headers,
    body: {
      size,
      kept,
      sha256: size === 0 ? null : '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      truncated: kept < size,
      absent: size === 0 ? 'empty' : null,
    },
  };
}

/** Header fields of hostile rows hold what the row holds. */
function strangers(row: ExchangeRow): HeaderField[] {
  return row.client === '203.0.113.66' ? [field(row.path, row.path), field('X-Name', row.path, true)] : [];
}

const field = (name: string, value: string, masked = false): HeaderField => ({ name, value, masked });

function requestHeaders(row: ExchangeRow): HeaderField[] {
  return [
    field('Host', row.host),
    field(
      'User-Agent',
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0',
    ),
    field('Accept', 'application/json, text/plain, */*'),
    field('Accept-Encoding', 'gzip, br'),
    field('Authorization', 'Bearer ***', true),
    field('Cookie', 'session=***; theme=***', true),
    field('X-Request-Id', '0190a5e2-77c1-7b1e-9d30-5a1f4be0c111'),
    ...(row.reqBytes > 0 ? [field('Content-Length', String(row.reqBytes))] : []),
    ...strangers(row),
  ];
}

function responseHeaders(row: ExchangeRow): HeaderField[] {
  return [
    field('Date', new Date(row.time).toUTCString()),
    field('Content-Type', `${row.contentType ?? 'text/plain'}; charset=utf-8`),
    field('Cache-Control', 'private, max-age=0, must-revalidate'),
    field('Set-Cookie', 'session=***; Path=/; Secure; HttpOnly; SameSite=Lax', true),
    field('Strict-Transport-Security', 'max-age=63072000; includeSubDomains'),
    field('Content-Length', String(row.resBytes)),
    ...strangers(row),
  ];
}
