/**
 * Tokens with which devices poll the exports of lists (web/server/routes/list-feed). A token is 256 random bits shown
 * once; the store holds its SHA-256 only, so a copy of the file opens nothing. Each has a name, so that one device can
 * be shut out without the others. The command line changes them while the service runs, so nothing is kept in memory.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ControlDb } from './control-db.ts';

export interface ListToken {
  name: string;
  /** ms since epoch. */
  created: number;
  /** Last use, to the minute; null when it was never used. */
  used: number | null;
}

/** A token cannot be made or found; message and hint are for people. */
export class ListTokenError extends Error {
  override readonly name = 'ListTokenError';
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** A device polls often; its use is written at most this often. */
const WRITE_MS = 60_000;

export class ListTokens {
  readonly #now: () => number;
  readonly #sql;

  constructor(db: ControlDb, now: () => number = Date.now) {
    this.#now = now;
    this.#sql = {
      add: db.prepare<[string, Buffer, number]>(
        'INSERT INTO list_tokens (name, token, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      ),
      list: db.prepare<[], ListToken>('SELECT name, created, used FROM list_tokens ORDER BY name'),
      find: db.prepare<[Buffer], ListToken>('SELECT name, created, used FROM list_tokens WHERE token = ?'),
      used: db.prepare<[number, string]>('UPDATE list_tokens SET used = ? WHERE name = ?'),
      remove: db.prepare<[string]>('DELETE FROM list_tokens WHERE name = ?'),
    };
  }

  /** Make a token; it is shown this once. Throws ListTokenError. */
  add(name: string): string {
    if (!NAME.test(name))
      throw new ListTokenError(
        `"${name}" is no usable name`,
        'Use up to 64 letters, digits, dots, dashes and underscores.',
      );
    const token = randomBytes(32).toString('base64url');
    if (this.#sql.add.run(name, sha256(token), this.#now()).changes === 0)
      throw new ListTokenError(
        `there is a token "${name}" already`,
        'Revoke it first, or choose another name: a token is shown once and cannot be shown again.',
      );
    return token;
  }

  list(): ListToken[] {
    return this.#sql.list.all();
  }

  /** Throws ListTokenError when there is none of that name. */
  revoke(name: string): void {
    if (this.#sql.remove.run(name).changes === 0)
      throw new ListTokenError(`there is no token "${name}"`, '`sightglass lists token list` shows them.');
  }

  /** Name of the token, or null when it is none. Found by its digest: how long that takes tells nothing about the token. */
  use(token: string): string | null {
    if (token.length > 100) return null;
    const row = this.#sql.find.get(sha256(token));
    if (row === undefined) return null;
    const now = this.#now();
    if (row.used === null || now - row.used >= WRITE_MS) this.#sql.used.run(now, row.name);
    return row.name;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
