/**
 * An AuditStore that asks SqliteStores in threads (pool.ts), so that a long search never holds up the control process. Pages
 * and whole answers are asked a day at a time and put together here, on all threads at once, and what was given up is not asked any
 * further. Questions and answers are plain data and are copied; bodies travel as bytes.
 *
 * What a day that is no longer written answered to a count or a chart is remembered, so that the same question asked again
 * goes on where its time ran out. Bound: `MAX_PARTS` answers of at most `MAX_VALUES` values each.
 */
import fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { LRUCache } from 'lru-cache';
import { deadline, pageLimit, pageOf } from './paging.ts';
import { ReaderPool } from './pool.ts';
import { dayPath, listDays } from './schema.ts';
import { chartDays, countDays, facetDays } from './whole.ts';
import type { Kind, Query } from '../query/ast.ts';
import type { DayPage } from './paging.ts';
import type { Method } from './pool.ts';
import type {
  AuditStore,
  Bucket,
  Count,
  CountOptions,
  DayStats,
  ExchangeDetail,
  FacetOptions,
  Facets,
  FeedOptions,
  FeedPage,
  FlowDetail,
  Histogram,
  HistogramOptions,
  Page,
  SearchOptions,
  SpoolLag,
  StoredBody,
} from './store.ts';
import type { DayPart, FacetTotals } from './whole.ts';

/** More threads only take turns on the disk and memory. */
const MAX_THREADS = 4;
const MAX_PARTS = 2000;
const MAX_VALUES = 2000;

export class ThreadStore implements AuditStore {
  private readonly dir: string;
  private readonly pool: ReaderPool;
  private readonly known = new LRUCache<string, DayPart<unknown>>({ max: MAX_PARTS });

  constructor(
    dir: string,
    proxy: string | null = null,
    threads = Math.min(MAX_THREADS, Math.max(2, availableParallelism())),
  ) {
    this.dir = dir;
    this.pool = new ReaderPool({ dir, proxy }, threads);
  }

  search<K extends Kind>(query: Query, { signal, ...options }: SearchOptions<K>): Promise<Page<K>> {
    const end = deadline(options.budget ?? Infinity);
    return pageOf({
      days: this.daysDown(),
      limit: pageLimit(options.limit),
      before: options.before,
      ahead: this.pool.size,
      expired: () => signal?.aborted === true || Date.now() > end,
      ask: (day, before, limit) =>
        this.pool.ask<DayPage<K> | null>('findIn', [day, query, { ...options, end }, before, limit], {
          abandoned: () => signal?.aborted === true,
        }),
    });
  }

  count(query: Query, options: CountOptions): Promise<Count> {
    const ask = this.parts<number>('countIn', query, options, () => 1);
    return countDays(this.daysDown(), ask);
  }

  histogram(query: Query, options: HistogramOptions): Promise<Histogram> {
    const ask = this.parts<Bucket[]>('histogramIn', query, options, bars => bars.length);
    return chartDays(this.daysDown(), options, ask);
  }

  facets(query: Query, options: FacetOptions): Promise<Facets> {
    const ask = this.parts<FacetTotals>('facetsIn', query, options, totals => totals.length);
    return facetDays(this.daysDown(), options.limit, ask);
  }

  exchange(id: string): Promise<ExchangeDetail | null> {
    return this.pool.ask('exchange', [id]);
  }

  flow(id: string, exchangeLimit?: number): Promise<FlowDetail | null> {
    return this.pool.ask('flow', [id, exchangeLimit]);
  }

  async body(exchange: string, side: 'req' | 'res'): Promise<StoredBody | null> {
    const body = await this.pool.ask<StoredBody | null>('body', [exchange, side]);
    // A copied Buffer arrives as a bare Uint8Array.
    return body === null ? null : { ...body, data: Buffer.from(body.data) };
  }

  days(): Promise<DayStats[]> {
    return this.pool.ask('days', []);
  }

  spoolLag(spoolDir: string): Promise<SpoolLag> {
    return this.pool.ask('spoolLag', [spoolDir]);
  }

  async feed(options: FeedOptions): Promise<FeedPage> {
    const page = await this.pool.ask<FeedPage>('feed', [options]);
    for (const fed of page.rows)
      if (fed.kind === 'exchange' && fed.bodies !== null)
        for (const body of [fed.bodies.req, fed.bodies.res])
          if (body !== null) body.data = Buffer.from(body.data);
    return page;
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private daysDown(): string[] {
    return listDays(this.dir).reverse();
  }

  /** How one day is asked for its part of a whole answer; `size` tells how many values a part holds. */
  private parts<T>(
    method: Method,
    query: Query,
    { signal, budget, ...options }: CountOptions & { budget?: number; signal?: AbortSignal },
    size: (value: T) => number,
  ): (day: string) => Promise<DayPart<T> | null> {
    const end = deadline(budget);
    const [newest] = this.daysDown();
    const question = JSON.stringify([method, query.root, options]);
    return async day => {
      // The newest day is still written. A file that was replaced is another file.
      const file =
        day === newest ? undefined : fs.statSync(dayPath(this.dir, day), { throwIfNoEntry: false });
      const key = file === undefined ? null : `${day} ${file.ino} ${file.size} ${file.mtimeMs} ${question}`;
      const known = key === null ? undefined : (this.known.get(key) as DayPart<T> | undefined);
      if (known !== undefined) return known;
      const part = await this.pool.ask<DayPart<T> | null>(method, [day, query, { ...options, end }], {
        whole: true,
        abandoned: () => signal?.aborted === true || Date.now() > end,
      });
      if (key !== null && part !== null && part.exact && size(part.value) <= MAX_VALUES)
        this.known.set(key, part);
      return part;
    };
  }
}
