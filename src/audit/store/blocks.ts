/**
 * Reads the columns of blocks of rows: from strips where there are some, from the rows themselves where not (the newest
 * block, files of an earlier version, blocks with a gap). Holds the block it read last.
 */
import type Database from 'better-sqlite3';
import { BLOCK_BITS, BLOCK_ROWS } from './layout.ts';
import { looseStrip, STRIP_COLUMNS, stripId, unpackStrip } from './strip.ts';
import type { PackedStrip, Strip, StripColumn, StripKind } from './strip.ts';
import type { Param } from '../query/fragment.ts';
import type { BlockColumns } from '../query/sieve.ts';

const ACT = (shared: string): string =>
  `CASE ${shared}.action WHEN 'inspect' THEN 2 WHEN 'passthrough' THEN 4 WHEN 'block' THEN 6 ELSE 0 END + (${shared}.fault IS NOT NULL)`;

/** The rows of a block with what strips hold of them, in the order of STRIP_COLUMNS. */
export const ROWS_OF_BLOCK: Record<StripKind, string> = {
  exchanges: `SELECT x.id, x.time, x.who, x.what, x.url, x.us, x.up, x.down, x.req_block, x.res_block, x.req_rest, x.res_rest,
    ${ACT('s')} FROM exchange x JOIN what s ON s.id = x.what WHERE x.id >= ? AND x.id < ?`,
  flows: `SELECT x.id, x.time, x.who, x.lane, x.us, x.up, x.down, x.exchanges, ${ACT('s')}
    FROM flow x JOIN lane s ON s.id = x.lane WHERE x.id >= ? AND x.id < ?`,
};
const TABLE: Record<StripKind, string> = { exchanges: 'exchange', flows: 'flow' };

export class Blocks implements BlockColumns {
  private readonly db: Database.Database;
  private readonly kind: StripKind;
  private readonly strip: Database.Statement;
  private readonly places: ReadonlyMap<string, number>;
  private block = -1;
  private columns = new Map<StripColumn, Strip>();
  private presence: Uint8Array | null = null;
  private fromRows = false;

  constructor(db: Database.Database, kind: StripKind) {
    this.db = db;
    this.kind = kind;
    this.strip = db.prepare('SELECT lo, hi, data FROM strip WHERE id = ?');
    this.places = new Map(STRIP_COLUMNS[kind].map((name, i) => [name, i]));
  }

  /** Turn to a block. */
  enter(block: number): void {
    this.block = block;
    this.columns.clear();
    this.presence = null;
    this.fromRows = false;
  }

  column(name: StripColumn): Strip {
    const known = this.columns.get(name);
    if (known !== undefined) return known;
    if (!this.fromRows) {
      const found = this.strip.get(stripId(this.kind, this.placeOf(name), this.block)) as
        PackedStrip | undefined;
      if (found !== undefined) {
        const strip = unpackStrip(found);
        this.columns.set(name, strip);
        return strip;
      }
      this.readRows();
    }
    const strip = this.columns.get(name);
    if (strip === undefined) throw new Error(`no column ${name}`);
    return strip;
  }

  /** 1 for each row there is. */
  present(): Uint8Array {
    if (this.presence !== null) return this.presence;
    const time = this.column('time');
    if (this.presence !== null) return this.presence;
    const mask = new Uint8Array(BLOCK_ROWS).fill(1);
    // Strips are of whole blocks; only the first one lacks row 0.
    if (this.block === 0 && time !== undefined) mask[0] = 0;
    this.presence = mask;
    return mask;
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

  private placeOf(name: StripColumn): number {
    const place = this.places.get(name);
    if (place === undefined) throw new Error(`${this.kind} have no strip of ${name}`);
    return place;
  }

  private readRows(): void {
    const names = STRIP_COLUMNS[this.kind];
    const columns = names.map(() => new Float64Array(BLOCK_ROWS).fill(NaN));
    const mask = new Uint8Array(BLOCK_ROWS);
    const rows = this.db
      .prepare(ROWS_OF_BLOCK[this.kind])
      .raw()
      .all(this.block << BLOCK_BITS, (this.block + 1) << BLOCK_BITS) as (number | null)[][];
    for (const row of rows) {
      const at = (row[0] ?? 0) & (BLOCK_ROWS - 1);
      mask[at] = 1;
      for (let i = 0; i < columns.length; i++) {
        const column = columns[i];
        if (column !== undefined) column[at] = row[i + 1] ?? NaN;
      }
    }
    for (const [i, name] of names.entries()) {
      const column = columns[i];
      if (column !== undefined) this.columns.set(name, looseStrip(column));
    }
    this.presence = mask;
    this.fromRows = true;
  }
}
