/**
 * Carries the spool into the store, one batch per call of `step`: synchronous, with its clock handed in, so that tests drive
 * it without threads. recorder-thread.ts calls it in a loop.
 *
 * Exactly once: the rows of a batch and the offsets up to which each segment was read are one transaction. After a kill at
 * any moment the next start continues at the committed offsets. A segment is removed only after it was read to its
 * end, its cursor is committed as done, and the write-ahead log that says so is on the disk.
 *
 * The day of a row is the day of its ingestion (UTC), and days never go back: when the clock does, rows go on into the
 * newest file. At roll-over the new file begins with the open flows and the cursors of the segments that exist.
 *
 * Only one recorder works on a data directory: the lock is a transaction on a file of its own, which the system drops with
 * the process.
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { CodecError } from './codec.ts';
import { readCursors } from './cursors.ts';
import { isAlive as processIsAlive, listSegments, syncFolder } from './producer.ts';
import { DayWriter, newFlow } from './store/day-writer.ts';
import { eventRow, exchangeRow, flowRow } from './store/rows.ts';
import { dayOf, dayPath, listDays, openDayForReading, openDayForWriting } from './store/schema.ts';
import { SegmentTail } from './tail.ts';
import { FLOWS_PER_PRODUCER } from '../core/records.ts';
import type { Cursor } from './cursors.ts';
import type { Flows } from './store/day-writer.ts';
import type { LiveRow } from './store/store.ts';
import type { Damage } from './tail.ts';
import type { SegmentName } from './producer.ts';
import type { AuditRecord, EventRecord, FlowOpenRecord, FlowRecord } from '../core/records.ts';

export interface IngestOptions {
  spoolDir: string;
  auditDir: string;
  /** ms since epoch. */
  now?: () => number;
  /** Whether the process that wrote a segment still lives. */
  isAlive?: (pid: number, ticks: number) => boolean;
  /** Rows to gather for live views per batch, 0 for none. */
  liveRows?: number;
}

export interface IngestStats {
  /** Bytes in the spool that are not in the store yet. */
  lagBytes: number;
  rowsPerSecond: number;
  /** Since the start. */
  rows: number;
  /** Why the last batch could not be committed, null when it could. */
  failing: string | null;
  /** Day file that is being written. */
  day: string | null;
}

export interface Step {
  rows: number;
  /** There is more to read at once. */
  more: boolean;
  /** Newest rows of the batch, oldest first, at most `liveRows`; `dropped` others were left out. */
  live: LiveRow[];
  dropped: number;
  events: EventRecord[];
}

interface OpenTail {
  tail: SegmentTail;
  /** The producer was seen dead before the read that is to come. */
  dead: boolean;
  damages: number;
}

/** Rows of one transaction at most (and a chunk more): large enough to share the commit, small enough to stay short. */
const BATCH_ROWS = 10_000;
/** Damaged places in one segment after which the rest of it is given up. */
const MAX_DAMAGES = 100;

export class Ingest {
  private readonly spoolDir: string;
  private readonly auditDir: string;
  private readonly now: () => number;
  private readonly isAlive: (pid: number, ticks: number) => boolean;
  private readonly liveBound: number;

  private lock: Database.Database | null = null;
  private writer: DayWriter | null = null;
  private day = '';
  private flows: Flows = new Map();
  private cursors = new Map<string, Cursor>();
  private tails = new Map<string, OpenTail>();
  /** Producers of flows that were open when we started: those without a segment have ended. */
  private orphansChecked = false;
  private total = 0;
  private failure: string | null = null;

  // Of the batch under way.
  private live: LiveRow[] = [];
  private liveNext = 0;
  private batchRows = 0;
  private batchEvents: EventRecord[] = [];

  constructor(options: IngestOptions) {
    this.spoolDir = options.spoolDir;
    this.auditDir = options.auditDir;
    this.now = options.now ?? Date.now;
    this.isAlive = options.isAlive ?? processIsAlive;
    this.liveBound = options.liveRows ?? 0;
  }

  /**
   * Read what is there up to the batch bound and commit it. Throws when the store cannot be used now; the next call then
   * starts from what was committed.
   */
  step(): Step {
    try {
      const step = this.batch();
      this.failure = null;
      return step;
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
      this.reset();
      throw error;
    }
  }

  /** True while another process holds the lock of this directory. */
  get waiting(): boolean {
    return this.lock === null;
  }

