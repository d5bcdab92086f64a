/** A store in memory for tests of the console, and rows and records to fill it with. */
import type {
  ExchangeDetail,
  ExchangeRow,
  FlowDetail,
  Page,
  RowOf,
  StoredBody,
} from '../../../src/audit/store/store.ts';
import type { Kind } from '../../../src/audit/query/ast.ts';
import type { AuditReader } from '../../../web/server/deps.ts';

/** The time at which every test begins. */
export const START = Date.UTC(2026, 10, 20, 12);

/** Rows in arrays, newest first, whatever the query says; remembers what it was asked. */
export class MemoryReader implements AuditReader {
  rows: { [K in Kind]: RowOf[K][] } = { exchanges: [], flows: [], events: [] };
  details = new Map<string, ExchangeDetail>();
  flows = new Map<string, FlowDetail>();
  bodies = new Map<string, StoredBody>();
  asked: { method: string; query: string; options: unknown }[] = [];
  /** Thrown by every method when set. */
  failure: Error | null = null;

  /** When set, pages say that they ran out of time here, ms. */
  reached: number | null = null;
  /** Signals that came with the questions, in order. */
  signals: (AbortSignal | undefined)[] = [];

  async search<K extends Kind>(
    query: { text: string },
    options: { kind: K; limit?: number; before?: string },
  ): Promise<Page<K>> {
    this.#note('search', query.text, options);
    const start = Number(options.before ?? 0);
    const end = start + (options.limit ?? 50);
    const all: RowOf[K][] = this.rows[options.kind];
    const page = { rows: all.slice(start, end), next: end < all.length ? String(end) : null };
    return this.reached === null ? page : { ...page, reached: this.reached };
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
      {
        ...{
          day: '2026-11-20',
          exchanges: 1,
          flows: 1,
          events: 1,
          bytes: 1,
          from: START - 7200_000,
          to: START,
        },
        ...{ sealed: true, attached: false },
      },
    ];
  }
  #note(method: string, query: string, all: object): void {
    if (this.failure !== null) throw this.failure;
    const { signal, ...options } = all as { signal?: AbortSignal };
    this.signals.push(signal);
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
    mask: 'standard',
    tlsProfile: 'modern',
    parent: null,
    masked: null,
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
    block: 'page',
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
      mask: 'standard',
      tlsProfile: 'modern',
      parent: null,
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
