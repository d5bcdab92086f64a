/**
 * Captured bodies: stored once per content (SHA-256 of the kept bytes), deflated where that helps, and kept in
 * `waiting_body` until the exchange they belong to comes. Bound: what waits belongs to exchanges under way or to
 * producers that died, and those are swept (`dropOf`).
 */
import { createHash } from 'node:crypto';
import zlib from 'node:zlib';
import { Recent } from './recent.ts';
import type Database from 'better-sqlite3';
import type { BodyRecord, FlowId } from '../../core/records.ts';
import type { RowIds, Statements } from './statements.ts';

/** Smaller bodies are stored as they are. */
const MIN_DEFLATE = 256;

export type SideNumber = 0 | 1;

interface Waiting {
  flow: number;
  n: number;
  side: number;
  body: number;
  sha: Buffer;
  /** True when the row is in waiting_body. */
  stored: boolean;
}

export class BodyShelf {
  private readonly sql: Statements;
  private readonly ids: RowIds;
  private readonly known = new Recent<string, number>(4096);
  private readonly waiting = new Map<string, Waiting>();

  constructor(db: Database.Database, sql: Statements, ids: RowIds) {
    this.sql = sql;
    this.ids = ids;
    for (const w of db
      .prepare('SELECT flow, n, side, body, sha FROM waiting_body w JOIN body b ON b.id = w.body')
      .all() as Omit<Waiting, 'stored'>[])
      this.waiting.set(keyOf(w.flow, w.n, w.side), { ...w, stored: true });
  }

  /** Keep a body until its exchange comes. */
  put(r: BodyRecord): void {
    if (r.data.length === 0) return;
    const digest = createHash('sha256').update(r.data).digest();
    const key = digest.toString('latin1');
    let id = this.known.get(key) ?? (this.sql.findBody.get(digest) as number | undefined);
    if (id === undefined) {
      id = this.ids.take('body');
      const packed = pack(r.data);
      this.sql.body.run(id, digest, r.data.length, packed === null ? 0 : 1, packed ?? r.data);
    }
    this.known.set(key, id);
    const side = r.side === 'req' ? 0 : 1;
    this.waiting.set(keyOf(r.flow, r.n, side), {
      flow: r.flow,
      n: r.n,
      side,
      body: id,
      sha: digest,
      stored: false,
    });
  }

  /** The body row of one side of an exchange, which takes it over; null when none came. `sha`: of the kept bytes. */
  take(flow: number, n: number, side: SideNumber): { body: number; sha: Buffer } | null {
    if (this.waiting.size === 0) return null;
    const key = keyOf(flow, n, side);
    const found = this.waiting.get(key);
    if (found === undefined) return null;
    this.waiting.delete(key);
    if (found.stored) this.sql.dropWaiting.run(flow, n, side);
    return found;
  }

  /** Bodies whose exchange will never come, because their producer ended. */
  dropOf(isEnded: (flow: FlowId) => boolean): void {
    for (const [key, w] of this.waiting) {
      if (!isEnded(w.flow)) continue;
      this.waiting.delete(key);
      if (w.stored) this.sql.dropWaiting.run(w.flow, w.n, w.side);
    }
  }

  /** At the end of a batch: what still waits must survive a kill. */
  save(): void {
    for (const w of this.waiting.values()) {
      if (w.stored) continue;
      this.sql.waiting.run(w.flow, w.n, w.side, w.body);
      w.stored = true;
    }
  }
}

const keyOf = (flow: number, n: number, side: number): string => `${flow}.${n}.${side}`;

/** Bodies that wait for their exchange move to the next day's file, where the exchange will be. */
export function carryBodies(from: Database.Database, to: Database.Database): void {
  const rows = from
    .prepare('SELECT flow, n, side, sha, size, enc, data FROM waiting_body w JOIN body b ON b.id = w.body')
    .all() as {
    flow: number;
    n: number;
    side: number;
    sha: Buffer;
    size: number;
    enc: number;
    data: Buffer;
  }[];
  const body = to.prepare('INSERT INTO body (sha, size, enc, data) VALUES (?, ?, ?, ?)');
  const waiting = to.prepare('INSERT INTO waiting_body VALUES (?, ?, ?, ?)');
  for (const r of rows)
    waiting.run(r.flow, r.n, r.side, body.run(r.sha, r.size, r.enc, r.data).lastInsertRowid);
}

/** Deflated bytes, or null when it is not worth it: gzip, zip, PNG and JPEG tell themselves by their first bytes. */
export function pack(data: Buffer): Buffer | null {
  if (data.length < MIN_DEFLATE) return null;
  const magic = data.readUInt32BE(0);
  if (magic >>> 16 === 0x1f8b || magic === 0x504b0304 || magic === 0x89504e47 || magic >>> 8 === 0xffd8ff)
    return null;
  const packed = zlib.deflateRawSync(data, { level: 1 });
  return packed.length < data.length * 0.9 ? packed : null;
}
