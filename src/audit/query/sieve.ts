/**
 * A condition as a test of whole blocks of rows: masks of packed numbers instead of row after row. The same meaning as the
 * SQL beside it (condition.ts), some twenty times as fast, and it can stop between any two blocks. Pure but for the columns it
 * is handed.
 *
 * What no strip holds (`rows`) is asked of the database, for the one block and only when nothing else has decided.
 */
import { BLOCK_ROWS } from '../store/layout.ts';
import type { Range } from './fragment.ts';
import type { Param } from './fragment.ts';
import type { Strip, StripColumn } from '../store/strip.ts';

/** Ids of a shared table: 1 at the place of each id that is meant; ids beyond the end are not. */
export type Flags = Uint8Array;

/** How to ask for single rows while the whole set of ids is not known. */
export interface Probe {
  /** A condition on `x`. */
  sql: string;
  params: Param[];
  /** Blocks that may still be asked row by row. */
  left: number;
  /** Whether the set is known by now. */
  known(): boolean;
  /** Whether one id belongs to the set. */
  has(id: number): boolean;
}

export type Sieve =
  | { op: 'all' | 'none' }
  /** The id in one of the columns is one of a set, which is asked for when it is needed first. */
  | { op: 'ids'; columns: readonly StripColumn[]; ids: () => Flags; probe?: Probe }
  /** The sum of one or two columns lies in the range, in stored units. */
  | { op: 'range'; columns: readonly StripColumn[]; range: Range }
  | { op: 'rows'; sql: string; params: Param[]; blocks: Set<number> | null }
  | { op: 'and' | 'or'; parts: Sieve[] }
  | { op: 'not'; part: Sieve };

/** Smallest and largest value of a column in a block; null when no row has one. */
export interface Zone {
  lo: number | null;
  hi: number | null;
}

/** Columns of the block that is being looked at. */
export interface BlockColumns {
  readonly at: number;
  column(name: StripColumn): Strip;
  zone(name: StripColumn): Zone;
  /** Values of a column, NaN where there is none; valid until the next block, not to be changed. */
  numbers(name: StripColumn): Float64Array;
  /** 1 for each row there is; not to be changed. */
  present(): Uint8Array;
  /** 1 for each row for which a condition on `x` holds. */
  rowsWhere(sql: string, params: Param[]): Uint8Array;
}

/** Rows of the block that pass: 1 at their place. Null when none does. */
export function sift(sieve: Sieve, block: BlockColumns): Uint8Array | null {
  const mask = maskOf(sieve, block, ALL);
  if (mask === null) return null;
  const present = block.present();
  const rows = new Uint8Array(BLOCK_ROWS);
  let any = 0;
  for (let i = 0; i < BLOCK_ROWS; i++)
    any |= rows[i] = (mask === ALL ? 1 : (mask[i] ?? 0)) & (present[i] ?? 0);
  return any === 0 ? null : rows;
}

/** Stands for a mask that is 1 everywhere. */
const ALL = new Uint8Array(0);

/**
 * Null: nothing passes; ALL: everything. Rows that are not there, and those not `among` the ones that still matter, may
 * pass or not.
 */
function maskOf(sieve: Sieve, block: BlockColumns, among: Uint8Array): Uint8Array | null {
  switch (sieve.op) {
    case 'all':
      return ALL;
    case 'none':
      return null;
    case 'ids':
      return idsMask(sieve, block, among);
    case 'range':
      return rangeMask(sieve.columns, sieve.range, block);
    case 'rows':
      return sieve.blocks?.has(block.at) === false ? null : block.rowsWhere(sieve.sql, sieve.params);
    case 'not': {
      const mask = maskOf(sieve.part, block, among);
      if (mask === null) return ALL;
      if (mask === ALL) return null;
      return mask.map(bit => bit ^ 1);
    }
    case 'and': {
      let out: Uint8Array = ALL;
      for (const part of sieve.parts) {
        const mask = maskOf(part, block, out === ALL ? among : out);
        if (mask === null) return null;
        if (mask === ALL) continue;
        if (out === ALL) out = mask;
        else {
          let any = 0;
          for (let i = 0; i < BLOCK_ROWS; i++) any |= out[i] = (out[i] ?? 0) & (mask[i] ?? 0);
          if (any === 0) return null;
        }
      }
      return out;
    }
    case 'or': {
      let out: Uint8Array | null = null;
      for (const part of sieve.parts) {
        const mask = maskOf(part, block, among);
        if (mask === ALL) return ALL;
        if (mask === null) continue;
        if (out === null) out = mask;
        else for (let i = 0; i < BLOCK_ROWS; i++) out[i] = (out[i] ?? 0) | (mask[i] ?? 0);
      }
      return out;
    }
  }
}

