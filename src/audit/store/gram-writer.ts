/**
 * Leaves the filter of a run of URLs (grams.ts) when the run is full. Bound: one filter. After a restart the URLs of the
 * begun run are gone through again. Runs of a file from before there were filters have none and are read whole.
 */
import type Database from 'better-sqlite3';
import { addGrams, emptyGrams, RUN_BITS } from './grams.ts';

export class GramWriter {
  private readonly insert: Database.Statement;
  private run: number;
  private bits = emptyGrams();

  constructor(db: Database.Database, insert: Database.Statement, lastUrl: number) {
    this.insert = insert;
    this.run = lastUrl >> RUN_BITS;
    const begun = db
      .prepare('SELECT path FROM url WHERE id >= ?')
      .pluck()
      .all(this.run << RUN_BITS);
    for (const path of begun as string[]) addGrams(this.bits, path);
  }

  /** Note a new URL; ids come in order. */
  add(id: number, path: string): void {
    const run = id >> RUN_BITS;
    if (run !== this.run) {
      this.insert.run(this.run, this.bits);
      this.run = run;
      this.bits = emptyGrams();
    }
    addGrams(this.bits, path);
  }
}
