/**
 * The driver of AuditStore for a fleet: the daily partitions of one PostgreSQL database, newest day first, as sqlite.ts walks its
 * day files. Reads only; a role with SELECT is enough.
 *
 * One day per statement: a page is usually full after the newest, and PostgreSQL never plans over thirty partitions what
 * one answers. Cursors of pages are places in the order of ingestion and stay valid for as long as there are rows.
 *
 * Bounds: `CONNECTIONS` questions at once (questions.ts); each statement ends after `QUESTION_MS`, or when the budget of the
 * question is spent.
 */
import { lagBehind } from '../../cursors.ts';
import { spoolIdentity } from '../../fleet/identity.ts';
import { listSegments } from '../../producer.ts';
import { wordsOf } from '../../query/ast.ts';
import { FIND, MAX_FOUND, numbered, phraseIn, postgresCondition } from '../../query/postgres.ts';
import { parseExchangeRef, parseFlowRef } from '../ids.ts';
import { KIND } from '../layout.ts';
import { DAY_BYTES } from './days.ts';
import { FleetDetail } from './detail.ts';
import { fleetFeed } from './feed.ts';
import { CANCELLED, Questions } from './questions.ts';
import { COLUMNS, shownRow } from './rows.ts';
import { restored } from './text.ts';
import type { Kind, Place, Query, Words } from '../../query/ast.ts';
import type { PostgresFragment, PostgresParam } from '../../query/postgres.ts';
import type { PostgresTarget } from './connect.ts';
import type {
  AuditStore,
  Bucket,
  Count,
  CountOptions,
  DayStats,
  ExchangeDetail,
  FacetField,
  FacetOptions,
  Facets,
  FeedOptions,
  FeedPage,
  FlowDetail,
  Histogram,
  HistogramOptions,
  Page,
  RowOf,
  SearchOptions,
  SpoolLag,
  StoredBody,
} from '../store.ts';

const CONNECTIONS = 4;
const QUESTION_MS = 60_000;
const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 50;
const DEFAULT_BUDGET = 2000;

const TABLE = { exchanges: 'exchange', flows: 'flow', events: 'event' } as const;

/** Columns of facets by field. */
const FACET: Record<'exchanges' | 'flows', Partial<Record<FacetField, string>>> = {
  exchanges: {
    host: 'x.host',
    sni: 'x.sni',
    client: 'x.client',
    user: 'x.account',
    method: 'x.method',
    status: 'x.status',
    type: 'x.type',
    verdict: 'x.action',
    rule: 'x.rule',
    policy: 'x.policy',
    fault: 'x.fault',
    scheme: 'x.scheme',
    port: 'x.port',
    protocol: 'x.protocol',
    mask: 'x.mask',
    tlsprofile: 'x.tls',
    parent: 'x.parent',
    proxy: 'x.proxy',
  },
  flows: {
    host: 'x.host',
    sni: 'x.sni',
    client: 'x.client',
    user: 'x.account',
    verdict: 'x.action',
    rule: 'x.rule',
    policy: 'x.policy',
    fault: 'x.fault',
    scheme: 'x.scheme',
    port: 'x.port',
    mask: 'x.mask',
    tlsprofile: 'x.tls',
    parent: 'x.parent',
    proxy: 'x.proxy',
  },
};

interface Range {
  since?: number | undefined;
  until?: number | undefined;
}

export class PostgresStore implements AuditStore {
  private readonly questions: Questions;
  private readonly detail: FleetDetail;

  constructor(target: PostgresTarget) {
    this.questions = new Questions(target, CONNECTIONS);
    this.detail = new FleetDetail((sql, params) => this.ask(sql, params, QUESTION_MS));
  }

