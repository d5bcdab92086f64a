/**
 * Reads a spool for shipping: batches of frames from where the receiving end is, in the order of the segments. Synchronous but for
 * nothing; who sends them and what is answered is the caller's (pump.ts).
 *
 * It keeps what the recorder keeps (ingest.ts): a segment is read to its end before it counts as done; a producer has
 * ended when its last segment is done; what a kill tore off is told. A segment is removed when the receiving end has
 * committed all of it. When this machine records for itself too, the recorder removes it, and here a mark is left.
 *
 * Bounds: a batch holds `MAX_BATCH` bytes and one more frame; one batch is under way at a time.
 */
import fs from 'node:fs';
import path from 'node:path';
import { isAlive as processIsAlive, listSegments, syncFolder } from '../producer.ts';
import { HEADER_LENGTH } from '../frame.ts';
import { markShipped, removeSegment } from '../segment-end.ts';
import { preludeOf, RawTail } from './raw-tail.ts';
import type { Damage } from '../tail.ts';
import type { SegmentName } from '../producer.ts';
import type { Batch, ShippedPart } from './batch.ts';

/** Where the receiving end is in a segment. */
export interface SegmentCursor {
  at: number;
  done: boolean;
  bad: boolean;
}

export interface SourceOptions {
  spoolDir: string;
  /** The recorder of this machine reads the spool too and removes what both have read. */
  shared: boolean;
  /** ms since epoch. */
  now?: () => number;
  isAlive?: (pid: number, ticks: number) => boolean;
  maxBatch?: number;
}

interface OpenTail {
  tail: RawTail;
  head: Buffer;
  /** The producer was seen dead before the read that is to come. */
  dead: boolean;
  damages: number;
  /** The receiving end needs the dictionary before the next frames. */
  fresh: boolean;
}

const MiB = 1024 * 1024;
const MAX_BATCH = 4 * MiB;
const MAX_DAMAGES = 100;
const HEADLESS_MS = 5000;

export class SpoolSource {
  private readonly dir: string;
  private readonly shared: boolean;
  private readonly now: () => number;
  private readonly isAlive: (pid: number, ticks: number) => boolean;
  private readonly maxBatch: number;
  private cursors = new Map<string, SegmentCursor>();
  private readonly tails = new Map<string, OpenTail>();

  constructor(options: SourceOptions) {
    this.dir = options.spoolDir;
    this.shared = options.shared;
    this.now = options.now ?? Date.now;
    this.isAlive = options.isAlive ?? processIsAlive;
    this.maxBatch = options.maxBatch ?? MAX_BATCH;
  }

  /** Segments there are. */
  segments(): string[] {
    return listSegments(this.dir).map(s => s.name);
  }

  /** Begin where the receiving end says it is. */
  resume(cursors: ReadonlyMap<string, SegmentCursor>): void {
    this.rewind();
    this.cursors = new Map(cursors);
    this.dispose([...cursors].filter(([, c]) => c.done).map(([name]) => name));
  }

  /** Go back to what was acknowledged; the next parts bring their dictionaries. */
  rewind(): void {
    for (const { tail } of this.tails.values()) tail.close();
    this.tails.clear();
  }

  /** The next batch, or null when there is nothing new. It counts as under way until `settle` or `rewind`. */
  next(): Batch | null {
    const segments = listSegments(this.dir);
    this.prune(segments);
    const parts: ShippedPart[] = [];
    let size = 0;
    /** A producer whose earlier segment is not read to its end: its next ones wait, or a flow would end before it began. */
    let waiting = -1;
    for (const [i, segment] of segments.entries()) {
      if (size >= this.maxBatch) break;
      if (segment.producer === waiting) continue;
      const last = segments[i + 1]?.producer !== segment.producer;
      const part = this.read(segment, last, this.maxBatch - size);
      if (part?.done !== true && this.cursors.get(segment.name)?.done !== true) waiting = segment.producer;
      if (part === null) continue;
      parts.push(part);
      size += part.frames.length + part.prelude.length;
    }
    return parts.length === 0 ? null : { parts };
  }

  /** The receiving end answered: what it has of the segments of the batch under way. */
  settle(batch: Batch, answer: ReadonlyMap<string, SegmentCursor>): void {
    const done: string[] = [];
    for (const { segment, to, done: ended } of batch.parts) {
      const cursor = answer.get(segment) ?? { at: 0, done: false, bad: false };
      this.cursors.set(segment, cursor);
      if (cursor.at !== to || cursor.done !== ended) {
        // It is elsewhere: read on from there.
        this.tails.get(segment)?.tail.close();
        this.tails.delete(segment);
      }
      if (cursor.done) done.push(segment);
    }
    this.dispose(done);
  }

