/**
 * Captured bodies: stored once per content (SHA-256 of the kept bytes) and reading (body-text.ts), deflated where that helps, with
 * their words in the index beside them. The exchange they belong to tells how a body is read, so a body is held until its
 * exchange comes, mostly the next record; at the end of a batch those still held go to `waiting_body`.
 *
 * Bound: `MAX_HELD` bytes are held, further bodies are stored at once; what waits belongs to exchanges under way or to
 * producers that died, and those are swept (`dropOf`).
 */
import { createHash } from 'node:crypto';
import zlib from 'node:zlib';
import { NOT_READ, searchedText } from './body-text.ts';
import { SEEN } from './layout.ts';
import { Recent } from './recent.ts';
import { unpacked } from './stored-detail.ts';
import type Database from 'better-sqlite3';
import type { BodyRecord, FlowId } from '../../core/records.ts';
import type { Reading } from './body-text.ts';
import type { Mark, Marks } from './marks.ts';
import type { RowIds, Statements } from './statements.ts';

/** Smaller bodies are stored as they are. */
const MIN_DEFLATE = 256;
const MAX_HELD = 8 * 1024 * 1024;

export type SideNumber = 0 | 1;

interface Waiting {
  flow: number;
  n: number;
  side: number;
  sha: Buffer;
  /** Null when the body has a row. */
  data: Buffer | null;
  /** That row; null as long as there is none. */
  body: number | null;
  /** True when there is a row in waiting_body. */
  stored: boolean;
}

export class BodyShelf {
  private readonly sql: Statements;
  private readonly ids: RowIds;
  private readonly marks: Marks;
  private readonly known = new Recent<string, Mark>(4096);
  private readonly waiting = new Map<string, Waiting>();
  private held = 0;

  constructor(db: Database.Database, sql: Statements, ids: RowIds, marks: Marks) {
    this.sql = sql;
    this.ids = ids;
    this.marks = marks;
    for (const w of db
      .prepare('SELECT flow, n, side, body, sha FROM waiting_body w JOIN body b ON b.id = w.body')
      .all() as (Omit<Waiting, 'stored' | 'data'> & { body: number })[])
      this.waiting.set(keyOf(w.flow, w.n, w.side), { ...w, data: null, stored: true });
  }

  /** Keep a body until its exchange comes. */
  put(r: BodyRecord): void {
    if (r.data.length === 0) return;
    const sha = createHash('sha256').update(r.data).digest();
    const side = r.side === 'req' ? 0 : 1;
    const { flow, n, data } = r;
    const waiting: Waiting = { flow, n, side, sha, data, body: null, stored: false };
    this.waiting.set(keyOf(flow, n, side), waiting);
    this.held += data.length;
    if (this.held > MAX_HELD) this.store(waiting);
  }

  /**
   * The body row of one side of an exchange in a block, which takes it over; null when none came, and then nobody asks how it
   * would be read. `sha`: of the kept bytes.
   */
  take(
    flow: number,
    n: number,
    side: SideNumber,
    readingOf: () => Reading,
    block: number,
  ): { body: number; sha: Buffer } | null {
    if (this.waiting.size === 0) return null;
    const key = keyOf(flow, n, side);
    const found = this.waiting.get(key);
    if (found === undefined) return null;
    this.waiting.delete(key);
    if (found.stored) this.sql.dropWaiting.run(flow, n, side);
    const reading = readingOf();
    const kept = this.kept(found, reading);
    this.release(found);
    if (reading !== NOT_READ) this.marks.add(SEEN.body, kept, block);
    return { body: kept.id, sha: found.sha };
  }

  /** Bodies whose exchange will never come, because their producer ended. */
  dropOf(isEnded: (flow: FlowId) => boolean): void {
    for (const [key, w] of this.waiting) {
      if (!isEnded(w.flow)) continue;
      this.waiting.delete(key);
      this.release(w);
      if (w.stored) this.sql.dropWaiting.run(w.flow, w.n, w.side);
    }
  }

  /** At the end of a batch: what still waits must survive a kill. */
  save(): void {
    for (const w of this.waiting.values()) {
      if (w.stored) continue;
      this.sql.waiting.run(w.flow, w.n, w.side, this.store(w));
      w.stored = true;
    }
  }

  private release(w: Waiting): void {
    this.held -= w.data?.length ?? 0;
    w.data = null;
  }

  /** Give a body that waits a row; how it is read is not known yet. */
  private store(w: Waiting): number {
    if (w.body === null && w.data !== null)
      w.body = (this.sql.findBody.get(w.sha) as number | undefined) ?? this.insert(w.sha, w.data, null);
    this.release(w);
    return w.body ?? 0;
  }

  private insert(sha: Buffer, data: Buffer, reading: Reading | null): number {
    const id = this.ids.take('body');
    const packed = pack(data);
    this.sql.body.run(id, sha, data.length, packed === null ? 0 : 1, packed ?? data, reading);
    return id;
  }

  /** The row of a body under a reading. The same bytes under another head are another row, as they may have other words. */
  private kept(w: Waiting, reading: Reading): Mark {
    const key = `${w.sha.toString('latin1')}${reading}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const found = this.sql.findReading.get(w.sha, reading) as number | undefined;
    const kept = { id: found ?? this.read(w, reading), block: -1 };
    this.known.set(key, kept);
    return kept;
  }

  private read(w: Waiting, reading: Reading): number {
    const data = w.data ?? this.dataOf(w.body);
    // The row in which it waited becomes its own, unless somebody else has given it another reading.
    const own = w.body !== null && this.sql.readBody.run(reading, w.body).changes === 1;
    const id = own && w.body !== null ? w.body : this.insert(w.sha, data, reading);
    const text = searchedText(data, reading);
    if (text !== '') this.sql.bodyText.run(id, text);
    return id;
  }

  private dataOf(body: number | null): Buffer {
    return unpacked(this.sql.bodyData.get(body) as { enc: number; data: Buffer });
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
