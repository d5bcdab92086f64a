/**
 * The trail: who searched, viewed, exported, logged in and changed what. Append-only (the store's triggers refuse
 * anything else). `append` throws when the line cannot be written, and its callers then refuse what was asked: nobody
 * reads unseen. Never holds passwords, tokens or captured content, only names, queries and ids.
 */
import { chainLine, LINE, type TrailLine } from './trail-chain.ts';
import type { TrailPage } from '../../web/contract.ts';
import type { ControlDb } from './control-db.ts';

export interface TrailEvent {
  /** Null when nobody is signed in. */
  user: string | null;
  address: string;
  /** Dotted name, such as `exchange.viewed`. */
  action: string;
  /** JSON-safe; strings are cut at 2,000 characters so that a line stays a line. */
  detail?: Record<string, unknown>;
}

export class Trail {
  readonly #now: () => number;
  readonly #sql;
  readonly #append: (line: [number, string | null, string, string, string]) => void;

  constructor(db: ControlDb, now: () => number = Date.now) {
    this.#now = now;
    this.#sql = {
      append: db.prepare<[number, string | null, string, string, string]>(
        'INSERT INTO trail (time, user, address, action, detail) VALUES (?, ?, ?, ?, ?)',
      ),
      page: db.prepare<[number, number], TrailLine>(`${LINE} WHERE id < ? ORDER BY id DESC LIMIT ?`),
    };
    const append = db.transaction((line: [number, string | null, string, string, string]) => {
      chainLine(db, Number(this.#sql.append.run(...line).lastInsertRowid));
    });
    // Inside a caller's transaction it is part of that one; by itself it takes the write lock before it reads the last link.
    this.#append = line => {
      if (db.inTransaction) append(line);
      else append.immediate(line);
    };
  }

  /** Write one line to disk before returning. Throws when it cannot. */
  append(event: TrailEvent): void {
    const detail = JSON.stringify(event.detail ?? {}, (_key, value: unknown) =>
      typeof value === 'string' && value.length > 2000 ? `${value.slice(0, 2000)}…` : value,
    );
    this.#append([this.#now(), event.user?.slice(0, 256) ?? null, event.address, event.action, detail]);
  }

  /** A page, newest first; `cursor` from the page before. */
  page(cursor: string | null, limit: number): TrailPage {
    const before = cursor !== null && /^\d{1,15}$/.test(cursor) ? Number(cursor) : Number.MAX_SAFE_INTEGER;
    const rows = this.#sql.page.all(before, limit).map(row => ({
      id: row.id,
      time: new Date(row.time).toISOString(),
      user: row.user,
      address: row.address,
      action: row.action,
      detail: JSON.parse(row.detail) as Record<string, unknown>,
    }));
    const last = rows.at(-1);
    return { rows, next: rows.length === limit && last !== undefined ? String(last.id) : null };
  }
}
