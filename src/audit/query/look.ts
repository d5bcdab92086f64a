/**
 * Sets of ids of a day file's shared tables as conditions on its rows: SQL, sieve, and the blocks in which any of them occurs.
 * Pure but for `Look`, which runs the look-ups.
 */
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
  /** The first column of each row. */
  ids(sql: string, params: Param[]): number[];
}

/** More ids than this are not turned into blocks: they would occur nearly everywhere. */
const MAX_BLOCK_IDS = 2000;
/** More rows of a text table than this stay a subquery instead of a list of ids. */
export const MAX_IDS = 5000;

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
  return new Set(
    look.ids('SELECT DISTINCT block FROM seen WHERE dim = ? AND value IN (SELECT value FROM json_each(?))', [
      dim,
      JSON.stringify(ids),
    ]),
  );
}

/** Bodies are the one thing that a row may do without. */
const within = (column: StripColumn, ids: string): string =>
  column.endsWith('_body') ? `coalesce(x.${column} IN (${ids}), 0)` : `x.${column} IN (${ids})`;

/** A set of ids of a shared table, as SQL for the database and as a sieve. `rows` are at most MAX_IDS + 1 of them. */
export function found(
  columns: readonly StripColumn[],
  rows: Record<string, unknown>[],
  all: { sql: string; params: Param[] },
  dim: number,
  look: Look,
): Condition {
  if (rows.length === 0) return NEVER;
  if (rows.length > MAX_IDS) {
    const sql = columns.map(c => within(c, all.sql)).join(' OR ');
    const params = columns.flatMap(() => all.params);
    return onRows(
      `(${sql})`,
      params,
      null,
      idsSieve(columns, () => look.ids(all.sql, all.params)),
    );
  }
  const ids = rows.map(r => r['id'] as number);
  const list = JSON.stringify(ids);
  const sql = columns.map(c => within(c, 'SELECT value FROM json_each(?)')).join(' OR ');
  const blocks = blocksOf(dim, ids, look);
  // Rows of shared tables that say where they were made occur there without a mark in `seen`.
  if (blocks !== null) for (const { first } of rows) if (typeof first === 'number') blocks.add(first);
  return onRows(
    `(${sql})`,
    columns.map(() => list),
    blocks,
    idsSieve(columns, () => ids),
  );
}
