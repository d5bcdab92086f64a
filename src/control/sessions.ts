/**
 * Server-side sessions of the console. The cookie holds 256 random bits and nothing else; the store holds their hash.
 *
 * A session ends by log-out, by 30 minutes without a request, by 12 hours whatever happens, and when its user's
 * revision changes (other password, other roles, shut). It is never handed on: every log-in makes a new one (no
 * fixation). At most 20 per user, the oldest goes first. Last use is written at most once a minute, so a busy page costs
 * no write per request; the idle time-out is exact to that minute.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { User } from './account-rules.ts';
import type { Accounts } from './accounts.ts';
import type { ControlDb } from './control-db.ts';

export interface Session {
  /** Hex of the stored hash: names the session in memory and logs, opens nothing. */
  id: string;
  user: User;
  /** ms since epoch: created, end whatever happens, end without further use. */
  created: number;
  expires: number;
  idleExpires: number;
}

export interface SessionsOptions {
  now?: () => number;
  /** ms */
  idle?: number;
  absolute?: number;
}

export class Sessions {
  readonly #accounts: Accounts;
  readonly #now: () => number;
  readonly #idle: number;
  readonly #absolute: number;
  readonly #sql;
  readonly #insert: (hash: Buffer, user: User, now: number, address: string) => void;

  constructor(db: ControlDb, accounts: Accounts, options: SessionsOptions = {}) {
    this.#accounts = accounts;
    this.#now = options.now ?? Date.now;
    this.#idle = options.idle ?? IDLE_MS;
    this.#absolute = options.absolute ?? ABSOLUTE_MS;
    this.#sql = {
      get: db.prepare<[Buffer], Row>('SELECT user, revision, created, seen FROM sessions WHERE token = ?'),
      insert: db.prepare<[Buffer, string, number, number, number, string]>(
        'INSERT INTO sessions (token, user, revision, created, seen, address) VALUES (?, ?, ?, ?, ?, ?)',
      ),
      seen: db.prepare<[number, Buffer]>('UPDATE sessions SET seen = ? WHERE token = ?'),
      end: db.prepare<[Buffer]>('DELETE FROM sessions WHERE token = ?'),
      expired: db.prepare<[number, number]>('DELETE FROM sessions WHERE created <= ? OR seen <= ?'),
      surplus: db.prepare<[string, string, number]>(
        `DELETE FROM sessions WHERE user = ? AND token NOT IN
           (SELECT token FROM sessions WHERE user = ? ORDER BY created DESC LIMIT ?)`,
      ),
    };
    this.#insert = db.transaction((hash: Buffer, user: User, now: number, address: string) => {
      this.#sql.expired.run(now - this.#absolute, now - this.#idle);
      this.#sql.insert.run(hash, user.name, user.revision, now, now, address);
      this.#sql.surplus.run(user.name, user.name, MAX_PER_USER);
    });
  }

  /** A new session for a user who has just proved to be one. The token goes into the cookie and is stored nowhere. */
  create(user: User, address: string): { token: string; session: Session } {
    const token = randomBytes(32).toString('base64url');
    const now = this.#now();
    const hash = hashOf(token);
    this.#insert(hash, user, now, address);
    return { token, session: this.#session(hash, user, now, now) };
  }

  /**
   * The living session of a token, or null. `touch` counts as use; a stream that merely stays open must not
   * touch, or an unattended screen would never log out.
   */
  get(token: string, touch = true): Session | null {
    if (!TOKEN.test(token)) return null;
    const hash = hashOf(token);
    const row = this.#sql.get.get(hash);
    if (row === undefined) return null;
    const now = this.#now();
    const user = this.#accounts.get(row.user);
    const dead =
      now >= row.created + this.#absolute ||
      now >= row.seen + this.#idle ||
      user === null ||
      user.disabled ||
      !this.#accounts.mayEnter(user) ||
      user.revision !== row.revision;
    if (dead) {
      this.#sql.end.run(hash);
      return null;
    }
    let seen = row.seen;
    if (touch && now - seen >= SEEN_STEP_MS) {
      this.#sql.seen.run(now, hash);
      seen = now;
    }
    return this.#session(hash, user, row.created, seen);
  }

  /** Log-out: the token opens nothing from now on. */
  end(token: string): void {
    this.#sql.end.run(hashOf(token));
  }

  #session(hash: Buffer, user: User, created: number, seen: number): Session {
    return {
      id: hash.toString('hex'),
      user,
      created,
      expires: created + this.#absolute,
      idleExpires: Math.min(seen + this.#idle, created + this.#absolute),
    };
  }
}

interface Row {
  user: string;
  revision: number;
  created: number;
  seen: number;
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const IDLE_MS = 30 * 60_000;
const ABSOLUTE_MS = 12 * 60 * 60_000;
const SEEN_STEP_MS = 60_000;
const MAX_PER_USER = 20;
