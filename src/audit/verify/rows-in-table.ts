/**
 * The rows a table really has, walked in step with the rows its chain names: what lies between two named rows was never chained.
 * Reads ids in pages; memory holds one.
 */
import type { ChainedKind } from '../chain.ts';
import type { ChainRows } from '../store/chain-rows.ts';

const PAGE = 10_000;

/** Told of a row that nobody named, and of where it stands. */
export type Unnamed = (row: number, place: string) => void;

export class RowsInTable {
  private readonly rows: Pick<ChainRows, 'ids'>;
  private readonly kind: ChainedKind;
  private page: number[] = [];
  private at = 0;
  private after: number;
  private readonly to: number;

  /** Rows up to `after` are older than the chain, rows beyond `to` came after the look at it. */
  constructor(rows: Pick<ChainRows, 'ids'>, kind: ChainedKind, after: number, to: number) {
    this.to = to;
    this.rows = rows;
    this.kind = kind;
    this.after = after;
  }

  /** The chain names `row`: every row before it was not named. Rows that are named out of order are passed over. */
  pass(row: number, unnamed: Unnamed): void {
    for (let next = this.peek(); next !== null && next <= row; next = this.peek()) {
      if (next < row) unnamed(next, `before row ${row}`);
      this.at++;
    }
  }

  /** The chain names no more. */
  rest(unnamed: Unnamed): void {
    for (let next = this.peek(); next !== null; next = this.peek()) {
      unnamed(next, 'behind the last one');
      this.at++;
    }
  }

  private peek(): number | null {
    if (this.at >= this.page.length) {
      this.after = this.page.at(-1) ?? this.after;
      this.page = this.rows.ids(this.kind, this.after, PAGE, this.to);
      this.at = 0;
    }
    return this.page[this.at] ?? null;
  }
}
