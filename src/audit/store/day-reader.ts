/**
 * Reads one day file. Read-only and in short statements: a page, a bounded walk, one row; no statement stays open between
 * calls, so the recorder's log can always be moved into the file.
 *
 * A search goes through blocks of rows from the newest on, only through those in which the condition can hold
 * (query/sql.ts), and sifts each by its strips of packed numbers (query/sieve.ts). Row ids are found first and the rows put
 * together afterwards, so that nothing is joined that is not shown. Between any two blocks it can stop.
 */
import { sift } from '../query/sieve.ts';
import { conditionOf } from '../query/sql.ts';
import { eventRowsOf, exchangeRowsOf, flowRowsOf } from './columns.ts';
import { DayDetail } from './day-detail.ts';
import { FACET_SOURCE } from './facet-source.ts';
import { Blocks } from './blocks.ts';
import { BLOCK_BITS, BLOCK_ROWS, IN_BLOCKS, KIND } from './layout.ts';
import { ACTIONS } from './strip.ts';
import type Database from 'better-sqlite3';
import type { Kind, Query } from '../query/ast.ts';
import type { Param } from '../query/fragment.ts';
import type { Condition } from '../query/condition.ts';
import type { Look } from '../query/look.ts';
import type { Bucket, FacetField, RowOf } from './store.ts';

export interface Range {
  since?: number | undefined;
  until?: number | undefined;
}

/** Tells when the time for a bounded answer is over. */
export type Expired = () => boolean;

const TABLE = { exchanges: 'exchange', flows: 'flow', events: 'event' } as const;
const KIND_OF = { exchanges: KIND.exchange, flows: KIND.flow } as const;

export class DayReader {
  readonly day: string;
  readonly detail: DayDetail;
  private readonly db: Database.Database;
  private readonly name: { proxy?: string };
  private readonly blocks: Record<'exchanges' | 'flows', Blocks>;
  private readonly look: Look;
  /** Changes whenever another connection has written. */
  private state: number | undefined;

  /** `proxy`: the machine whose file it is, where that is to be told. */
  constructor(db: Database.Database, day: string, proxy: string | null = null) {
    this.db = db;
    this.name = proxy === null ? {} : { proxy };
    this.day = day;
    this.detail = new DayDetail(db, this.name);
    this.blocks = { exchanges: new Blocks(db, 'exchanges'), flows: new Blocks(db, 'flows') };
    this.look = {
      proxy,
      rows: (sql, params) => db.prepare(sql).all(...params) as never,
      ids: (sql, params) => this.pluck(sql, params),
    };
  }

  close(): void {
    this.db.close();
  }

  // ------------------------------------------------------------------------------------------------- search

  /**
   * Ids of matching rows below `before`, newest first, at most `limit`. When it stopped early, `reached` is the id below
   * which it has not looked yet.
   */
  find(
    kind: Kind,
    query: Query,
    range: Range,
    before: number | null,
    limit: number,
    expired: Expired = NEVER_EXPIRED,
  ): { ids: number[]; reached: number | null } {
    const condition = this.condition(kind, query, range);
    if (condition.blocks?.size === 0) return { ids: [], reached: null };
    if (kind === 'events' || condition.always) {
      const sql = `SELECT x.id FROM ${TABLE[kind]} x WHERE x.id < ? AND (${condition.sql}) ORDER BY x.id DESC LIMIT ?`;
      return { ids: this.pluck(sql, [before ?? 2 ** 53, ...condition.params, limit]), reached: null };
    }
    const ids: number[] = [];
    const source = this.blocks[kind];
    for (const block of this.blocksDown(kind, condition, before)) {
      if (ids.length >= limit) break;
      if (expired()) return { ids, reached: (block + 1) << BLOCK_BITS };
      source.enter(block);
      const mask = sift(condition.sieve, source);
      if (mask === null) continue;
      const first = block << BLOCK_BITS;
      for (let i = BLOCK_ROWS - 1; i >= 0 && ids.length < limit; i--)
        if (mask[i] === 1 && (before === null || first + i < before)) ids.push(first + i);
    }
    return { ids, reached: null };
  }

  /** Latest time of the rows below an id, ms. */
  timeBelow(kind: Kind, id: number): number {
    if (kind === 'events') return Date.parse(this.day);
    const [time] = this.pluck('SELECT max(hi) FROM span WHERE kind = ? AND block < ?', [
      KIND_OF[kind],
      (id + BLOCK_ROWS - 1) >> BLOCK_BITS,
    ]);
    return time ?? Date.parse(this.day);
  }

  /** Rows of ids that `find` gave. */
  rows<K extends Kind>(kind: K, ids: number[]): RowOf[K][] {
    const rows =
      kind === 'exchanges'
        ? exchangeRowsOf(this.db, ids)
        : kind === 'flows'
          ? flowRowsOf(this.db, ids)
          : eventRowsOf(this.db, ids);
    return rows.map(row => Object.assign(row, this.name)) as RowOf[K][];
  }

