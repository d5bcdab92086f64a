/**
 * Carries the spool into the store, one batch per call of `step`: synchronous, with its clock handed in, so that tests drive
 * it without threads. recorder-thread.ts calls it in a loop.
 *
 * Exactly once: the rows of a batch and the offsets up to which each segment was read are one transaction. After a kill at
 * any moment the next start continues at the committed offsets. A segment is removed only after it was read to its
 * end, its cursor is committed as done, and the write-ahead log that says so is on the disk.
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { CodecError } from './bytes.ts';
import { checkpointsAfter, readCursors } from './cursors.ts';
import { DayKeeper } from './day-keeper.ts';
import { LiveRing } from './live-ring.ts';
import { Notary } from './notary.ts';
import { Sealer } from './sealer.ts';
import { isAlive as processIsAlive, listSegments, syncFolder } from './producer.ts';
import { isShipped, removeSegment } from './segment-end.ts';
import { deadFlow } from './store/open-flows.ts';
import { isDamage } from './store/schema.ts';
import { SegmentTail } from './tail.ts';
import { FLOWS_PER_PRODUCER } from '../core/records.ts';
import type { Cursor } from './cursors.ts';
import type { DayWriter } from './store/day-writer.ts';
import type { Signer } from './statement.ts';
import type { Witness } from './witness.ts';
import type { LiveRow } from './store/store.ts';
import type { Damage } from './tail.ts';
import type { SegmentName } from './producer.ts';
import type { AuditRecord, EventRecord } from '../core/records.ts';

export interface IngestOptions {
  spoolDir: string;
  auditDir: string;
  /** ms since epoch. */
  now?: () => number;
  /** Whether the process that wrote a segment still lives. */
  isAlive?: (pid: number, ticks: number) => boolean;
  /** Rows to gather for live views per batch, 0 for none. */
  liveRows?: number;
  /** Segments are shipped to a collector too, and stay until they are. */
  shared?: boolean;
  /** Signs checkpoints and seals; without one the chain is kept but nobody vouches for it. */
  signer?: Signer | null;
  /** Gets a copy of every checkpoint and seal, after it is in the store. */
  witness?: Pick<Witness, 'write' | 'lastNumber'>;
  /** ms of a clock that never steps, to notice steps of the other one. */
  steady?: () => number;
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
  /** How long the oldest of those bytes waits, ms; told by what ships. */
  lagMs?: number;
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
/** Chunks of one producer in one transaction at most. */
const MAX_ROUNDS = 16;
/** Damaged places in one segment after which the rest of it is given up. */
const MAX_DAMAGES = 100;
/** A segment that has had no whole header for this long was left by a producer that died making it. */
const HEADLESS_MS = 5000;
/** Damaged day files that are put aside in the life of a process. */
const MAX_ASIDES = 3;

export class Ingest {
  private readonly spoolDir: string;
  private readonly shared: boolean;
  private readonly auditDir: string;
  private readonly now: () => number;
  private readonly isAlive: (pid: number, ticks: number) => boolean;
  private readonly days: DayKeeper;
  private readonly ring: LiveRing;

  private cursors = new Map<string, Cursor>();
  private tails = new Map<string, OpenTail>();
  /** Producers of flows that were open when we started: those without a segment have ended. */
  private orphansChecked = false;
  private total = 0;
  private failure: string | null = null;
  private asides = 0;
  private readonly notary: Notary;

  // Of the batch under way.
  private batchRows = 0;
  private batchEvents: EventRecord[] = [];