  /** Bytes in the spool that the receiving end does not have, and since when the oldest of them waits (ms since epoch). */
  lag(): { bytes: number; segments: number; since: number | null } {
    let bytes = 0;
    let segments = 0;
    let since: number | null = null;
    for (const { name } of listSegments(this.dir)) {
      const cursor = this.cursors.get(name);
      const stat = fs.statSync(path.join(this.dir, name), { throwIfNoEntry: false });
      if (stat === undefined || cursor?.done === true) continue;
      const waiting = Math.max(0, stat.size - (cursor?.at ?? 0));
      if (waiting === 0) continue;
      bytes += waiting;
      segments++;
      since = Math.min(since ?? Infinity, stat.mtimeMs);
    }
    return { bytes, segments, since };
  }

  close(): void {
    this.rewind();
  }

  private read(segment: SegmentName, last: boolean, room: number): ShippedPart | null {
    const cursor = this.cursors.get(segment.name);
    if (cursor?.done === true) return null;
    const open = this.open(segment, cursor?.at ?? 0);
    if (open === null) return null;
    const { tail } = open;
    const from = cursor?.at ?? 0;
    const frames: Buffer[] = [];
    const damages: Damage[] = [];
    const onDamage = (damage: Damage): void => {
      open.damages++;
      damages.push(damage);
    };
    // Whether more can come was asked before this read: by the listing, or by the death noticed after the last one.
    const final = !last || open.dead;
    let size = 0;
    let state: 'more' | 'idle' | 'closed';
    do {
      const found = tail.readFrames(onDamage, final);
      state = found.state;
      frames.push(...found.frames);
      size += found.frames.reduce((sum, f) => sum + f.length, 0);
      if (open.damages > MAX_DAMAGES) {
        tail.giveUp(onDamage);
        state = 'idle';
      }
    } while (state === 'more' && size < room && damages.length < MAX_DAMAGES);
    const done = state === 'closed' || (final && state === 'idle');
    if (tail.offset === from && !done) {
      if (state === 'idle' && last && this.isDead(tail)) open.dead = true;
      return null;
    }
    const fresh = open.fresh || from === 0;
    open.fresh = false;
    return {
      segment: segment.name,
      head: open.head.length < HEADER_LENGTH ? (open.head = tail.headBytes()) : open.head,
      from,
      to: tail.offset,
      done,
      fresh,
      prelude: fresh && from > HEADER_LENGTH ? preludeOf(tail.file, from) : Buffer.alloc(0),
      frames: Buffer.concat(frames),
      damages,
      ended: done && last ? { producer: segment.producer, at: tail.lastWrite() } : null,
    };
  }

  /** True when a producer that was seen dead is to be read once more at once. */
  get restless(): boolean {
    for (const open of this.tails.values()) if (open.dead) return true;
    return false;
  }

  private isDead(tail: RawTail): boolean {
    const { header } = tail;
    if (header === null) return this.now() - tail.lastWrite() > HEADLESS_MS;
    return !this.isAlive(header.pid, header.startTicks);
  }

  private open(segment: SegmentName, at: number): OpenTail | null {
    const known = this.tails.get(segment.name);
    if (known !== undefined) return known;
    try {
      const tail = new RawTail(path.join(this.dir, segment.name), at);
      const open = { tail, head: tail.headBytes(), dead: false, damages: 0, fresh: true };
      this.tails.set(segment.name, open);
      return open;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** Let go of segments that somebody else removed. */
  private prune(segments: readonly SegmentName[]): void {
    const there = new Set(segments.map(s => s.name));
    for (const [name, { tail }] of this.tails) {
      if (there.has(name)) continue;
      tail.close();
      this.tails.delete(name);
    }
    for (const name of this.cursors.keys()) if (!there.has(name)) this.cursors.delete(name);
  }

  /** Segments that the receiving end has committed to their end. */
  private dispose(names: readonly string[]): void {
    for (const name of names) {
      this.tails.get(name)?.tail.close();
      this.tails.delete(name);
      if (this.shared) markShipped(this.dir, name);
      else removeSegment(this.dir, name, this.cursors.get(name)?.bad === true);
    }
    if (names.length > 0) syncFolder(this.dir);
  }
}