  // ---------------------------------------------------------------------------------------------------- feed

  /** Ids above `id`, oldest first, at most `limit`. */
  after(kind: Kind, id: number, limit: number): number[] {
    return this.pluck(`SELECT id FROM ${TABLE[kind]} WHERE id > ? ORDER BY id LIMIT ?`, [id, limit]);
  }

  /** Id of the newest row, 0 without any. */
  newest(kind: Kind): number {
    return this.pluck(`SELECT coalesce(max(id), 0) FROM ${TABLE[kind]}`, [])[0] ?? 0;
  }

  // ------------------------------------------------------------------------------------------- whole answers

  /** Number of matching rows; stops early when expired. */
  count(kind: Kind, query: Query, range: Range, expired: Expired): { count: number; exact: boolean } {
    const condition = this.condition(kind, query, range, true);
    if (condition.blocks?.size === 0) return { count: 0, exact: true };
    if (kind === 'events')
      return {
        count: this.pluck(`SELECT count(*) FROM event x WHERE ${condition.sql}`, condition.params)[0] ?? 0,
        exact: true,
      };
    if (query.root.kind === 'all') return { count: this.countAll(kind, range), exact: true };
    let count = 0;
    const exact = this.walk(kind, condition, expired, mask => {
      for (let i = 0; i < BLOCK_ROWS; i++) count += mask[i] ?? 0;
    });
    return { count, exact };
  }

  /** Without a condition the spans know: only blocks at the ends of the range are looked into. */
  private countAll(kind: 'exchanges' | 'flows', range: Range): number {
    const since = range.since ?? -(2 ** 53);
    const until = range.until ?? 2 ** 53;
    const whole = this.pluck('SELECT coalesce(sum(n), 0) FROM span WHERE kind = ? AND lo >= ? AND hi < ?', [
      KIND_OF[kind],
      since,
      until,
    ]);
    const edges = this.pluck(
      'SELECT block FROM span WHERE kind = ? AND hi >= ? AND lo < ? AND NOT (lo >= ? AND hi < ?)',
      [KIND_OF[kind], since, until, since, until],
    );
    const inEdges = this.pluck(`SELECT count(*) FROM ${IN_BLOCKS[kind]} WHERE x.time >= ? AND x.time < ?`, [
      JSON.stringify(edges),
      since,
      until,
    ]);
    return (whole[0] ?? 0) + (inEdges[0] ?? 0);
  }

  /** Add matching rows to the buckets; false when it stopped early. */
  histogram(
    kind: 'exchanges' | 'flows',
    query: Query,
    since: number,
    until: number,
    buckets: Bucket[],
    expired: Expired,
  ): boolean {
    const width = (until - since) / buckets.length;
    const add = (r: { b: number; action: string; n: number; faults: number }): void => {
      const bucket = buckets[Math.min(buckets.length - 1, Math.max(0, r.b))];
      if (bucket === undefined) return;
      bucket[r.action === '' ? 'none' : (r.action as 'inspect')] += r.n;
      bucket.faults += r.faults;
    };
    // Minutes are summed up already; they fit when bars begin and end with minutes.
    if (query.root.kind === 'all' && width % 60_000 === 0 && since % 60_000 === 0) {
      const rows = this.db
        .prepare(
          `SELECT CAST((minute * 60000 - ?) / ? AS INTEGER) AS b, action, sum(n) AS n, sum(faults) AS faults FROM minute
           WHERE kind = ? AND minute >= ? AND minute < ? GROUP BY 1, 2`,
        )
        .all(since, width, KIND_OF[kind], since / 60_000, until / 60_000);
      for (const row of rows) add(row as Parameters<typeof add>[0]);
      return true;
    }
    const condition = this.condition(kind, query, { since, until }, true);
    if (condition.blocks?.size === 0) return true;
    return this.walk(kind, condition, expired, (mask, source) => {
      const time = source.numbers('time');
      const act = source.numbers('act');
      for (let i = 0; i < BLOCK_ROWS; i++) {
        if (mask[i] !== 1) continue;
        const at = Math.floor(((time[i] ?? 0) - since) / width);
        const bucket = buckets[Math.min(buckets.length - 1, Math.max(0, at))];
        if (bucket === undefined) continue;
        const code = act[i] ?? 0;
        bucket[BAR[code >> 1] ?? 'none']++;
        bucket.faults += code & 1;
      }
    });
  }

