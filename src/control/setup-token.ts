/**
 * The one-time token of the set-up link, with which the first admin is made. One at a time, valid for a day, used once; the
 * store holds its SHA-256 only. Whether it is still wanted (no admin yet) is the business of accounts.ts.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ControlDb } from './control-db.ts';

export class SetupToken {
  readonly #now: () => number;
  readonly #sql;

  constructor(db: ControlDb, now: () => number) {
    this.#now = now;
    this.#sql = {
      get: db.prepare<[], { token: Buffer; expires: number }>('SELECT token, expires FROM setup'),
      set: db.prepare<[Buffer, number]>(
        'INSERT OR REPLACE INTO setup (one, token, expires) VALUES (1, ?, ?)',
      ),
      end: db.prepare('DELETE FROM setup'),
    };
  }

  /** A new token; the one before is void. */
  issue(): string {
    const token = randomBytes(32).toString('base64url');
    this.#sql.set.run(sha256(token), this.#now() + VALID_MS);
    return token;
  }

  isRight(token: string): boolean {
    const row = this.#sql.get.get();
    return row !== undefined && row.expires > this.#now() && timingSafeEqual(row.token, sha256(token));
  }

  /** It opens nothing from now on. */
  end(): void {
    this.#sql.end.run();
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const VALID_MS = 24 * 60 * 60_000;
