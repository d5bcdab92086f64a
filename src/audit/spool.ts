/**
 * The writing end of the spool: one producer's records into segment files of its own (DESIGN §3).
 *
 * Promise: what `flush` wrote without becoming unhealthy is with the operating system; killing this process loses none of
 * it. Power loss may lose the tail the kernel had not written out, unless durability is `strict` (fdatasync per flush, and of
 * the folder per segment).
 *
 * When the disk refuses (full, I/O error, short write) records wait in memory up to `queueBound` bytes; what comes
 * after that is shed and counted, and a `spool.gap` event tells of it once writing works again. Frames are written at
 * explicit offsets, so a torn one is completed or overwritten by the next try and never followed by anything else.
 * There are no timers here: `flush` retries at most every 250 ms, and the owner calls `probe` now and then.
 */
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ByteWriter } from './bytes.ts';
import { encodeHeader, FRAME_HEAD, HEADER_LENGTH } from './frame.ts';
import { listSegments, segmentName, startTicks, syncFolder } from './producer.ts';
import { RecordEncoder } from './record-encoder.ts';
import type { AuditSink } from '../core/ports.ts';
import type { AuditRecord } from '../core/records.ts';

export interface SpoolOptions {
  /** Spool folder, created when missing. */
  dir: string;
  /** From `allocateProducer`. One writer per number. */
  producer: number;
  /** Bytes after which a segment is followed by the next. */
  maxSegment?: number;
  /** Bytes all segments of the folder may hold together; above it the spool counts as full. */
  maxSpool?: number;
  onFailure?: 'block' | 'continue';
  /** `strict` makes every flush durable against power loss before it returns. */
  durability?: 'normal' | 'strict';
  /** Bytes kept in memory while writing fails. */
  queueBound?: number;
  /** ms since epoch. */
  now?: () => number;
}

export interface SpoolStats {
  /** False while the last try to write failed. */
  writing: boolean;
  /** Message of the last failure, null when there was none. */
  error: string | null;
  queuedBytes: number;
  /** Records dropped since the start. */
  shed: number;
  /** Segments begun and bytes written since the start. */
  segments: number;
  bytes: number;
}

const MiB = 1024 * 1024;
const RETRY_MS = 250;
const PROBE_MS = 1000;
/** A queue above this is written without waiting for the owner's flush. */
const EAGER_FLUSH = 1 * MiB;
/** A buffer that grew above this for one burst is given back. */
const KEEP_BUFFER = 4 * MiB;

/** Open this producer's spool. Never throws for a disk that refuses: the writer is then unhealthy and keeps trying. */
export function openSpool(options: SpoolOptions): SpoolWriter {
  return new SpoolWriter(options);
}

export class SpoolWriter implements AuditSink {
  private readonly dir: string;
  private readonly producer: number;
  private readonly maxSegment: number;
  private readonly maxSpool: number;
  private readonly blocking: boolean;
  private readonly strict: boolean;
  private readonly queueBound: number;
  private readonly now: () => number;

  /** Frames that wait, always from a frame boundary on. */
  private readonly queue = new ByteWriter(256 * 1024);
  private readonly encoder: RecordEncoder;
  private fd = -1;
  private seq = 0;
  private salt = randomInt(2 ** 32);
  /** Offset in the segment at which the first byte of the queue belongs. */
  private offset = 0;

  private failing: string | null = null;
  private failedAt = 0;
  private full = false;
  private probedAt = 0;
  private gap: { since: number; error: string; shed: Record<string, number> } | null = null;
  private shedTotal = 0;
  private segments = 0;
  private bytes = 0;
  private closed = false;

  constructor(options: SpoolOptions) {
    this.dir = options.dir;
    this.producer = options.producer;
    this.maxSegment = options.maxSegment ?? 16 * MiB;
    this.maxSpool = options.maxSpool ?? 2048 * MiB;
    this.blocking = (options.onFailure ?? 'block') === 'block';
    this.strict = options.durability === 'strict';
    this.queueBound = options.queueBound ?? 8 * MiB;
    this.now = options.now ?? Date.now;
    this.encoder = new RecordEncoder(this.queue, this.salt);
    this.attempt();
  }

  get healthy(): boolean {
    return this.failing === null || !this.blocking;
  }

  /** Queue one record. Sheds and counts it when writing fails and the queue is at its bound. */
  append(record: AuditRecord): void {
    if (this.queue.at >= this.queueBound || this.closed) {
      this.shed(record.kind);
      return;
    }
    const mark = this.queue.at;
    try {
      this.encoder.encode(record);
    } catch {
      // Only a record that breaks its type gets here (a cycle, a missing string). Counted, never fatal for a flow.
      this.queue.at = mark;
      this.encoder.abandon();
      this.shed(record.kind);
      return;
    }
    if (this.queue.at > EAGER_FLUSH) this.flush();
  }

  /** Hand everything queued to the operating system: one write. */
  flush(): void {
    if (this.queue.at === 0) return;
    if (this.failing !== null && Math.abs(this.now() - this.failedAt) < RETRY_MS) return;
    this.attempt();
  }

  /** To be called about once a second: retries after a failure and watches the size of the whole spool. */
  probe(): void {
    if (this.closed) return;
    if (Math.abs(this.now() - this.probedAt) >= PROBE_MS) {
      this.probedAt = this.now();
      this.measure();
    }
    if (this.failing !== null) this.attempt();
  }