  /** Add counts of a field's values; false when it stopped early. */
  facets(
    kind: 'exchanges' | 'flows',
    field: FacetField,
    query: Query,
    range: Range,
    totals: Map<string | number | null, { count: number; bytes: number }>,
    expired: Expired,
  ): boolean {
    const condition = this.condition(kind, query, range, true);
    if (condition.blocks?.size === 0) return true;
    const source = FACET_SOURCE[kind][field];
    if (source === undefined) return true;
    // By the id of the shared row first: counters in arrays, of which a day has some ten thousand.
    let counts = new Float64Array(1024);
    let bytes = new Float64Array(1024);
    const complete = this.walk(kind, condition, expired, (mask, blocks) => {
      const key = blocks.numbers(source.key);
      const up = blocks.numbers('up');
      const down = blocks.numbers('down');
      for (let i = 0; i < BLOCK_ROWS; i++) {
        if (mask[i] !== 1) continue;
        const id = key[i] ?? 0;
        if (id >= counts.length) {
          counts = grown(counts, id);
          bytes = grown(bytes, id);
        }
        counts[id] = (counts[id] ?? 0) + 1;
        bytes[id] = (bytes[id] ?? 0) + (up[i] ?? 0) + (down[i] ?? 0);
      }
    });
    const add = (id: number, value: string | number | null): void => {
      const known = totals.get(value);
      const [count = 0, sum = 0] = [counts[id], bytes[id]];
      if (known === undefined) totals.set(value, { count, bytes: sum });
      else {
        known.count += count;
        known.bytes += sum;
      }
    };
    const ids = [...counts.keys()].filter(id => (counts[id] ?? 0) > 0);
    if (ids.length <= FEW_VALUES) {
      const valueOf = this.db.prepare(`${source.values} WHERE s.id = ?`).raw();
      for (const id of ids) add(id, (valueOf.get(id) as [number, string | number | null])[1]);
    } else
      for (const [id, value] of this.db.prepare(source.values).raw().all() as [
        number,
        string | number | null,
      ][])
        if ((counts[id] ?? 0) > 0) add(id, value);
    return complete;
  }

  stats(): { exchanges: number; flows: number; events: number; from: number | null; to: number | null } {
    const row = this.db
      .prepare(
        `SELECT (SELECT count(*) FROM event) AS events, min(lo) AS "from", max(hi) AS "to",
         coalesce(sum(n) FILTER (WHERE kind = ${KIND.exchange}), 0) AS exchanges,
         coalesce(sum(n) FILTER (WHERE kind = ${KIND.flow}), 0) AS flows FROM span`,
      )
      .get();
    return row as ReturnType<DayReader['stats']>;
  }

  // ------------------------------------------------------------------------------------------------- helpers

  /** What one question is asked with. Looks first whether the recorder has written since the last one. */
  private condition(kind: Kind, query: Query, range: Range, whole = false): Condition {
    const [state] = this.pluck('PRAGMA data_version', []);
    if (state !== this.state) {
      this.state = state;
      this.blocks.exchanges.refresh();
      this.blocks.flows.refresh();
    }
    return conditionOf(kind, query.root, range, whole ? { ...this.look, whole } : this.look);
  }

  private pluck(sql: string, params: Param[]): number[] {
    return this.db
      .prepare(sql)
      .pluck()
      .all(...params) as number[];
  }

  /** Blocks that can match, newest first. */
  private blocksDown(kind: 'exchanges' | 'flows', condition: Condition, before: number | null): number[] {
    const newest =
      (before ?? this.pluck(`SELECT coalesce(max(id), 0) + 1 FROM ${TABLE[kind]}`, [])[0] ?? 1) - 1;
    const top = newest >> BLOCK_BITS;
    if (condition.blocks === null) return Array.from({ length: top + 1 }, (_, i) => top - i);
    return [...condition.blocks].filter(b => b <= top).sort((a, b) => b - a);
  }

  /** Go through the rows that match, newest block first; false when it stopped early. */
  private walk(
    kind: 'exchanges' | 'flows',
    condition: Condition,
    expired: Expired,
    take: (mask: Uint8Array, block: Blocks) => void,
  ): boolean {
    const source = this.blocks[kind];
    for (const block of this.blocksDown(kind, condition, null)) {
      if (expired()) return false;
      source.enter(block);
      const mask = sift(condition.sieve, source);
      if (mask !== null) take(mask, source);
    }
    return true;
  }
}

/** The same numbers in an array that has a place for `id`. */
function grown(array: Float64Array<ArrayBuffer>, id: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 ** Math.ceil(Math.log2(id + 1)) * 2);
  larger.set(array);
  return larger;
}

const NEVER_EXPIRED: Expired = () => false;
/** Bars of a chart by the verdict in `act`. */
const BAR = ACTIONS.map(action => (action === '' ? 'none' : action));
/** Up to here values are asked one by one, above the whole shared table is read. */
const FEW_VALUES = 500;
