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
import { spoolLag } from '../cursors.ts';
import { isAttached } from '../retention.ts';
import { sealPath } from '../seal.ts';
import { DayReader } from './day-reader.ts';
import { feedPage } from './feed.ts';
import { deadline, pageLimit, pageOf } from './paging.ts';
import { dayPath, listDays, openDayForReading } from './schema.ts';
import { ThreadStore } from './thread-store.ts';
import { chartDays, countDays, emptyBuckets, facetDays } from './whole.ts';
import type { Kind, Query } from '../query/ast.ts';
import type { DayPage } from './paging.ts';
import type { DayPart, FacetTotals } from './whole.ts';
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
  SearchOptions,
  SpoolLag,
  StoredBody,
} from './store.ts';

export interface StoreOptions {
  /** Folder of the day files (`auditDir` of the recorder). */
  dir: string;
  /** Read in a thread of its own. */
  thread?: boolean;
  /** Name of this machine in the fleet; rows tell it and `proxy:` asks for it. */
  proxy?: string;
}

const MAX_OPEN = 40;

/** Open the store of a folder for reading. Files that come later are found by later calls. */
export function openStore(options: StoreOptions): AuditStore {
  const { dir, thread, proxy = null } = options;
  return thread === true ? new ThreadStore(dir, proxy) : new SqliteStore(dir, proxy);
}

export class SqliteStore implements AuditStore {
  private readonly dir: string;
  private readonly proxy: string | null;
  /** By day, least recently used first. */
  private readers = new Map<string, DayReader>();

  constructor(dir: string, proxy: string | null = null) {
    this.dir = dir;
    this.proxy = proxy;
  }

  async search<K extends Kind>(query: Query, options: SearchOptions<K>): Promise<Page<K>> {
    const end = deadline(options.budget ?? Infinity);
    return pageOf({
      days: this.daysDown(),
      limit: pageLimit(options.limit),
      before: options.before,
      ahead: 1,
      expired: () => options.signal?.aborted === true || Date.now() > end,
      ask: async (day, before, limit) => this.findIn(day, query, { ...options, end }, before, limit),
    });
  }

  async count(query: Query, options: CountOptions): Promise<Count> {
    const end = deadline(options.budget);
    return countDays(this.daysDown(), async day => this.countIn(day, query, { ...options, end }));
  }

  async histogram(query: Query, options: HistogramOptions): Promise<Histogram> {
    const end = deadline(options.budget);
    return chartDays(this.daysDown(), options, async day =>
      this.histogramIn(day, query, { ...options, end }),
    );
  }

  async facets(query: Query, options: FacetOptions): Promise<Facets> {
    const end = deadline(options.budget);
    return facetDays(this.daysDown(), options.limit, async day =>
      this.facetsIn(day, query, { ...options, end }),
    );
  }

  // Parts: what one day answers. `end` is the time at which to stop, ms since epoch.

  findIn<K extends Kind>(
    day: string,
    query: Query,
    options: Part<SearchOptions<K>>,
    before: number | null,
    limit: number,
  ): DayPage<K> | null {
    const reader = this.reader(day);
    if (reader === null) return null;
    const { ids, reached } = reader.find(options.kind, query, options, before, limit, stopping(options));
    const stopped = reached === null ? null : { id: reached, time: reader.timeBelow(options.kind, reached) };
    return { rows: reader.rows(options.kind, ids), ids, stopped };
  }

  countIn(day: string, query: Query, options: Part<CountOptions>): DayPart<number> | null {
    const part = this.reader(day)?.count(options.kind, query, options, stopping(options));
    return part === undefined ? null : { value: part.count, exact: part.exact };
  }

  histogramIn(day: string, query: Query, options: Part<HistogramOptions>): DayPart<Bucket[]> | null {
    const value = emptyBuckets(options);
    const { kind, since, until } = options;
    const exact = this.reader(day)?.histogram(kind, query, since, until, value, stopping(options));
    return exact === undefined ? null : { value, exact };
  }

  facetsIn(day: string, query: Query, options: Part<FacetOptions>): DayPart<FacetTotals> | null {
    const totals = new Map<string | number | null, { count: number; bytes: number }>();
    const { kind, field } = options;
    // All rows are this machine's: whatever they are counted by, together they are all.
    const by = field === 'proxy' ? 'verdict' : field;
    const exact = this.reader(day)?.facets(kind, by, query, options, totals, stopping(options));
    if (exact === undefined) return null;
    if (field === 'proxy') return { value: together(this.proxy, totals), exact };
    return { value: [...totals].map(([value, { count, bytes }]) => [value, count, bytes]), exact };
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
      if (reader === null) return [];
      const [sealed, attached] = [fs.existsSync(sealPath(this.dir, day)), isAttached(this.dir, day)];
      return [{ day, bytes: fileBytes(this.dir, day), ...reader.stats(), sealed, attached }];
    });
  }

  async spoolLag(spoolDir: string): Promise<SpoolLag> {
    return spoolLag(spoolDir, this.dir);
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
    const reader = new DayReader(db, day, this.proxy);
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

function together(
  name: string | null,
  totals: ReadonlyMap<unknown, { count: number; bytes: number }>,
): FacetTotals {
  const all = [...totals.values()];
  const sum = (of: (total: { count: number; bytes: number }) => number): number =>
    all.reduce((n, total) => n + of(total), 0);
  return all.length === 0 ? [] : [[name, sum(t => t.count), sum(t => t.bytes)]];
}

/** Options of a part: when to stop, ms since epoch. */
export type Part<T> = T & { end: number };

const stopping =
  (options: { end: number; signal?: AbortSignal }): (() => boolean) =>
  () =>
    options.signal?.aborted === true || Date.now() > options.end;

/** Bytes of a day's file and its log. */
export function fileBytes(dir: string, day: string): number {
  return ['', '-wal'].reduce(
    (sum, suffix) => sum + (fs.statSync(dayPath(dir, day) + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
