/**
 * The end of a chain while it grows: takes the digest of each row in the order of ingestion, packs the entries of a batch, and
 * makes checkpoints. Pure but for signing; where entries and checkpoints are kept is the driver's business, in the transaction of
 * the rows themselves, so that rows and chain can never part.
 *
 * It begins with what its store says of the day: where the day's chain starts, its last checkpoint, and the batches since.
 *
 * Bounds: entries of one batch, and one hash per power of two of the rows since the last checkpoint.
 */
import { ENTRY_BYTES, GENESIS, nextLink, packEntry, readEntries } from './chain.ts';
import { checkpointDigest, readCheckpoint, signCheckpoint } from './checkpoint.ts';
import { Frontier } from './merkle.ts';
import type { ChainedKind } from './chain.ts';
import type { Signed, Signer } from './statement.ts';

/** Where a day's chain begins. */
export interface ChainStart {
  /** Day whose tail is continued; null when none is. */
  day: string | null;
  seq: number;
  link: string;
  /** Number and digest of the last checkpoint before. */
  checkpoint: number;
  previous: string;
  /** Last row ids that the day had before it was chained. */
  unchained: Record<ChainedKind, number>;
}

export const NOTHING_BEFORE: ChainStart = {
  day: null,
  seq: 0,
  link: GENESIS,
  checkpoint: 0,
  previous: GENESIS,
  unchained: { exchange: 0, flow: 0, event: 0 },
};

/** One batch of entries as it is stored: number of the first, all packed, whole link of the last. */
export interface ChainBatch {
  seq: number;
  entries: Buffer;
  link: Buffer;
}

/** A checkpoint as it is stored. */
export interface StoredCheckpoint extends Signed {
  n: number;
}

export class ChainTail {
  readonly day: string;
  private readonly tree = new Frontier();
  /** Entries of the batch under way. */
  private packed = Buffer.alloc(ENTRY_BYTES * 256);
  private used = 0;
  /** Rows so far, over all days, and the link of the last. */
  private at: number;
  private link: string;
  /** Of the last checkpoint. */
  private number: number;
  private previous: string;
  /** Link before the rows that no checkpoint covers yet. */
  private before: string;

  constructor(day: string, start: ChainStart, last: Pick<StoredCheckpoint, 'n' | 'statement'> | null) {
    this.day = day;
    const covered = last === null ? null : readCheckpoint(last.statement);
    this.number = last?.n ?? start.checkpoint;
    this.previous = last === null ? start.previous : checkpointDigest(last.statement);
    this.at = covered?.last ?? start.seq;
    this.link = this.before = covered?.link ?? start.link;
  }

  /** A batch that is stored behind the last checkpoint, in order: checkpoints end where batches do. */
  resume(batch: ChainBatch): void {
    const entries = readEntries(batch.entries) ?? [];
    for (const entry of entries) this.tree.add(entry.digest);
    this.at = batch.seq + entries.length - 1;
    this.link = batch.link.toString('hex');
  }

  /** Number of the last row. */
  get seq(): number {
    return this.at;
  }

  /** Number of the last checkpoint. */
  get checkpoints(): number {
    return this.number;
  }

  /** Rows that no checkpoint covers yet. */
  get unsigned(): number {
    return this.tree.size;
  }

  /** Add a row. `row`: its id where the driver keeps it, at most 32 bits. */
  add(kind: ChainedKind, row: number, digest: string): void {
    this.link = nextLink(this.link, digest);
    this.tree.add(digest);
    this.at++;
    if (this.used === this.packed.length) this.packed = Buffer.concat([this.packed, Buffer.alloc(this.used)]);
    packEntry(this.packed, this.used, kind, row, digest, this.link);
    this.used += ENTRY_BYTES;
  }

  /** The entries since the last call, to be stored at once; null when there are none. */
  take(): ChainBatch | null {
    if (this.used === 0) return null;
    const seq = this.at - this.used / ENTRY_BYTES + 1;
    const entries = this.packed.subarray(0, this.used);
    this.used = 0;
    return { seq, entries, link: Buffer.from(this.link, 'hex') };
  }

  /** Sign what was chained since the last checkpoint; null when nothing was. After `take`; `time` in ms. */
  checkpoint(signer: Signer, time: number): StoredCheckpoint | null {
    const rows = this.tree.size;
    if (rows === 0) return null;
    const signed = signCheckpoint(signer, {
      day: this.day,
      number: this.number + 1,
      previous: this.previous,
      first: this.at - rows + 1,
      last: this.at,
      before: this.before,
      link: this.link,
      root: this.tree.root(),
      time,
    });
    this.number++;
    this.previous = checkpointDigest(signed.statement);
    this.before = this.link;
    this.tree.clear();
    return { n: this.number, ...signed };
  }

  /** Where the next day begins. */
  end(): ChainStart {
    return {
      day: this.day,
      seq: this.at,
      link: this.link,
      checkpoint: this.number,
      previous: this.previous,
      unchained: NOTHING_BEFORE.unchained,
    };
  }
}