  stats(): Omit<IngestStats, 'rowsPerSecond'> {
    let lagBytes = 0;
    for (const { name } of listSegments(this.spoolDir)) {
      const size = fs.statSync(path.join(this.spoolDir, name), { throwIfNoEntry: false })?.size ?? 0;
      lagBytes += Math.max(
        0,
        size - (this.tails.get(name)?.tail.offset ?? this.cursors.get(name)?.offset ?? 0),
      );
    }
    return { lagBytes, rows: this.total, failing: this.failure, day: this.writer === null ? null : this.day };
  }

  /** Let go of everything. Committed work stays. */
  close(): void {
    this.reset();
    this.lock?.close();
    this.lock = null;
  }

  // --------------------------------------------------------------------------------------------------- batch

  private batch(): Step {
    this.open();
    const segments = listSegments(this.spoolDir);
    const writer = this.rollOver(segments);
    this.batchRows = 0;
    this.live = [];
    this.liveNext = 0;
    this.batchEvents = [];
    let more = false;
    const ended: string[] = [];
    writer.begin();
    if (!this.orphansChecked) this.endOrphans(segments);
    for (const [i, segment] of segments.entries()) {
      if (this.batchRows >= BATCH_ROWS) {
        more = true;
        break;
      }
      const last = segments[i + 1]?.producer !== segment.producer;
      const state = this.readSegment(segment, last);
      if (state === 'more') more = true;
      if (state === 'ended') ended.push(segment.name);
    }
    writer.commit();
    this.total += this.batchRows;
    if (ended.length > 0) this.dispose(ended);
    return { rows: this.batchRows, more, ...this.takeLive(), events: this.batchEvents };
  }

  private readSegment(segment: SegmentName, last: boolean): 'more' | 'idle' | 'ended' {
    const cursor = this.cursors.get(segment.name);
    if (cursor?.done === true) return 'ended';
    const open = this.tailOf(segment, cursor);
    if (open === null) return 'idle';
    const { tail } = open;
    const before = tail.offset;
    // Whether more can come was asked before this read: by the listing, or by the death noticed after the last one.
    const final = !last || open.dead;
    let bad = cursor?.bad ?? false;
    const state = tail.read(
      record => this.take(record),
      damage => {
        bad = true;
        open.damages++;
        this.damaged(segment, damage);
      },
      final,
    );
    if (open.damages > MAX_DAMAGES) {
      const rest = tail.size() - tail.offset;
      this.damaged(segment, { offset: tail.offset, bytes: rest, reason: 'too much damage' });
      tail.offset += Math.max(0, rest);
    }
    const done = state === 'closed' || (final && state === 'idle');
    if (tail.offset !== before || done) this.setCursor(segment.name, { offset: tail.offset, done, bad });
    if (done) {
      if (last) this.endProducer(segment.producer, tail.lastWrite());
      return 'ended';
    }
    if (state === 'idle' && last && tail.offset === before) {
      const { header } = tail;
      // A segment too short for its header names no process: its producer died or is about to write it.
      const dead =
        header === null
          ? this.now() - tail.lastWrite() > HEADLESS_MS
          : !this.isAlive(header.pid, header.startTicks);
      if (dead) {
        open.dead = true;
        return 'more';
      }
    }
    return state === 'more' ? 'more' : 'idle';
  }