  /** Write what waits and the closing frame, then close the file. Records appended later are shed. */
  close(): void {
    if (this.closed) return;
    this.encoder.close();
    this.attempt();
    this.closed = true;
    if (this.fd >= 0) fs.closeSync(this.fd);
    this.fd = -1;
  }

  stats(): SpoolStats {
    return {
      writing: this.failing === null,
      error: this.failing,
      queuedBytes: this.queue.at,
      shed: this.shedTotal,
      segments: this.segments,
      bytes: this.bytes,
    };
  }

  private shed(kind: string): void {
    this.shedTotal++;
    this.gap ??= { since: this.now(), error: this.failing ?? 'record could not be encoded', shed: {} };
    this.gap.shed[kind] = (this.gap.shed[kind] ?? 0) + 1;
  }

  /** Try to write; ends healthy or with `failing` set. */
  private attempt(): void {
    try {
      if (this.full) throw new Error('the spool is as large as audit.spool-max allows');
      if (this.fd < 0) this.openSegment();
      this.drain();
      if (this.gap !== null) this.reportGap();
      if (this.strict) fs.fdatasyncSync(this.fd);
      this.failing = null;
      if (this.offset >= this.maxSegment && !this.closed) this.rotate();
    } catch (error) {
      this.failedAt = this.now();
      this.failing = error instanceof Error ? error.message : String(error);
    }
  }

  private drain(): void {
    const { bytes, at: end } = this.queue;
    let done = 0;
    try {
      while (done < end) {
        const n = fs.writeSync(this.fd, bytes, done, end - done, this.offset + done);
        if (n === 0) throw new Error('the file system takes no more bytes');
        done += n;
      }
    } finally {
      this.settle(done);
    }
  }

  /** Drop the whole frames among the first `done` bytes of the queue; a torn one stays and is written again. */
  private settle(done: number): void {
    const { bytes, at: end } = this.queue;
    let boundary = done;
    if (done < end) {
      boundary = 0;
      while (boundary + FRAME_HEAD <= done) {
        const next = boundary + FRAME_HEAD + bytes.readUInt32LE(boundary);
        if (next > done) break;
        boundary = next;
      }
      bytes.copy(bytes, 0, boundary, end);
    }
    this.queue.at = end - boundary;
    this.offset += boundary;
    this.bytes += boundary;
    if (this.queue.at === 0 && bytes.length > KEEP_BUFFER) this.queue.shrink(256 * 1024);
  }

  private reportGap(): void {
    const gap = this.gap;
    if (gap === null) return;
    this.gap = null;
    this.encoder.encode({
      kind: 'event',
      time: this.now(),
      name: 'spool.gap',
      detail: {
        producer: this.producer,
        since: gap.since,
        until: this.now(),
        error: gap.error,
        records: Object.values(gap.shed).reduce((a, b) => a + b, 0),
        shed: gap.shed,
      },
    });
    this.drain();
  }

  /** Begin the first segment. The queue may already hold frames for it (its salt and dictionary are this segment's). */
  private openSegment(): void {
    fs.mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    const seq = this.seq + 1;
    const file = path.join(this.dir, segmentName(this.producer, seq));
    const fd = fs.openSync(file, 'wx', 0o600);
    try {
      const header = encodeHeader({
        producer: this.producer,
        pid: process.pid,
        startTicks: startTicks(process.pid),
        created: this.now(),
        salt: this.salt,
      });
      if (fs.writeSync(fd, header, 0, header.length, 0) !== header.length)
        throw new Error('the file system takes no more bytes');
      // What is synced into a file that nobody finds after a power cut is lost all the same.
      if (this.strict) syncFolder(this.dir);
    } catch (error) {
      fs.closeSync(fd);
      fs.rmSync(file, { force: true });
      throw error;
    }
    if (this.fd >= 0) fs.closeSync(this.fd);
    this.fd = fd;
    this.seq = seq;
    this.offset = HEADER_LENGTH;
    this.segments++;
  }

  /** The queue is empty: go on in a new segment. When that fails the old one simply grows on. */
  private rotate(): void {
    const salt = this.salt;
    this.salt = randomInt(2 ** 32);
    try {
      this.openSegment();
    } catch (error) {
      this.salt = salt;
      throw error;
    }
    this.encoder.reset(this.salt);
    this.measure();
  }

  /** Somebody removed the segment under us: what it held is gone, the next records must not follow it. */
  private startOver(): void {
    this.gap ??= { since: this.now(), error: 'the segment file was removed', shed: {} };
    this.queue.at = 0;
    this.encoder.abandon();
    try {
      this.rotate();
    } catch (error) {
      this.failedAt = this.now();
      this.failing = error instanceof Error ? error.message : String(error);
    }
  }

  private measure(): void {
    let total = 0;
    try {
      for (const { name } of listSegments(this.dir))
        total += fs.statSync(path.join(this.dir, name), { throwIfNoEntry: false })?.size ?? 0;
    } catch {
      return; // The next write says what is wrong with the folder.
    }
    if (this.fd >= 0 && fs.fstatSync(this.fd).nlink === 0) this.startOver();
    this.full = total > this.maxSpool;
    if (this.full && this.failing === null) this.attempt();
  }
}