  constructor(options: IngestOptions) {
    this.spoolDir = options.spoolDir;
    this.shared = options.shared === true;
    this.auditDir = options.auditDir;
    this.now = options.now ?? Date.now;
    this.isAlive = options.isAlive ?? processIsAlive;
    const { now } = this;
    // A clock that is handed in may jump as it likes, unless a steady one comes with it.
    const steady = options.steady ?? options.now ?? (() => performance.now());
    const signer = options.signer ?? null;
    this.notary = new Notary({
      now,
      steady,
      signer,
      sealer: signer === null ? null : new Sealer(this.auditDir, signer, now, steady),
      witness: options.witness ?? null,
    });
    this.days = new DayKeeper(options.auditDir, this.notary);
    this.ring = new LiveRing(options.liveRows ?? 0);
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
      if (isDamage(error)) this.beginAnew(this.failure);
      // Nothing of the store stays open: a disk that the kernel took away from under it must be let go to come back.
      this.days.release();
      throw error;
    }
  }

  /** True while another process holds the lock of this directory. */
  get waiting(): boolean {
    return this.days.busy;
  }

  stats(): Omit<IngestStats, 'rowsPerSecond'> {
    let lagBytes = 0;
    for (const { name } of listSegments(this.spoolDir)) {
      const size = fs.statSync(path.join(this.spoolDir, name), { throwIfNoEntry: false })?.size ?? 0;
      const read = this.tails.get(name)?.tail.offset ?? this.cursors.get(name)?.offset ?? 0;
      lagBytes += Math.max(0, size - read);
    }
    const day = this.days.writer === null ? null : this.days.day;
    return { lagBytes, rows: this.total, failing: this.failure, day };
  }

  /**
   * The day file is damaged: it is put aside, and the next batch begins a new one. A few times only: a disk that damages
   * every file is not helped by more of them.
   */
  private beginAnew(error: string): void {
    if (this.asides >= MAX_ASIDES) return;
    const aside = this.days.setAside(this.now());
    if (aside === null) return;
    this.asides++;
    this.notary.tell('audit.day-set-aside', { ...aside, error });
  }

  /** Seal days that are over, a little per call. True when there is more to do at once. For quiet moments. */
  seal(): boolean {
    return this.days.locked && this.notary.seal();
  }

  /** Sign what is not signed yet: at a stop. */
  finish(): void {
    if (this.days.writer !== null) this.days.endChain(this.days.writer, this.now());
  }

  /** Let go of everything. Committed work stays. */
  close(): void {
    this.notary.close();
    this.reset();
    this.days.release();
  }

  private batch(): Step {
    this.days.acquire();
    if (this.days.writer === null) {
      this.cursors = readCursors(this.spoolDir, this.auditDir);
      this.days.open();
      for (const missed of checkpointsAfter(this.auditDir, this.notary.witnessed ?? Infinity))
        this.notary.signed(missed);
    }
    const segments = listSegments(this.spoolDir);
    const day = this.days.day;
    const writer = this.days.current(this.now(), this.cursors);
    if (this.days.day !== day) this.notary.dayEnded();
    this.batchRows = 0;
    this.batchEvents = [];
    this.ring.clear();
    const ended = new Set<string>();
    writer.begin();
    for (const { name, detail } of this.notary.pending()) this.note(writer, name, detail);
    if (!this.orphansChecked) this.endOrphans(writer, segments);
    let more = true;
    for (let round = 0; more && round < MAX_ROUNDS && this.batchRows < BATCH_ROWS; round++)
      more = this.round(writer, segments, ended);
    const signed = writer.commit(this.notary.due(writer.chain.unsigned), this.now());
    this.notary.told();
    if (signed !== null) this.notary.checkpointed(signed);
    this.total += this.batchRows;
    const free = [...ended].filter(name => !this.shared || isShipped(this.spoolDir, name));
    if (free.length > 0) this.dispose(free);
    return { rows: this.batchRows, more, ...this.ring.take(), events: this.batchEvents };
  }

  /** Read on in one segment of each producer; true when there is more. */
  private round(writer: DayWriter, segments: SegmentName[], ended: Set<string>): boolean {
    // What follows a segment that was not read to its end waits: a flow must not end before it began.
    const behind = new Set<number>();
    let more = false;
    for (const [i, segment] of segments.entries()) {
      if (this.batchRows >= BATCH_ROWS) return true;
      if (ended.has(segment.name) || behind.has(segment.producer)) continue;
      const last = segments[i + 1]?.producer !== segment.producer;
      const state = this.readSegment(writer, segment, last);
      if (state === 'more') more = true;
      if (state === 'ended') ended.add(segment.name);
      else behind.add(segment.producer);
    }
    return more;
  }

  private readSegment(writer: DayWriter, segment: SegmentName, last: boolean): 'more' | 'idle' | 'ended' {
    const cursor = this.cursors.get(segment.name);
    if (cursor?.done === true) return 'ended';
    const open = this.tailOf(segment, cursor);
    if (open === null) return 'idle';
    const { tail } = open;
    const before = tail.offset;
    // Whether more can come was asked before this read: by the listing, or by the death noticed after the last one.
    const final = !last || open.dead;
    let bad = cursor?.bad ?? false;
    const onDamage = (damage: Damage): void => {
      // A torn end is what a kill leaves; anything else is worth keeping for a closer look.
      if (!damage.torn) bad = true;
      open.damages++;
      this.damaged(writer, segment, damage);
    };
    const state = tail.read(record => this.take(writer, record), onDamage, final);
    if (open.damages > MAX_DAMAGES) tail.giveUp(onDamage);
    const done = state === 'closed' || (final && state === 'idle');
    if (tail.offset !== before || done) {
      this.cursors.set(segment.name, { offset: tail.offset, done, bad });
      writer.cursor(segment.name, tail.offset, done, bad);
    }
    if (done) {
      if (last) this.endProducer(writer, segment.producer, tail.lastWrite());
      return 'ended';
    }
    if (state === 'idle' && last && tail.offset === before && this.isDead(tail)) {
      open.dead = true;
      return 'more';
    }
    return state === 'more' ? 'more' : 'idle';
  }

  private isDead(tail: SegmentTail): boolean {
    const { header } = tail;
    if (header === null) return this.now() - tail.lastWrite() > HEADLESS_MS;
    return !this.isAlive(header.pid, header.startTicks);
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

  private take(writer: DayWriter, record: AuditRecord): void {
    try {
      switch (record.kind) {
        case 'exchange': {
          const { sni } = writer.exchange(record);
          this.ring.add({ kind: 'exchange', record, sni });
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
          this.ring.add({ kind: 'flow', record });
          break;
        case 'event':
          writer.event(record);
          this.batchEvents.push(record);
          this.ring.add({ kind: 'event', record });
      }
      this.batchRows++;
    } catch (error) {
      if (!isPoison(error)) throw error;
      throw new CodecError(
        `record cannot be stored: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  private damaged(writer: DayWriter, segment: SegmentName, damage: Damage): void {
    const { torn, ...detail } = damage;
    this.note(writer, torn ? 'spool.gap' : 'spool.corrupt', {
      segment: segment.name,
      producer: segment.producer,
      ...detail,
    });
  }

  /** An event of the recorder itself. */
  private note(writer: DayWriter, name: string, detail: Record<string, unknown>): void {
    this.take(writer, { kind: 'event', time: this.now(), name, detail });
  }

  /** Flows that a producer left open become ledger rows with the fault `worker-died`. */
  private endProducer(writer: DayWriter, producer: number, at: number): void {
    const isOf = (flow: number): boolean => Math.floor(flow / FLOWS_PER_PRODUCER) === producer;
    const { flows } = this.days;
    for (const [id, open] of [...flows]) {
      if (!isOf(id)) continue;
      if (open.start !== null) this.take(writer, deadFlow(open.start, writer.exchangesOf(id), at));
      flows.delete(id);
    }
    writer.dropBodiesOf(isOf);
  }

  /** Open flows of producers that have no segment any more: they ended while their flow rows were lost. */
  private endOrphans(writer: DayWriter, segments: SegmentName[]): void {
    const living = new Set(segments.map(s => s.producer));
    const producers = new Set([...this.days.flows.keys()].map(flow => Math.floor(flow / FLOWS_PER_PRODUCER)));
    for (const producer of producers)
      if (!living.has(producer)) this.endProducer(writer, producer, this.now());
    this.orphansChecked = true;
  }

  /** Remove segments whose end is committed, after that commit is on the disk. */
  private dispose(names: string[]): void {
    this.days.sync();
    for (const name of names) {
      this.tails.get(name)?.tail.close();
      this.tails.delete(name);
      removeSegment(this.spoolDir, name, this.cursors.get(name)?.bad === true);
      this.cursors.delete(name);
    }
    syncFolder(this.spoolDir);
  }

  /** Forget what is in memory, so that the next batch begins with what is on disk. */
  private reset(): void {
    for (const { tail } of this.tails.values()) tail.close();
    this.tails.clear();
    this.days.drop();
    this.orphansChecked = false;
  }
}

/** Errors that say something of the record, not of the database: trying again would not help. */
function isPoison(error: unknown): boolean {
  if (!(error instanceof Database.SqliteError))
    return error instanceof TypeError || error instanceof RangeError;
  return /^SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(error.code);
}
