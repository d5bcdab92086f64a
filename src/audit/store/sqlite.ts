/**
 * The embedded driver of AuditStore: the day files of one folder, newest first. Two ways to run it: in the calling thread
 * (the command line), or in a thread of its own (`thread: true`, the control process), so that a long search never holds
 * up the minting of leaves.
 *
 * Bounds: at most `MAX_OPEN` day files are open at once, the ones used last. A file that retention removed is let go at
 * the next call. Cursors of pages are `day:row` and stay valid as long as the day's file is there.
 */
import fs from 'node:fs';
import { parseFlowId } from '../../core/records.ts';
import { DayReader } from './day-reader.ts';
import { feedPage } from './feed.ts';
import { dayPath, listDays, openDayForReading } from './schema.ts';
import { ThreadStore } from './thread-store.ts';
import type { Kind, Query } from '../query/ast.ts';
import type { FlowRecord } from '../../core/records.ts';
import type {
  AuditStore,
  Bucket,
  Count,
  CountOptions,
  DayStats,
  ExchangeDetail,
  FacetOptions,
  FeedOptions,
  FeedPage,
  Facets,
  FlowDetail,
  FlowRow,
  Histogram,
  HistogramOptions,
  Page,
  RowOf,
  SearchOptions,
  StoredBody,
} from './store.ts';

export interface StoreOptions {
  /** Folder of the day files (`auditDir` of the recorder). */
  dir: string;
  /** Read in a thread of its own. */
  thread?: boolean;
}

const MAX_OPEN = 40;
const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 50;
const DEFAULT_BUDGET = 2000;

/** Open the store of a folder for reading. Files that come later are found by later calls. */
export function openStore(options: StoreOptions): AuditStore {
  return options.thread === true ? new ThreadStore(options.dir) : new SqliteStore(options.dir);
}

export class SqliteStore implements AuditStore {
  private readonly dir: string;
  /** By day, least recently used first. */
  private readers = new Map<string, DayReader>();

  constructor(dir: string) {
    this.dir = dir;
  }

