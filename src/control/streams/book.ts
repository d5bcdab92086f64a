/**
 * How far each stream is, in control.db: written only after the receiver took the rows, so that whoever is killed, nothing is
 * left out. What waits is kept per day, so that rows of a day that retention deleted meanwhile can be counted as dropped.
 */
import type { ControlDb } from '../control-db.ts';

export interface Entry {
  /** Behind the rows that were taken. */
  cursor: string;
  /** Where to begin again after the connection was lost: at or before `cursor`. */
  resend: string;
  sent: number;
  dropped: number;
  /** Refused by the receiver for what they say, never to be taken. */
  refused: number;
  waiting: { day: string; rows: number }[];
  /** ms since epoch; null before the first batch. */
  lastSent: number | null;
  error: string | null;
}

export class Book {
  readonly #sql;

  constructor(db: ControlDb) {
    this.#sql = {
      get: db.prepare<[string], { entry: string }>('SELECT entry FROM streams WHERE name = ?'),
      put: db.prepare<[string, string]>(
        'INSERT INTO streams (name, entry) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET entry = excluded.entry',
      ),
    };
  }

  get(name: string): Entry | null {
    const row = this.#sql.get.get(name);
    return row === undefined ? null : (JSON.parse(row.entry) as Entry);
  }

  /** Durable when it returns. */
  put(name: string, entry: Entry): void {
    this.#sql.put.run(name, JSON.stringify(entry));
  }
}