function idsMask(
  sieve: Extract<Sieve, { op: 'ids' }>,
  block: BlockColumns,
  among: Uint8Array,
): Uint8Array | null {
  const { probe } = sieve;
  if (probe !== undefined && !probe.known()) {
    const few = placesOf(among, FEW);
    if (few !== null) return probedMask(few, sieve, probe, block);
    // The first blocks ask row by row: a page of something frequent is full before the whole set would be known.
    if (probe.left > 0) {
      probe.left--;
      return block.rowsWhere(probe.sql, probe.params);
    }
  }
  const flags = sieve.ids();
  let out: Uint8Array | null = null;
  for (const name of sieve.columns) {
    const mask = oneIdsMask(block.column(name), flags);
    if (mask === ALL) return ALL;
    if (mask === null) continue;
    if (out === null) out = mask;
    else for (let i = 0; i < BLOCK_ROWS; i++) out[i] = (out[i] ?? 0) | (mask[i] ?? 0);
  }
  return out;
}

/** So few candidates of a block are asked one by one rather than the whole set read. */
const FEW = 48;

/** Places of the set bits when there are at most `most`, else null. */
function placesOf(mask: Uint8Array, most: number): number[] | null {
  if (mask === ALL) return null;
  const places: number[] = [];
  for (let i = mask.indexOf(1); i >= 0; i = mask.indexOf(1, i + 1)) {
    if (places.length === most) return null;
    places.push(i);
  }
  return places;
}

function probedMask(
  places: number[],
  { columns }: Extract<Sieve, { op: 'ids' }>,
  probe: Probe,
  block: BlockColumns,
): Uint8Array | null {
  const mask = new Uint8Array(BLOCK_ROWS);
  let any = 0;
  for (const name of columns) {
    const values = block.numbers(name);
    for (const i of places) if (mask[i] === 0 && probe.has(values[i] ?? 0)) any = mask[i] = 1;
  }
  return any === 0 ? null : mask;
}

function oneIdsMask(strip: Strip, flags: Flags): Uint8Array | null {
  const { codes, base, lo } = strip;
  if (codes === null) return lo !== null && flags[lo] === 1 ? ALL : null;
  const mask = new Uint8Array(BLOCK_ROWS);
  let any = 0;
  if (codes instanceof Float64Array)
    for (let i = 0; i < BLOCK_ROWS; i++) any |= mask[i] = flags[codes[i] ?? NaN] ?? 0;
  // Code 0 (no value) would read one before the smallest: ids begin at 1, so it is id `base`, which must not count.
  else
    for (let i = 0; i < BLOCK_ROWS; i++) {
      const code = codes[i] ?? 0;
      any |= mask[i] = code === 0 ? 0 : (flags[base + code] ?? 0);
    }
  return any === 0 ? null : mask;
}

function rangeMask(columns: readonly StripColumn[], range: Range, block: BlockColumns): Uint8Array | null {
  const { min, minOpen, max, maxOpen } = range;
  let lo = 0;
  let hi = 0;
  for (const name of columns) {
    const zone = block.zone(name);
    if (zone.lo === null || zone.hi === null) return null;
    lo += zone.lo;
    hi += zone.hi;
  }
  if (min !== null && (minOpen ? hi <= min : hi < min)) return null;
  if (max !== null && (maxOpen ? lo >= max : lo > max)) return null;
  const mask = new Uint8Array(BLOCK_ROWS);
  const above = min ?? -Infinity;
  const below = max ?? Infinity;
  const [first = [], second] = columns.map(name => block.numbers(name));
  let any = 0;
  for (let i = 0; i < BLOCK_ROWS; i++) {
    const value = second === undefined ? (first[i] ?? NaN) : (first[i] ?? NaN) + (second[i] ?? NaN);
    const holds = (minOpen ? value > above : value >= above) && (maxOpen ? value < below : value <= below);
    if (holds) any = mask[i] = 1;
  }
  return any === 0 ? null : mask;
}

/** Flags of ids. */
export function flagsOf(ids: readonly number[]): Flags {
  let top = 0;
  for (const id of ids) if (id > top) top = id;
  const flags = new Uint8Array(top + 1);
  for (const id of ids) flags[id] = 1;
  return flags;
}

export const ALL_ROWS: Sieve = { op: 'all' };
export const NO_ROWS: Sieve = { op: 'none' };