  async search<K extends Kind>(query: Query, options: SearchOptions<K>): Promise<Page<K>> {
    const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(options.limit ?? DEFAULT_LIMIT)));
    const start = options.before === undefined ? null : parseCursor(options.before);
    const rows: RowOf[K][] = [];
    let last: { day: string; id: number } | null = null;
    for (const day of this.daysDown()) {
      if (start !== null && day > start.day) continue;
      const before = start?.day === day ? start.id : null;
      // One row more than the page tells whether there is a next one.
      const reader = this.reader(day);
      if (reader === null) continue;
      const { ids } = reader.find(options.kind, query, options, before, limit + 1 - rows.length);
      for (const [i, row] of reader.rows(options.kind, ids).entries()) {
        if (rows.length === limit) return { rows, next: last === null ? null : `${last.day}:${last.id}` };
        rows.push(row);
        last = { day, id: ids[i] ?? 0 };
      }
    }
    return { rows, next: null };
  }

  async count(query: Query, options: CountOptions): Promise<Count> {
    const expired = deadline(options.budget);
    let count = 0;
    let exact = true;
    for (const day of this.daysDown()) {
      const part = this.reader(day)?.count(options.kind, query, options, expired);
      count += part?.count ?? 0;
      exact &&= part?.exact ?? true;
    }
    return { count, exact };
  }

  async histogram(query: Query, options: HistogramOptions): Promise<Histogram> {
    const n = Math.min(1000, Math.max(1, Math.trunc(options.buckets)));
    const width = (options.until - options.since) / n;
    const buckets: Bucket[] = Array.from({ length: n }, (_, i) => ({
      time: options.since + i * width,
      inspect: 0,
      passthrough: 0,
      block: 0,
      none: 0,
      faults: 0,
    }));
    if (!(width > 0)) return { buckets: [], exact: true };
    const expired = deadline(options.budget);
    let exact = true;
    for (const day of this.daysDown()) {
      const complete = this.reader(day)?.histogram(
        options.kind,
        query,
        options.since,
        options.until,
        buckets,
        expired,
      );
      exact &&= complete ?? true;
    }
    return { buckets, exact };
  }

  async facets(query: Query, options: FacetOptions): Promise<Facets> {
    const expired = deadline(options.budget);
    const totals = new Map<string | number | null, { count: number; bytes: number }>();
    let exact = true;
    for (const day of this.daysDown())
      exact &&=
        this.reader(day)?.facets(options.kind, options.field, query, options, totals, expired) ?? true;
    const values = [...totals]
      .map(([value, total]) => ({ value, ...total }))
      .sort((a, b) => b.count - a.count || String(a.value).localeCompare(String(b.value)))
      .slice(0, Math.min(1000, Math.max(1, options.limit ?? 20)));
    return { values, exact };
  }

  async exchange(id: string): Promise<ExchangeDetail | null> {
    const found = this.locate(id);
    return found === null ? null : found.reader.detail.exchange(found.id);
  }

  async body(exchange: string, side: 'req' | 'res'): Promise<StoredBody | null> {
    const found = this.locate(exchange);
    return found === null ? null : found.reader.detail.body(found.id, side);
  }

  async flow(id: string, exchangeLimit = 200): Promise<FlowDetail | null> {
    const flow = parseFlowId(id);
    if (flow === null) return null;
    const days = this.daysDown();
    let closed: { row: FlowRow; record: FlowRecord } | null = null;
    for (const day of days) {
      closed = this.reader(day)?.detail.flow(flow) ?? null;
      if (closed !== null) break;
    }
    // Only the newest file speaks of open flows: it took over those of the day before.
    const open = closed === null ? (this.reader(days[0] ?? '')?.detail.openFlow(flow) ?? null) : null;
    const record = closed?.record ?? open;
    if (record === null) return null;
    const exchanges: FlowDetail['exchanges'] = [];
    for (const day of [...days].reverse()) {
      const reader = this.reader(day);
      if (reader === null || exchanges.length > exchangeLimit) continue;
      const ids = reader.detail.exchangesOf(flow, exchangeLimit + 1 - exchanges.length);
      exchanges.push(...reader.rows('exchanges', ids));
    }
    return {
      row: closed?.row ?? null,
      open: closed === null,
      record,
      exchanges: exchanges.slice(0, exchangeLimit),
      moreExchanges: exchanges.length > exchangeLimit,
    };
  }

  async days(): Promise<DayStats[]> {
    return this.daysDown().flatMap(day => {
      const reader = this.reader(day);
      return reader === null ? [] : [{ day, bytes: fileBytes(this.dir, day), ...reader.stats() }];
    });
  }

  async feed(options: FeedOptions): Promise<FeedPage> {
    return feedPage(this.daysDown().reverse(), day => this.reader(day), options);
  }

  async close(): Promise<void> {
    for (const reader of this.readers.values()) reader.close();
    this.readers.clear();
  }

  private locate(id: string): { reader: DayReader; id: number } | null {
    const m = /^([0-9a-z]+-[0-9a-z]+)\.(\d{1,15})$/.exec(id);
    const flow = parseFlowId(m?.[1] ?? '');
    if (m === null || flow === null) return null;
    for (const day of this.daysDown()) {
      const reader = this.reader(day);
      const [row] = reader?.detail.exchangesOf(flow, 1, Number(m[2])) ?? [];
      if (reader !== null && row !== undefined) return { reader, id: row };
    }
    return null;
  }

  /** Days with a file, newest first. Lets go of files that are no longer there. */
  private daysDown(): string[] {
    const days = listDays(this.dir).reverse();
    for (const [day, reader] of this.readers)
      if (!days.includes(day)) {
        reader.close();
        this.readers.delete(day);
      }
    return days;
  }

  private reader(day: string): DayReader | null {
    const known = this.readers.get(day);
    if (known !== undefined) {
      this.readers.delete(day);
      this.readers.set(day, known);
      return known;
    }
    if (day === '') return null;
    const db = openDayForReading(this.dir, day);
    if (db === null) return null;
    const reader = new DayReader(db, day);
    this.readers.set(day, reader);
    if (this.readers.size > MAX_OPEN) {
      const [oldest] = this.readers;
      if (oldest !== undefined) {
        oldest[1].close();
        this.readers.delete(oldest[0]);
      }
    }
    return reader;
  }
}

/** A page cursor that cannot be read starts at the newest row rather than failing: it only ever comes from ourselves. */
function parseCursor(text: string): { day: string; id: number } | null {
  const m = /^(\d{4}-\d\d-\d\d):(\d{1,15})$/.exec(text);
  return m === null ? null : { day: m[1] ?? '', id: Number(m[2]) };
}

function deadline(budget: number | undefined): () => boolean {
  const end = performance.now() + (budget ?? DEFAULT_BUDGET);
  return () => performance.now() > end;
}

/** Bytes of a day's file and its log. */
export function fileBytes(dir: string, day: string): number {
  return ['', '-wal'].reduce(
    (sum, suffix) => sum + (fs.statSync(dayPath(dir, day) + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
