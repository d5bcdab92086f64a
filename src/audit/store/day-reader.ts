/**
 * Reads one day file. Read-only and in short statements: a page, a bounded walk, one row; no statement stays open between
 * calls, so the recorder's log can always be moved into the file.
 *
 * A search walks blocks of rows from the newest on, a few first and then more at a time, and only through blocks in which
 * the condition can hold (query/sql.ts). Row ids are found first and the rows put together afterwards, so that nothing
 * is joined that is not shown.
 */
import { conditionOf } from '../query/sql.ts';
import { eventRowsOf, exchangeRowsOf, flowRowsOf } from './columns.ts';
import { DayDetail } from './day-detail.ts';
import { FACET_SOURCE } from './facet-source.ts';
import { BLOCK_BITS, IN_BLOCKS, IN_BLOCKS_BELOW, KIND } from './layout.ts';
import type Database from 'better-sqlite3';
import type { Kind, Query } from '../query/ast.ts';
import type { Param } from '../query/fragment.ts';
import type { Condition } from '../query/condition.ts';
import type { Bucket, FacetField, RowOf } from './store.ts';

export interface Range {
  since?: number | undefined;
  until?: number | undefined;
}

/** Tells when the time for a bounded answer is over. */
export type Expired = () => boolean;

const TABLE = { exchanges: 'exchange', flows: 'flow', events: 'event' } as const;
const KIND_OF = { exchanges: KIND.exchange, flows: KIND.flow } as const;
/** Blocks of the first statement of a search, and by how much the next ones grow. */
const FIRST_BLOCKS = 4;
const GROWTH = 4;
/** Blocks per statement of a full walk: 65,536 rows, some 30 ms, so that a budget can be kept. */
const WALK_BLOCKS = 64;

export class DayReader {
  readonly day: string;
  readonly detail: DayDetail;
  private readonly db: Database.Database;

  constructor(db: Database.Database, day: string) {
    this.db = db;
    this.day = day;
    this.detail = new DayDetail(db);
  }

  close(): void {
    this.db.close();
  }

  // ------------------------------------------------------------------------------------------------- search

  /** Ids of matching rows below `before`, newest first, at most `limit`. */
  find(kind: Kind, query: Query, range: Range, before: number | null, limit: number): number[] {
    const condition = this.condition(kind, query, range);
    if (condition.blocks?.size === 0) return [];
    if (kind === 'events' || condition.always) {
      const sql = `SELECT x.id FROM ${TABLE[kind]} x WHERE x.id < ? AND (${condition.sql}) ORDER BY x.id DESC LIMIT ?`;
      return this.pluck(sql, [before ?? 2 ** 53, ...condition.params, limit]);
    }
    const blocks = this.blocksDown(kind, condition, before);
    const sql = `SELECT x.id FROM ${IN_BLOCKS_BELOW[kind]} WHERE ${condition.sql} ORDER BY x.id DESC LIMIT ?`;
    const statement = this.db.prepare(sql).pluck();
    const ids: number[] = [];
    let size = FIRST_BLOCKS;
    for (let at = 0; at < blocks.length && ids.length < limit; at += size, size *= GROWTH) {
      const part = JSON.stringify(blocks.slice(at, at + size));
      ids.push(
        ...(statement.all(part, before ?? 2 ** 53, ...condition.params, limit - ids.length) as number[]),
      );
    }
    return ids;
  }

  /** Rows of ids that `find` gave. */
  rows<K extends Kind>(kind: K, ids: number[]): RowOf[K][] {
    const rows =
      kind === 'exchanges'
        ? exchangeRowsOf(this.db, ids)
        : kind === 'flows'
          ? flowRowsOf(this.db, ids)
          : eventRowsOf(this.db, ids);
    return rows as RowOf[K][];
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
    const condition = this.condition(kind, query, range);
    if (condition.blocks?.size === 0) return { count: 0, exact: true };
    if (kind === 'events')
      return {
        count: this.pluck(`SELECT count(*) FROM event x WHERE ${condition.sql}`, condition.params)[0] ?? 0,
        exact: true,
      };
    if (query.root.kind === 'all') return { count: this.countAll(kind, range), exact: true };
    const statement = this.db
      .prepare(`SELECT count(*) FROM ${IN_BLOCKS[kind]} WHERE ${condition.sql}`)
      .pluck();
    let count = 0;
    for (const part of this.walk(kind, condition)) {
      if (expired()) return { count, exact: false };
      count += statement.get(part, ...condition.params) as number;
    }
    return { count, exact: true };
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
    const condition = this.condition(kind, query, { since, until });
    if (condition.blocks?.size === 0) return true;
    const shared = kind === 'exchanges' ? 'JOIN what s ON s.id = x.what' : 'JOIN lane s ON s.id = x.lane';
    const statement = this.db.prepare(
      `SELECT CAST((x.time - ?) / ? AS INTEGER) AS b, coalesce(s.action, '') AS action, count(*) AS n,
       sum(s.fault IS NOT NULL) AS faults FROM ${IN_BLOCKS[kind]} ${shared} WHERE ${condition.sql} GROUP BY 1, 2`,
    );
    for (const part of this.walk(kind, condition)) {
      if (expired()) return false;
      for (const row of statement.all(since, width, part, ...condition.params))
        add(row as Parameters<typeof add>[0]);
    }
    return true;
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
    const condition = this.condition(kind, query, range);
    if (condition.blocks?.size === 0) return true;
    const source = FACET_SOURCE[kind][field];
    if (source === undefined) return true;
    const groups = new Map<number, { count: number; bytes: number }>();
    const statement = this.db.prepare(
      `SELECT x.${source.key} AS id, count(*) AS n, sum(x.up + x.down) AS bytes FROM ${IN_BLOCKS[kind]} WHERE ${condition.sql} GROUP BY 1`,
    );
    let complete = true;
    for (const part of this.walk(kind, condition)) {
      if (expired()) {
        complete = false;
        break;
      }
      for (const row of statement.all(part, ...condition.params) as {
        id: number;
        n: number;
        bytes: number;
      }[]) {
        const known = groups.get(row.id) ?? { count: 0, bytes: 0 };
        groups.set(row.id, { count: known.count + row.n, bytes: known.bytes + row.bytes });
      }
    }
    const valueOf = this.db.prepare(source.value).pluck();
    for (const [id, group] of groups) {
      const value = valueOf.get(id) as string | number | null;
      const known = totals.get(value) ?? { count: 0, bytes: 0 };
      totals.set(value, { count: known.count + group.count, bytes: known.bytes + group.bytes });
    }
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

  private condition(kind: Kind, query: Query, range: Range): Condition {
    return conditionOf(
      kind,
      query.root,
      range,
      (sql, params) => this.db.prepare(sql).all(...params) as never,
    );
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

  /** All blocks that can match, as JSON lists of a statement each. */
  private *walk(kind: 'exchanges' | 'flows', condition: Condition): Generator<string> {
    const blocks = this.blocksDown(kind, condition, null);
    for (let at = 0; at < blocks.length; at += WALK_BLOCKS)
      yield JSON.stringify(blocks.slice(at, at + WALK_BLOCKS));
  }
}
