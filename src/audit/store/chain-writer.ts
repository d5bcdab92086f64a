/**
 * The chain of a day file while it is written: what chain-tail.ts makes goes into the file in the batch's own transaction.
 * Everything it needs to go on after a kill is read back from the file.
 *
 * `meta.chain` says where the chain of this file begins: number and link of the last row of the day before, and how many
 * rows of each kind the file had before it was chained (files of version 1).
 */
import { CHAINED } from '../chain.ts';
import { ChainTail, NOTHING_BEFORE } from '../chain-tail.ts';
import type Database from 'better-sqlite3';
import type { ChainedKind } from '../chain.ts';
import type { ChainBatch, ChainStart, StoredCheckpoint } from '../chain-tail.ts';
import type { Signed, Signer } from '../statement.ts';

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
  private readonly insert: Database.Statement;
  private readonly insertCheckpoint: Database.Statement;
  private readonly tail: ChainTail;

  constructor(db: Database.Database, day: string) {
    this.insert = db.prepare('INSERT INTO chain (seq, entries, link) VALUES (?, ?, ?)');
    this.insertCheckpoint = db.prepare('INSERT INTO checkpoint (n, statement, signature) VALUES (?, ?, ?)');
    const last = db.prepare('SELECT n, statement FROM checkpoint ORDER BY n DESC LIMIT 1').get() as
      Pick<StoredCheckpoint, 'n' | 'statement'> | undefined;
    this.tail = new ChainTail(day, chainStart(db) ?? startHere(db), last ?? null);
    for (const batch of db
      .prepare('SELECT seq, entries, link FROM chain WHERE seq > ? ORDER BY seq')
      .all(this.tail.seq) as ChainBatch[])
      this.tail.resume(batch);
  }

  /** Rows that no checkpoint covers yet. */
  get unsigned(): number {
    return this.tail.unsigned;
  }

  /** Add a row that was just inserted. */
  add(kind: ChainedKind, row: number, digest: string): void {
    this.tail.add(kind, row, digest);
  }

  /** Write the entries of the batch. To be called in its transaction. */
  save(): void {
    const batch = this.tail.take();
    if (batch !== null) this.insert.run(batch.seq, batch.entries, batch.link);
  }

  /** Sign what was chained since the last checkpoint; null when nothing was. In the batch's transaction, after `save`. */
  checkpoint(signer: Signer, time: number): Signed | null {
    const signed = this.tail.checkpoint(signer, time);
    if (signed !== null) this.insertCheckpoint.run(signed.n, signed.statement, signed.signature);
    return signed;
  }

  /** Where the next day's file begins. */
  end(): ChainStart {
    return this.tail.end();
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
