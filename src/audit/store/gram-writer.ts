/**
 * Leaves the filter of a run of URLs (grams.ts), and the letters that all of them begin with, when the run is full. Bound: one
 * run. After a restart the URLs of the begun run are gone through again. Runs of a file from before there were filters
 * have none and are read whole.
 */
import type Database from 'better-sqlite3';
import { fold } from '../query/fold.ts';
import { addGrams, emptyGrams, noPairs, RUN_BITS } from './grams.ts';

export class GramWriter {
  private readonly insert: Database.Statement;
  private run: number;
  private bits = emptyGrams();
  private readonly pairs = noPairs();
  /** Null before the first one. */
  private start: string | null = null;

  constructor(db: Database.Database, insert: Database.Statement, lastUrl: number) {
    this.insert = insert;
    this.run = lastUrl >> RUN_BITS;
    const begun = db
      .prepare('SELECT path FROM url WHERE id >= ?')
      .pluck()
      .all(this.run << RUN_BITS);
    for (const path of begun as string[]) this.note(path);
  }

  /** Note a new URL; ids come in order. */
  add(id: number, path: string): void {
    const run = id >> RUN_BITS;
    if (run !== this.run) {
      this.insert.run(this.run, this.bits, this.start ?? '');
      this.run = run;
      this.bits = emptyGrams();
      this.pairs.fill(0);
      this.start = null;
    }
    this.note(path);
  }

  private note(path: string): void {
    addGrams(this.bits, path, this.pairs);
    if (this.start === null) this.start = fold(path.slice(0, MAX_START));
    else if (!path.startsWith(this.start)) this.start = shared(this.start, fold(path.slice(0, MAX_START)));
  }
}

const MAX_START = 32;

/** What two texts both begin with. */
function shared(a: string, b: string): string {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n++;
  return a.slice(0, n);
}
