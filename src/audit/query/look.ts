/**
 * Sets of ids of a day file's shared tables as conditions on its rows: SQL, sieve, and the blocks in which any of them occurs.
 * Pure but for `Look`, which runs the look-ups.
 */
import { MARKS_WHERE, markedBlocks } from '../store/layout.ts';
import { NEVER, onRows } from './condition.ts';
import { flagsOf } from './sieve.ts';
import type { Condition } from './condition.ts';
import type { Param } from './fragment.ts';
import type { Flags, Sieve } from './sieve.ts';
import type { StripColumn } from '../store/strip.ts';

/** Runs the query's look-ups in one day file. */
export interface Look {
  rows(sql: string, params: Param[]): Record<string, unknown>[];
  /** Name of the machine whose day files these are; without one no test of it holds. */
  readonly proxy?: string | null;
  /** All blocks in which the condition can hold will be looked at, as for a chart: no use in asking little first. */
  readonly whole?: boolean;
  /** The first column of each row. */
  ids(sql: string, params: Param[]): number[];
}

/** More ids than this are not turned into blocks: they would occur nearly everywhere. */
const MAX_BLOCK_IDS = 2000;
/** More rows of a text table than this stay a subquery instead of a list of ids. */
const MAX_IDS = 5000;

type IdColumn = 'who' | 'what' | 'lane' | 'url';

export function idsCondition(column: IdColumn, ids: number[], blocks: Set<number> | null): Condition {
  const [only] = ids;
  const sieve = idsSieve([column], () => ids);
  if (ids.length === 1 && only !== undefined) return onRows(`x.${column} = ?`, [only], blocks, sieve);
  const list = JSON.stringify(ids);
  return onRows(`x.${column} IN (SELECT value FROM json_each(?))`, [list], blocks, sieve);
}

/** `ids` is asked once, when the first block is looked at. */
function idsSieve(columns: readonly StripColumn[], ids: () => number[]): Extract<Sieve, { op: 'ids' }> {
  let flags: Flags | null = null;
  return { op: 'ids', columns, ids: () => (flags ??= flagsOf(ids())) };
}

export function blocksOf(dim: number, ids: number[], look: Look): Set<number> | null {
  if (ids.length > MAX_BLOCK_IDS) return null;
  const marks = look.ids(`${MARKS_WHERE} dim = ? AND value IN (SELECT value FROM json_each(?))`, [
    dim,
    JSON.stringify(ids),
  ]);
  return markedBlocks(marks);
}

/** Bodies are the one thing that a row may do without. */
const within = (column: StripColumn, ids: string): string =>
  column.endsWith('_body') ? `coalesce(x.${column} IN (${ids}), 0)` : `x.${column} IN (${ids})`;

/** Shared tables whose rows say in which block they were made: there they occur without a mark. */
const FIRSTS = {
  url: 'SELECT DISTINCT first FROM url WHERE id IN (SELECT value FROM json_each(?))',
  rest: 'SELECT DISTINCT first FROM rest WHERE id IN (SELECT value FROM json_each(?))',
} as const;

/** Where a set of ids of a shared table is found. */
export interface Source {
  /** Columns of the rows that hold such ids. */
  columns: readonly StripColumn[];
  /** Asks for all of them. */
  sql: string;
  params: Param[];
  dim: number;
  firsts?: keyof typeof FIRSTS;
}

/** Rows that hold an id of the set, as SQL for the database and as a sieve. A large set is not read before it is needed. */
export function found(source: Source, look: Look): Condition {
  const { columns, sql, params, dim, firsts } = source;
  const whole = look.whole === true;
  const ids = look.ids(whole ? sql : `${sql} LIMIT ${MAX_IDS + 1}`, params);
  if (ids.length === 0) return NEVER;
  if (ids.length > MAX_IDS) {
    const any = columns.map(c => within(c, sql)).join(' OR ');
    const all = columns.flatMap(() => params);
    return onRows(`(${any})`, all, null, idsSieve(columns, whole ? () => ids : () => look.ids(sql, params)));
  }
  const list = JSON.stringify(ids);
  const any = columns.map(c => within(c, 'SELECT value FROM json_each(?)')).join(' OR ');
  const blocks = blocksOf(dim, ids, look);
  if (blocks !== null && firsts !== undefined)
    for (const first of look.ids(FIRSTS[firsts], [list])) blocks.add(first);
  const lists = columns.map(() => list);
  return onRows(
    `(${any})`,
    lists,
    blocks,
    idsSieve(columns, () => ids),
  );
}
