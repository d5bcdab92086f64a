/**
 * Marks: in which blocks of rows a value occurs (table `mark`). Gathered in memory and written once a batch, in the order of the
 * table's key, 32 blocks to a row: a value that comes all day takes seven rows and not two hundred.
 *
 * Bound: values that one batch marks.
 */
import { PART_BITS } from './layout.ts';
import type Database from 'better-sqlite3';

/** A value that is marked, with what is not written yet. Belongs to one dimension. */
export interface Mark {
  id: number;
  /** The block it was marked in last, -1 for none. */
  block: number;
  /** Blocks of the same part as `block` that wait to be written. */
  bits?: number;
}

export class Marks {
  private readonly insert: Database.Statement;
  private readonly waiting = new Map<number, Mark[]>();

  constructor(insert: Database.Statement) {
    this.insert = insert;
  }

  /** Note that a value occurs in a block. Costs a comparison unless the block is new. */
  add(dim: number, mark: Mark, block: number): void {
    if (mark.block === block) return;
    const { bits = 0 } = mark;
    const bit = 1 << (block & PART_MASK);
    if (bits === 0) this.listOf(dim).push(mark);
    else if (mark.block >> PART_BITS !== block >> PART_BITS) this.write(dim, mark);
    mark.bits = (mark.bits ?? 0) | bit;
    mark.block = block;
  }

  save(): void {
    for (const [dim, marks] of this.waiting) {
      marks.sort((a, b) => a.id - b.id);
      for (const mark of marks) this.write(dim, mark);
      marks.length = 0;
    }
  }

  private write(dim: number, mark: Mark): void {
    this.insert.run(dim, mark.id, mark.block >> PART_BITS, mark.bits);
    mark.bits = 0;
  }

  private listOf(dim: number): Mark[] {
    let list = this.waiting.get(dim);
    if (list === undefined) this.waiting.set(dim, (list = []));
    return list;
  }
}

const PART_MASK = 2 ** PART_BITS - 1;