  private tailOf(segment: SegmentName, cursor: Cursor | undefined): OpenTail | null {
    const known = this.tails.get(segment.name);
    if (known !== undefined) return known;
    let tail: SegmentTail;
    try {
      tail = new SegmentTail(path.join(this.spoolDir, segment.name), cursor?.offset ?? 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    const open = { tail, dead: false, damages: 0 };
    this.tails.set(segment.name, open);
    return open;
  }

  private setCursor(segment: string, cursor: Cursor): void {
    this.cursors.set(segment, cursor);
    this.writer?.cursor(segment, cursor.offset, cursor.done, cursor.bad);
  }

  // ------------------------------------------------------------------------------------------------- records

  private take(record: AuditRecord): void {
    const { writer } = this;
    if (writer === null) return;
    try {
      switch (record.kind) {
        case 'exchange': {
          const flow = writer.exchange(record);
          if (this.liveBound > 0) this.show({ kind: 'exchange', record, sni: flow.sni });
          break;
        }
        case 'body':
          writer.body(record);
          return;
        case 'flow-open':
          writer.flowOpen(record);
          return;
        case 'flow':
          writer.flow(record);
          if (this.liveBound > 0) this.show({ kind: 'flow', record });
          break;
        case 'event':
          this.event(record);
          return;
      }
      this.batchRows++;
    } catch (error) {
      if (!isPoison(error)) throw error;
      throw new CodecError(
        `record cannot be stored: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  private event(record: EventRecord): void {
    this.writer?.event(record);
    this.batchRows++;
    this.batchEvents.push(record);
    if (this.liveBound > 0) this.show({ kind: 'event', record });
  }

  private damaged(segment: SegmentName, damage: Damage): void {
    const torn = damage.reason.startsWith('torn');
    this.event({
      kind: 'event',
      time: this.now(),
      name: torn ? 'spool.gap' : 'spool.corrupt',
      detail: { segment: segment.name, producer: segment.producer, ...damage },
    });
  }

  // ------------------------------------------------------------------------------------------- end of producers

  /** Flows that a producer left open become ledger rows with the fault `worker-died`. */
  private endProducer(producer: number, at: number): void {
    const { writer } = this;
    if (writer === null) return;
    const isOf = (flow: number): boolean => Math.floor(flow / FLOWS_PER_PRODUCER) === producer;
    for (const [id, open] of [...this.flows]) {
      if (!isOf(id)) continue;
      if (open.start !== null) this.take(this.deadFlow(open.start, at));
      this.flows.delete(id);
    }
    writer.dropWaitingOf(isOf);
  }

  private deadFlow(start: FlowOpenRecord, at: number): FlowRecord {
    const { writer } = this;
    const earlier = (writer?.db
      .prepare('SELECT exchanges FROM open_flow WHERE flow = ?')
      .pluck()
      .get(start.flow) ?? 0) as number;
    return {
      ...start,
      kind: 'flow',
      ms: Math.max(0, Math.round(at - start.time)),
      bytesUp: 0,
      bytesDown: 0,
      exchanges: earlier + (writer?.exchangesOf(start.flow) ?? 0),
      fault: 'worker-died',
      faultDetail: null,
      originAddress: null,
      clientTls: null,
      originTls: null,
      originCert: null,
      leafSerial: null,
    };
  }

  /** Open flows of producers that have no segment any more: they ended while their flow rows were lost. */
  private endOrphans(segments: SegmentName[]): void {
    const living = new Set(segments.map(s => s.producer));
    const producers = new Set([...this.flows.keys()].map(flow => Math.floor(flow / FLOWS_PER_PRODUCER)));
    for (const producer of producers) if (!living.has(producer)) this.endProducer(producer, this.now());
    this.orphansChecked = true;
  }

  // ------------------------------------------------------------------------------------------------- removal

  /** Remove segments whose end is committed, after that commit is on the disk. */
  private dispose(names: string[]): void {
    syncLog(dayPath(this.auditDir, this.day));
    for (const name of names) {
      this.tails.get(name)?.tail.close();
      this.tails.delete(name);
      const file = path.join(this.spoolDir, name);
      if (this.cursors.get(name)?.bad === true) {
        const aside = path.join(this.spoolDir, 'bad');
        fs.mkdirSync(aside, { recursive: true, mode: 0o700 });
        fs.renameSync(file, path.join(aside, name));
      } else fs.rmSync(file, { force: true });
      this.cursors.delete(name);
    }
    syncFolder(this.spoolDir);
  }

  // ------------------------------------------------------------------------------------------------ day files

  /** Take the lock and read where the last recorder ended. */
  private open(): void {
    if (this.lock === null) {
      fs.mkdirSync(this.auditDir, { recursive: true, mode: 0o700 });
      fs.mkdirSync(this.spoolDir, { recursive: true, mode: 0o700 });
      const lock = new Database(path.join(this.auditDir, 'recorder.lock'), { timeout: 0 });
      try {
        lock.exec('BEGIN EXCLUSIVE');
      } catch (error) {
        lock.close();
        throw error;
      }
      this.lock = lock;
    }
    if (this.writer !== null) return;
    this.cursors = readCursors(this.spoolDir, this.auditDir);
    const newest = listDays(this.auditDir).findLast(day => this.isMade(day));
    if (newest !== undefined) this.openDay(newest, null, []);
  }

  /** False for a file whose maker was killed before its tables and what it carries over were committed. */
  private isMade(day: string): boolean {
    const db = openDayForReading(this.auditDir, day);
    db?.close();
    return db !== null;
  }

  /** The writer of today's file; makes it when the day has changed. */
  private rollOver(segments: SegmentName[]): DayWriter {
    const today = dayOf(this.now());
    const { writer } = this;
    if (writer !== null && today <= this.day) return writer;
    return this.openDay(today, writer, segments);
  }

  private openDay(day: string, previous: DayWriter | null, segments: SegmentName[]): DayWriter {
    const carried = new Map<number, number>();
    if (previous !== null)
      for (const [id, open] of this.flows) {
        if (open.start === null) continue;
        const earlier = previous.db.prepare('SELECT exchanges FROM open_flow WHERE flow = ?').pluck().get(id);
        carried.set(id, ((earlier ?? 0) as number) + previous.exchangesOf(id));
      }
    const db = openDayForWriting(this.auditDir, day, made => {
      const put = made.prepare('INSERT INTO open_flow VALUES (?, ?, ?)');
      for (const [id, exchanges] of carried)
        put.run(id, JSON.stringify(this.flows.get(id)?.start), exchanges);
      const cursor = made.prepare('INSERT INTO cursor VALUES (?, ?, ?, ?)');
      for (const { name } of segments) {
        const c = this.cursors.get(name);
        if (c !== undefined) cursor.run(name, c.offset, c.done ? 1 : 0, c.bad ? 1 : 0);
      }
      if (previous !== null) carryBodies(previous.db, made);
    });
    this.flows = new Map();
    for (const row of db.prepare('SELECT flow, start FROM open_flow').all() as {
      flow: number;
      start: string;
    }[])
      this.flows.set(row.flow, newFlow(JSON.parse(row.start) as FlowOpenRecord, true));
    if (previous !== null) {
      // The old day is complete: nothing of it stays in the log.
      previous.db.pragma('wal_checkpoint(TRUNCATE)');
      syncLog(dayPath(this.auditDir, this.day));
      previous.db.close();
    }
    this.day = day;
    this.writer = new DayWriter(db, this.flows);
    return this.writer;
  }

  /** Forget what is in memory, so that the next batch begins with what is on disk. */
  private reset(): void {
    for (const { tail } of this.tails.values()) tail.close();
    this.tails.clear();
    try {
      this.writer?.rollback();
      this.writer?.db.close();
    } catch {
      // A database that cannot even roll back is reopened by the next batch, which says why it cannot.
    }
    this.writer = null;
    this.orphansChecked = false;
  }

  // ---------------------------------------------------------------------------------------------- live rows

  private show(shown: Shown): void {
    // A ring of the newest: what is overwritten counts as dropped.
    this.ring[this.liveNext++ % this.liveBound] = shown;
  }

  private readonly ring: Shown[] = [];

  private takeLive(): { live: LiveRow[]; dropped: number } {
    const n = Math.min(this.liveNext, this.liveBound);
    const first = this.liveNext - n;
    for (let i = first; i < this.liveNext; i++) {
      const shown = this.ring[i % this.liveBound];
      if (shown !== undefined) this.live.push(liveRow(shown));
    }
    this.ring.length = 0;
    return { live: this.live, dropped: first };
  }
}

/** Bodies that wait for their exchange go where the exchange will go. */
function carryBodies(from: Database.Database, to: Database.Database): void {
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

type Shown =
  | { kind: 'exchange'; record: Extract<AuditRecord, { kind: 'exchange' }>; sni: string | null }
  | { kind: 'flow'; record: FlowRecord }
  | { kind: 'event'; record: EventRecord };

function liveRow(shown: Shown): LiveRow {
  switch (shown.kind) {
    case 'exchange':
      return { kind: 'exchange', row: exchangeRow(shown.record, shown.sni) };
    case 'flow':
      return { kind: 'flow', row: flowRow(shown.record) };
    case 'event':
      return { kind: 'event', row: eventRow(shown.record) };
  }
}

const HEADLESS_MS = 5000;

/** Errors that say something of the record, not of the database: trying again would not help. */
function isPoison(error: unknown): boolean {
  if (!(error instanceof Database.SqliteError))
    return error instanceof TypeError || error instanceof RangeError;
  return /^SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(error.code);
}

/**
 * Put the write-ahead log of a day file on the disk. SQLite does not at commit (synchronous = NORMAL), and what it has
 * already moved into the main file it has synced itself. The log carries none of SQLite's file locks, so that closing it
 * here drops none.
 */
function syncLog(file: string): void {
  try {
    const fd = fs.openSync(`${file}-wal`, 'r+');
    try {
      fs.fdatasyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