  async search<K extends Kind>(query: Query, options: SearchOptions<K>): Promise<Page<K>> {
    const { kind } = options;
    const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(options.limit ?? DEFAULT_LIMIT)));
    const before = cursorOf(options.before);
    const rows: RowOf[K][] = [];
    let last = 0;
    for (const day of await this.daysDown()) {
      // One row more than the page tells whether there is a next one.
      const found = await this.rowsOfDay(day, kind, query, options, before, limit + 1 - rows.length);
      for (const { seq, row } of found) {
        if (rows.length === limit) return { rows, next: String(last) };
        rows.push(row);
        last = seq;
      }
    }
    return { rows, next: null };
  }

  /** Rows of one day with places below `before`, newest first, at most `limit`. */
  async rowsOfDay<K extends Kind>(
    day: string,
    kind: K,
    query: Query,
    range: Range,
    before: number | null,
    limit: number,
  ): Promise<{ seq: number; row: RowOf[K] }[]> {
    const where = await this.condition(kind, query, range, day);
    const sql = `SELECT ${COLUMNS[kind]} FROM ${TABLE[kind]} x WHERE x.day = $1 AND x.seq < $2
      AND (${numbered(where.sql, 4)}) ORDER BY x.seq DESC LIMIT $3`;
    const params = [day, before ?? 2 ** 53, limit, ...where.params];
    const rows = await this.ask<{ seq: number }>(sql, params, QUESTION_MS);
    return rows.map(row => ({ seq: row.seq, row: shownRow(kind, row) }));
  }

  async count(query: Query, options: CountOptions): Promise<Count> {
    const left = budget(options.budget);
    let count = 0;
    const exact = await this.eachDay(left, async (day, ms) => {
      const where = await this.condition(options.kind, query, options, day);
      const sql = `SELECT count(*) AS n FROM ${TABLE[options.kind]} x WHERE x.day = $1 AND (${numbered(where.sql, 2)})`;
      const [row] = await this.ask<{ n: number }>(sql, [day, ...where.params], ms);
      count += row?.n ?? 0;
    });
    return { count, exact };
  }

  async histogram(query: Query, options: HistogramOptions): Promise<Histogram> {
    const { kind, since, until } = options;
    const n = Math.min(1000, Math.max(1, Math.trunc(options.buckets)));
    const width = (until - since) / n;
    if (!(width > 0)) return { buckets: [], exact: true };
    const buckets: Bucket[] = Array.from({ length: n }, (_, i) => ({
      time: since + i * width,
      inspect: 0,
      passthrough: 0,
      block: 0,
      none: 0,
      faults: 0,
    }));
    const add = (row: { b: number; action: string; n: number; faults: number }): void => {
      const bucket = buckets[Math.min(n - 1, Math.max(0, row.b))];
      if (bucket === undefined) return;
      bucket[row.action === '' ? 'none' : (row.action as 'inspect')] += row.n;
      bucket.faults += row.faults;
    };
    // Minutes are summed up already; they fit when bars begin and end with minutes.
    if (query.root.kind === 'all' && width % 60_000 === 0 && since % 60_000 === 0) {
      const rows = await this.ask<Parameters<typeof add>[0]>(
        `SELECT ((minute * 60000 - $1::bigint) / $2::bigint)::integer AS b, action, sum(n)::bigint AS n, sum(faults)::bigint AS faults
         FROM minute WHERE kind = $3 AND minute >= $4 AND minute < $5 GROUP BY 1, 2`,
        [since, width, KIND[kind === 'flows' ? 'flow' : 'exchange'], since / 60_000, until / 60_000],
        QUESTION_MS,
      );
      rows.forEach(add);
      return { buckets, exact: true };
    }
    const exact = await this.eachDay(budget(options.budget), async (day, ms) => {
      const where = await this.condition(kind, query, { since, until }, day);
      const sql = `SELECT trunc((x.time - $2::float8) / $3::float8)::integer AS b, coalesce(x.action, '') AS action,
        count(*) AS n, count(x.fault) AS faults FROM ${TABLE[kind]} x WHERE x.day = $1 AND (${numbered(where.sql, 4)}) GROUP BY 1, 2`;
      const rows = await this.ask<Parameters<typeof add>[0]>(sql, [day, since, width, ...where.params], ms);
      rows.forEach(add);
    });
    return { buckets, exact };
  }

  async facets(query: Query, options: FacetOptions): Promise<Facets> {
    const { kind, field } = options;
    const column = FACET[kind][field];
    if (column === undefined) return { values: [], exact: true };
    const totals = new Map<string | number | null, { count: number; bytes: number }>();
    const names = field === 'proxy' ? await this.proxyNames() : null;
    const exact = await this.eachDay(budget(options.budget), async (day, ms) => {
      const where = await this.condition(kind, query, options, day);
      const sql = `SELECT ${column} AS value, count(*) AS n, sum(x.up + x.down)::bigint AS bytes
        FROM ${TABLE[kind]} x WHERE x.day = $1 AND (${numbered(where.sql, 2)}) GROUP BY 1`;
      type Group = { value: string | number | null; n: number; bytes: number };
      for (const row of await this.ask<Group>(sql, [day, ...where.params], ms)) {
        const shown = names === null ? row.value : (names.get(Number(row.value)) ?? null);
        const value = typeof shown === 'string' ? restored(shown) : shown;
        const known = totals.get(value) ?? { count: 0, bytes: 0 };
        totals.set(value, { count: known.count + row.n, bytes: known.bytes + row.bytes });
      }
    });
    const values = [...totals]
      .map(([value, total]) => ({ value, ...total }))
      .sort((a, b) => b.count - a.count || String(a.value).localeCompare(String(b.value)))
      .slice(0, Math.min(1000, Math.max(1, options.limit ?? 20)));
    return { values, exact };
  }

  async exchange(id: string): Promise<ExchangeDetail | null> {
    const ref = parseExchangeRef(id);
    return ref === null || ref.proxy === null ? null : this.detail.exchange(ref.proxy, ref.flow, ref.n);
  }

  async body(exchange: string, side: 'req' | 'res'): Promise<StoredBody | null> {
    const ref = parseExchangeRef(exchange);
    return ref === null || ref.proxy === null ? null : this.detail.body(ref.proxy, ref.flow, ref.n, side);
  }

  async flow(id: string, exchangeLimit = 200): Promise<FlowDetail | null> {
    const ref = parseFlowRef(id);
    return ref === null || ref.proxy === null ? null : this.detail.flow(ref.proxy, ref.flow, exchangeLimit);
  }

  async days(): Promise<DayStats[]> {
    type Row = {
      day: string;
      exchanges: number;
      flows: number;
      events: number;
      lo: number;
      hi: number;
      bytes: number;
      sealed: boolean;
    };
    const rows = await this.ask<Row>(DAYS, [], QUESTION_MS);
    return rows.map(({ lo, hi, ...row }) => ({
      ...row,
      from: row.exchanges + row.flows === 0 ? null : lo,
      to: row.exchanges + row.flows === 0 ? null : hi,
      attached: false,
    }));
  }

  async spoolLag(spoolDir: string): Promise<SpoolLag> {
    const segments = listSegments(spoolDir);
    if (segments.length === 0) return lagBehind(spoolDir, segments, () => 0);
    const rows = await this.ask<{ segment: string; at: number }>(
      'SELECT s.segment, s.at FROM shipped s JOIN proxy p ON p.id = s.proxy WHERE p.spool = $1',
      [spoolIdentity(spoolDir)],
      QUESTION_MS,
    );
    const taken = new Map(rows.map(row => [row.segment, row.at]));
    return lagBehind(spoolDir, segments, segment => taken.get(segment) ?? 0);
  }

  feed(options: FeedOptions): Promise<FeedPage> {
    return fleetFeed((sql, params) => this.ask(sql, params, QUESTION_MS), this.detail, options);
  }

  async close(): Promise<void> {
    await this.questions.close();
  }

  // ------------------------------------------------------------------------------------------------- helpers

  /** Days there are, newest first. */
  async daysDown(): Promise<string[]> {
    const rows = await this.ask<{ day: string }>('SELECT day FROM day ORDER BY day DESC', [], QUESTION_MS);
    return rows.map(r => r.day);
  }

  /** A machine that was set up anew has several numbers under one name. */
  private async proxyNames(): Promise<Map<number, string>> {
    const rows = await this.ask<{ id: number; name: string }>('SELECT id, name FROM proxy', [], QUESTION_MS);
    return new Map(rows.map(row => [row.id, row.name]));
  }

  /** Newest first while there is time; false when it ran out. */
  private async eachDay(
    left: () => number,
    work: (day: string, ms: number) => Promise<void>,
  ): Promise<boolean> {
    for (const day of await this.daysDown()) {
      const ms = left();
      if (ms <= 0) return false;
      try {
        await work(day, Math.min(QUESTION_MS, ms));
      } catch (error) {
        if ((error as { code?: string }).code === CANCELLED) return false;
        throw error;
      }
    }
    return true;
  }

  private async condition(kind: Kind, query: Query, range: Range, day: string): Promise<PostgresFragment> {
    type Found = Map<Words, Buffer[] | 'many'>;
    const found: Record<Place, Found> = { heads: new Map(), bodies: new Map() };
    for (const { place, words } of wordsOf(kind, query.root)) {
      const phrase = phraseIn(place, words);
      if (phrase === null) continue;
      const rows = await this.ask<{ hash: Buffer }>(FIND[place], [day, phrase], QUESTION_MS);
      found[place].set(words, rows.length > MAX_FOUND ? 'many' : rows.map(r => r.hash));
    }
    return postgresCondition(kind, query.root, range, (place, words) => found[place].get(words) ?? []);
  }

  private ask<R extends object>(sql: string, params: PostgresParam[], ms: number): Promise<R[]> {
    return this.questions.ask<R>(sql, params, ms);
  }
}

/** Bytes of all partitions of each day beside its sums. */
const DAYS = `SELECT d.day, d.exchanges, d.flows, d.events, d.lo, d.hi, ${DAY_BYTES} AS bytes,
    EXISTS (SELECT FROM seal e WHERE e.day = d.day) AS sealed FROM day d ORDER BY d.day DESC`;

/** A page cursor that cannot be read starts at the newest row rather than failing: it only ever comes from ourselves. */
function cursorOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function budget(ms: number | undefined): () => number {
  const end = performance.now() + (ms ?? DEFAULT_BUDGET);
  return () => end - performance.now();
}
