/**
 * Reads the columns of blocks of rows: from strips where there are some, from the rows themselves where not (the newest
 * block, files of an earlier version, blocks with a gap). Bound: columns of one block, and of the last few without strips.
 */
import type Database from 'better-sqlite3';
import { BLOCK_BITS, BLOCK_ROWS } from './layout.ts';
import { looseStrip, STRIP_COLUMNS, stripId, stripValues, unpackStrip } from './strip.ts';
import type { PackedStrip, Strip, StripColumn, StripKind } from './strip.ts';
import type { Param } from '../query/fragment.ts';
import type { BlockColumns, Zone } from '../query/sieve.ts';

const ACT = (shared: string): string =>
  `CASE ${shared}.action WHEN 'inspect' THEN 2 WHEN 'passthrough' THEN 4 WHEN 'block' THEN 6 ELSE 0 END + (${shared}.fault IS NOT NULL)`;

/** The rows of a block with what strips hold of them, in the order of STRIP_COLUMNS. */
export const ROWS_OF_BLOCK: Record<StripKind, string> = {
  exchanges: `SELECT x.id, x.time, x.who, x.what, x.url, x.us, x.up, x.down, x.req_block, x.res_block, x.req_rest, x.res_rest,
    ${ACT('s')}, x.wait, x.req_body, x.res_body FROM exchange x JOIN what s ON s.id = x.what WHERE x.id >= ? AND x.id < ?`,
  flows: `SELECT x.id, x.time, x.who, x.lane, x.us, x.up, x.down, x.exchanges, ${ACT('s')}
    FROM flow x JOIN lane s ON s.id = x.lane WHERE x.id >= ? AND x.id < ?`,
};
const TABLE: Record<StripKind, string> = { exchanges: 'exchange', flows: 'flow' };

/** Blocks without strips that are kept once read: the newest one is asked again and again. */
const MAX_LOOSE = 4;

interface Loose {
  columns: Map<StripColumn, Strip>;
  present: Uint8Array;
}

export class Blocks implements BlockColumns {
  private readonly db: Database.Database;
  private readonly kind: StripKind;
  private readonly strip: Database.Statement;
  private readonly zones: Database.Statement;
  private readonly places: ReadonlyMap<string, number>;
  private readonly whole = new Uint8Array(BLOCK_ROWS).fill(1);
  private readonly first = new Uint8Array(BLOCK_ROWS).fill(1, 1);
  private readonly loose = new Map<number, Loose>();
  /** One array a column, used again for every block. */
  private readonly values = new Map<StripColumn, Float64Array>();
  private block = -1;
  private columns = new Map<StripColumn, Strip>();
  private current: Loose | null = null;

  constructor(db: Database.Database, kind: StripKind) {
    this.db = db;
    this.kind = kind;
    this.strip = db.prepare('SELECT lo, hi, data FROM strip WHERE id = ?');
    this.zones = db.prepare('SELECT lo, hi FROM strip WHERE id = ?');
    this.places = new Map(STRIP_COLUMNS[kind].map((name, i) => [name, i]));
  }

  /** Turn to a block. */
  enter(block: number): void {
    this.block = block;
    this.columns.clear();
    this.current = this.loose.get(block) ?? null;
  }

  /** The file has changed: what was read of unfinished blocks no longer holds. */
  refresh(): void {
    this.loose.clear();
  }

  column(name: StripColumn): Strip {
    const known = this.columns.get(name);
    if (known !== undefined) return known;
    let strip: Strip | undefined;
    if (this.current === null) {
      const found = this.strip.get(this.idOf(name)) as (PackedStrip & { data: Buffer | null }) | undefined;
      if (found !== undefined && found.data !== null) strip = unpackStrip(found);
    }
    strip ??= this.rows().columns.get(name);
    if (strip === undefined) throw new Error(`${this.kind} have no strip of ${name}`);
    this.columns.set(name, strip);
    return strip;
  }

  /** Values of a column, NaN where there is none; valid until the next block. */
  numbers(name: StripColumn): Float64Array {
    let out = this.values.get(name);
    if (out === undefined) this.values.set(name, (out = new Float64Array(BLOCK_ROWS)));
    return stripValues(this.column(name), out);
  }

  zone(name: StripColumn): Zone {
    if (this.current === null && !this.columns.has(name)) {
      const found = this.zones.get(this.idOf(name)) as Zone | undefined;
      if (found !== undefined) return found;
    }
    return this.column(name);
  }

  /** 1 for each row there is. */
  present(): Uint8Array {
    // Strips are of whole blocks; only the first one lacks row 0.
    if (this.current === null && this.zones.get(this.idOf('time')) !== undefined)
      return this.block === 0 ? this.first : this.whole;
    return this.rows().present;
  }

  rowsWhere(sql: string, params: Param[]): Uint8Array {
    const mask = new Uint8Array(BLOCK_ROWS);
    const ids = this.db
      .prepare(`SELECT x.id FROM ${TABLE[this.kind]} x WHERE x.id >= ? AND x.id < ? AND (${sql})`)
      .pluck()
      .all(this.block << BLOCK_BITS, (this.block + 1) << BLOCK_BITS, ...params) as number[];
    for (const id of ids) mask[id & (BLOCK_ROWS - 1)] = 1;
    return mask;
  }

  get at(): number {
    return this.block;
  }

  private idOf(name: StripColumn): number {
    const place = this.places.get(name);
    if (place === undefined) throw new Error(`${this.kind} have no strip of ${name}`);
    return stripId(this.kind, place, this.block);
  }

  /** The block's columns from its rows. */
  private rows(): Loose {
    if (this.current !== null) return this.current;
    const names = STRIP_COLUMNS[this.kind];
    const columns = names.map(() => new Float64Array(BLOCK_ROWS).fill(NaN));
    const present = new Uint8Array(BLOCK_ROWS);
    const rows = this.db
      .prepare(ROWS_OF_BLOCK[this.kind])
      .raw()
      .all(this.block << BLOCK_BITS, (this.block + 1) << BLOCK_BITS) as (number | null)[][];
    for (const row of rows) {
      const at = (row[0] ?? 0) & (BLOCK_ROWS - 1);
      present[at] = 1;
      for (let i = 0; i < columns.length; i++) {
        const column = columns[i];
        if (column !== undefined) column[at] = row[i + 1] ?? NaN;
      }
    }
    const loose: Loose = { columns: new Map(), present };
    for (const [i, name] of names.entries()) {
      const column = columns[i];
      if (column !== undefined) loose.columns.set(name, looseStrip(column));
    }
    if (this.loose.size >= MAX_LOOSE) this.loose.clear();
    this.loose.set(this.block, loose);
    this.current = loose;
    return loose;
  }
}
