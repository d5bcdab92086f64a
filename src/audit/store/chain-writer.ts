/**
 * The chain of a day file while it is written: takes the digest of each row in the order of ingestion, keeps the entries of a
 * batch together, and writes them in the batch's own transaction, so that rows and chain can never part. Everything it
 * needs to go on after a kill is read back from the file.
 *
 * `meta.chain` says where the chain of this file begins: number and link of the last row of the day before, and how many
 * rows of each kind the file had before it was chained (files of version 1).
 *
 * Bounds: entries of one batch, and one hash per power of two of the rows since the last checkpoint.
 */
import { CHAINED, ENTRY_BYTES, GENESIS, nextLink, packEntry, readEntries } from '../chain.ts';
import { checkpointDigest, readCheckpoint, signCheckpoint } from '../checkpoint.ts';
import { Frontier } from '../merkle.ts';
import type Database from 'better-sqlite3';
import type { ChainedKind } from '../chain.ts';
import type { Signed, Signer } from '../statement.ts';

/** Where a file's chain begins. */
export interface ChainStart {
  /** Day whose tail is continued; null when none is. */
  day: string | null;
  seq: number;
  link: string;
  /** Number and digest of the last checkpoint before. */
  checkpoint: number;
  previous: string;
  /** Last row ids that the file had before it was chained. */
  unchained: Record<ChainedKind, number>;
}

const NOTHING_BEFORE: ChainStart = {
  day: null,
  seq: 0,
  link: GENESIS,
  checkpoint: 0,
  previous: GENESIS,
  unchained: { exchange: 0, flow: 0, event: 0 },
};

/** Read where a file's chain begins; null when it has none yet. */
export function chainStart(db: Database.Database): ChainStart | null {
  const text = db.prepare(`SELECT value FROM meta WHERE key = 'chain'`).pluck().get();
  return text === undefined ? null : (JSON.parse(text as string) as ChainStart);
}

/** Say where the chain of a new file begins. */
export function putChainStart(db: Database.Database, start: ChainStart): void {
  db.prepare(`INSERT INTO meta (key, value) VALUES ('chain', ?)`).run(JSON.stringify(start));
}

export class ChainWriter {
  private readonly day: string;
  private readonly insert: Database.Statement;
  private readonly insertCheckpoint: Database.Statement;
  private readonly tree = new Frontier();
  /** Entries of the batch under way. */
  private packed = Buffer.alloc(ENTRY_BYTES * 256);
  private used = 0;
  /** Rows so far, over all days, and the link of the last. */
  private seq: number;
  private link: string;
  /** Of the last checkpoint. */
  private number: number;
  private previous: string;
  /** Link before the rows that no checkpoint covers yet. */
  private before: string;

  constructor(db: Database.Database, day: string) {
    this.day = day;
    this.insert = db.prepare('INSERT INTO chain (seq, entries, link) VALUES (?, ?, ?)');
    this.insertCheckpoint = db.prepare('INSERT INTO checkpoint (n, statement, signature) VALUES (?, ?, ?)');
    const start = chainStart(db) ?? startHere(db);
    const last = db.prepare('SELECT n, statement FROM checkpoint ORDER BY n DESC LIMIT 1').get() as
      { n: number; statement: string } | undefined;
    const covered = last === undefined ? null : readCheckpoint(last.statement);
    this.number = last?.n ?? start.checkpoint;
    this.previous = last === undefined ? start.previous : checkpointDigest(last.statement);
    this.seq = covered?.last ?? start.seq;
    this.link = this.before = covered?.link ?? start.link;
    // What came after the last checkpoint: batches end where checkpoints do, so these are whole rows of the table.
    for (const batch of db
      .prepare('SELECT seq, entries, link FROM chain WHERE seq > ? ORDER BY seq')
      .all(this.seq) as { seq: number; entries: Buffer; link: Buffer }[]) {
      const entries = readEntries(batch.entries) ?? [];
      for (const entry of entries) this.tree.add(entry.digest);
      this.seq = batch.seq + entries.length - 1;
      this.link = batch.link.toString('hex');
    }
  }

  /** Rows that no checkpoint covers yet. */
  get unsigned(): number {
    return this.tree.size;
  }

  /** Add a row that was just inserted. */
  add(kind: ChainedKind, row: number, digest: string): void {
    this.link = nextLink(this.link, digest);
    this.tree.add(digest);
    this.seq++;
    if (this.used === this.packed.length) this.packed = Buffer.concat([this.packed, Buffer.alloc(this.used)]);
    packEntry(this.packed, this.used, kind, row, digest, this.link);
    this.used += ENTRY_BYTES;
  }

  /** Write the entries of the batch. To be called in its transaction. */
  save(): void {
    if (this.used === 0) return;
    const first = this.seq - this.used / ENTRY_BYTES + 1;
    this.insert.run(first, this.packed.subarray(0, this.used), Buffer.from(this.link, 'hex'));
    this.used = 0;
  }

  /** Sign what was chained since the last checkpoint; null when nothing was. In the batch's transaction, after `save`. */
  checkpoint(signer: Signer, time: number): Signed | null {
    const rows = this.tree.size;
    if (rows === 0) return null;
    const signed = signCheckpoint(signer, {
      day: this.day,
      number: this.number + 1,
      previous: this.previous,
      first: this.seq - rows + 1,
      last: this.seq,
      before: this.before,
      link: this.link,
      root: this.tree.root(),
      time,
    });
    this.insertCheckpoint.run(this.number + 1, signed.statement, signed.signature);
    this.number++;
    this.previous = checkpointDigest(signed.statement);
    this.before = this.link;
    this.tree.clear();
    return signed;
  }

  /** Where the next day's file begins. */
  end(): ChainStart {
    return {
      day: this.day,
      seq: this.seq,
      link: this.link,
      checkpoint: this.number,
      previous: this.previous,
      unchained: NOTHING_BEFORE.unchained,
    };
  }
}

/** A file without a chain: a new one, or one of version 1 whose rows so far stay outside. */
function startHere(db: Database.Database): ChainStart {
  const last = (table: ChainedKind): number =>
    db.prepare(`SELECT coalesce(max(id), 0) FROM ${table}`).pluck().get() as number;
  const unchained = Object.fromEntries(
    (Object.keys(CHAINED) as ChainedKind[]).map(kind => [kind, last(kind)]),
  ) as ChainStart['unchained'];
  const start = { ...NOTHING_BEFORE, unchained };
  putChainStart(db, start);
  return start;
}
