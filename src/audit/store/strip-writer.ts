/**
 * Gathers the numbers of the newest rows and leaves them as strips when their block is full. Bound: one block of each kind.
 * After a restart the begun block is read back from its rows. A block with a gap (a row that could not be stored) gets no
 * strips; it is then read from its rows like one that was never full.
 */
import type Database from 'better-sqlite3';
import { BLOCK_BITS, BLOCK_ROWS } from './layout.ts';
import { packStrip, STRIP_COLUMNS, stripId, ZONES_ONLY } from './strip.ts';
import { ROWS_OF_BLOCK } from './blocks.ts';
import type { StripKind } from './strip.ts';

export class StripWriter {
  private readonly insert: Database.Statement;
  private readonly kind: StripKind;
  private readonly columns: Float64Array[];
  private block: number;
  private filled = 0;

  constructor(db: Database.Database, kind: StripKind, lastId: number) {
    this.kind = kind;
    this.insert = db.prepare('INSERT OR REPLACE INTO strip VALUES (?, ?, ?, ?)');
    this.columns = STRIP_COLUMNS[kind].map(() => new Float64Array(BLOCK_ROWS).fill(NaN));
    this.block = lastId >> BLOCK_BITS;
    const rows = db
      .prepare(ROWS_OF_BLOCK[kind])
      .raw()
      .all(this.block << BLOCK_BITS, (this.block + 1) << BLOCK_BITS);
    for (const row of rows as (number | null)[][]) {
      const [id = 0, ...values] = row;
      this.put(id ?? 0, values);
    }
    // A file whose last block is just full has its strips already, or does without.
    if (this.filled === this.wanted()) this.filled = 0;
  }

  /** Take a row's numbers, in the order of STRIP_COLUMNS. Writes the strips when the block is full. */
  add(id: number, values: readonly (number | null)[]): void {
    const block = id >> BLOCK_BITS;
    if (block !== this.block) {
      this.block = block;
      this.filled = 0;
      for (const column of this.columns) column.fill(NaN);
    }
    this.put(id, values);
    if (this.filled === this.wanted()) this.save();
  }

  private put(id: number, values: readonly (number | null)[]): void {
    const at = id & (BLOCK_ROWS - 1);
    for (let i = 0; i < this.columns.length; i++) {
      const column = this.columns[i];
      if (column !== undefined) column[at] = values[i] ?? NaN;
    }
    this.filled++;
  }

  private wanted(): number {
    return this.block === 0 ? BLOCK_ROWS - 1 : BLOCK_ROWS;
  }

  private save(): void {
    for (const [i, column] of this.columns.entries()) {
      const { lo, hi, data } = packStrip(column);
      const zoneOnly = ZONES_ONLY.has(STRIP_COLUMNS[this.kind][i] ?? '');
      this.insert.run(stripId(this.kind, i, this.block), lo, hi, zoneOnly ? null : data);
    }
  }
}
