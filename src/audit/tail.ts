/**
 * The reading end of one spool segment: frames from an offset on, as they come. Knows nothing of the store. What it says
 * about an offset is safe to commit: everything before it was handed out or counted as damaged.
 *
 * Damage: after a corrupt frame it looks for the next sound one within `RESYNC` bytes and reports the bytes between; when
 * there is none the rest of the segment is given up. A decoder that cannot understand a sound frame is damage too.
 */
import fs from 'node:fs';
import { CodecError } from './bytes.ts';
import { decodeHeader, findFrame, FRAME, HEADER_LENGTH, newCursor, readFrame } from './frame.ts';
import { RecordDecoder } from './record-decoder.ts';
import type { SegmentHeader } from './frame.ts';
import type { AuditRecord } from '../core/records.ts';

/** Bytes read at a time: also the most that one call hands out. */
const CHUNK = 1024 * 1024;
const RESYNC = 1024 * 1024;

/** Bytes that could not be read, once per damaged place. */
export interface Damage {
  offset: number;
  bytes: number;
  reason: string;
  /** An incomplete end, as a kill leaves it; otherwise bytes that were written and are wrong. */
  torn: boolean;
}

export type TailState =
  /** There may be more at once. */
  | 'more'
  /** Everything that is there was read. */
  | 'idle'
  /** The closing frame was read. */
  | 'closed';

/** One buffer for all tails: reading is synchronous and nothing of a chunk outlives the call. */
let chunk: Buffer = Buffer.allocUnsafeSlow(CHUNK);

export class SegmentTail {
  readonly file: string;
  /** Everything before it was handed out. */
  offset: number;
  header: SegmentHeader | null = null;
  private fd: number;
  protected readonly decoder = new RecordDecoder();
  protected readonly cursor = newCursor();

  /** Open a segment at a committed offset; 0 or the header's end for a new one. Throws what fs throws. */
  constructor(file: string, offset: number) {
    this.file = file;
    this.offset = offset;
    this.fd = fs.openSync(file, 'r');
    if (offset > HEADER_LENGTH) this.rebuild(offset);
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  size(): number {
    return fs.fstatSync(this.fd).size;
  }

  /** When the producer last wrote, ms since epoch. */
  lastWrite(): number {
    return fs.fstatSync(this.fd).mtimeMs;
  }

  /**
   * Hand out up to a chunk of records in order. `onRecord` may throw CodecError to refuse one (it is then damage); any
   * other error ends the read and the tail must be dropped. `final`: nothing will be appended any more, so what is
   * incomplete is torn.
   */
  read(
    onRecord: (record: AuditRecord) => void,
    onDamage: (damage: Damage) => void,
    final: boolean,
  ): TailState {
    if (this.decoder.closed) return 'closed';
    let limit = fs.readSync(this.fd, chunk, 0, chunk.length, this.offset);
    if (this.header === null) {
      const state = this.readHeader(limit, onDamage, final);
      if (state !== null) return state;
      limit = fs.readSync(this.fd, chunk, 0, chunk.length, this.offset);
    }
    let at = 0;
    const base = this.offset;
    const salt = this.header?.salt ?? 0;
    const { cursor } = this;
    while (at < limit) {
      const outcome = readFrame(chunk, at, limit, salt, cursor);
      if (outcome === 'frame') {
        this.handOut(chunk, base + at, at, onRecord, onDamage);
        at = cursor.end;
        this.offset = base + at;
        if (this.decoder.closed) return 'closed';
        continue;
      }
      if (outcome === 'need-more') {
        if (limit < chunk.length) break;
        // The chunk ends inside the frame: the next read begins at it, with a larger chunk if it needs one.
        if (at > 0 || this.grow(cursor.want)) return 'more';
        break;
      }
      const skipped = this.skipDamage(base + at, limit - at, final);
      if (skipped === 0) return 'idle';
      onDamage({ offset: base + at, bytes: skipped, reason: cursor.reason, torn: false });
      this.offset = base + at + skipped;
      return 'more';
    }
    if (at === limit && limit === chunk.length) return 'more';
    if (final) return this.endTorn(onDamage);
    return 'idle';
  }

  /** Nothing more will come and the last frame is incomplete: torn by a kill, unless sound frames follow. */
  private endTorn(onDamage: (damage: Damage) => void): TailState {
    const { offset } = this;
    const bytes = this.size() - offset;
    if (bytes <= 0) return 'idle';
    const next = this.nextSound(offset);
    if (next > 0) {
      // Its length field is what is damaged.
      onDamage({ offset, bytes: next, reason: 'length does not fit', torn: false });
      this.offset += next;
      return 'more';
    }
    onDamage({ offset, bytes, reason: 'torn frame at the end', torn: true });
    this.offset += bytes;
    return 'idle';
  }

  /** Leave the rest of the segment unread. */
  giveUp(onDamage: (damage: Damage) => void): void {
    const bytes = this.size() - this.offset;
    if (bytes <= 0) return;
    onDamage({ offset: this.offset, bytes, reason: 'too much damage: the rest was given up', torn: false });
    this.offset += bytes;
  }

  /** One sound frame, which `cursor` tells of; `bytes` is used again for the next chunk. */
  protected handOut(
    bytes: Buffer,
    offset: number,
    at: number,
    onRecord: (record: AuditRecord) => void,
    onDamage: (damage: Damage) => void,
  ): void {
    const { cursor } = this;
    try {
      const record = this.decoder.decode(bytes, cursor.type, cursor.start, cursor.end);
      if (record !== null) onRecord(record);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      onDamage({ offset, bytes: cursor.end - at, reason: error.message, torn: false });
    }
  }

  /** Null when the header was read; otherwise what the caller shall return. */
  private readHeader(limit: number, onDamage: (damage: Damage) => void, final: boolean): TailState | null {
    const whole = this.offset === 0 ? chunk.subarray(0, limit) : this.headBytes();
    const outcome = decodeHeader(whole);
    if (outcome.kind === 'header') {
      this.header = outcome.header;
      this.offset = Math.max(this.offset, outcome.next);
      return null;
    }
    const size = this.size();
    if (outcome.kind === 'need-more' && !final) return 'idle';
    // Without its header nothing in the segment can be trusted.
    if (size > this.offset) {
      const reason = outcome.kind === 'corrupt' ? outcome.reason : 'torn header';
      onDamage({ offset: this.offset, bytes: size - this.offset, reason, torn: outcome.kind !== 'corrupt' });
      this.offset = size;
    }
    return 'idle';
  }

  /** The first bytes of the file, as many of a header as are there. */
  headBytes(): Buffer {
    const head = Buffer.alloc(HEADER_LENGTH);
    const n = fs.readSync(this.fd, head, 0, HEADER_LENGTH, 0);
    return head.subarray(0, n);
  }

  /** Make the chunk large enough for a frame of `want` bytes at the offset; false when the file does not have them. */
  private grow(want: number): boolean {
    if (this.size() < this.offset + want) return false;
    chunk = Buffer.allocUnsafeSlow(want + CHUNK);
    return true;
  }

  /** Bytes to give up at `offset`; 0 to wait for more of the segment. */
  private skipDamage(offset: number, available: number, final: boolean): number {
    const next = this.nextSound(offset);
    if (next > 0) return next;
    const size = this.size();
    if (final || size - offset >= RESYNC) return Math.max(size - offset, available);
    return 0;
  }

  /** Distance from a damaged frame to the next sound one within reach, or -1. */
  private nextSound(offset: number): number {
    const window = Buffer.allocUnsafe(Math.min(RESYNC, Math.max(0, this.size() - offset)));
    const n = fs.readSync(this.fd, window, 0, window.length, offset);
    return findFrame(window, 0, n, this.header?.salt ?? 0);
  }

  /** Feed the dictionary frames before `end` to the decoder, after a restart in the middle of a segment. */
  private rebuild(end: number): void {
    const whole = Buffer.allocUnsafe(Math.min(end, this.size()));
    const limit = fs.readSync(this.fd, whole, 0, whole.length, 0);
    const outcome = decodeHeader(whole.subarray(0, limit));
    if (outcome.kind !== 'header') return;
    this.header = outcome.header;
    const { salt } = outcome.header;
    let at = outcome.next;
    while (at < limit) {
      const state = readFrame(whole, at, limit, salt, this.cursor);
      if (state === 'need-more') return;
      if (state === 'corrupt') {
        const next = findFrame(whole, at, Math.min(limit, at + RESYNC), salt);
        if (next < 0) return;
        at = next;
        continue;
      }
      const { type, start, end: next } = this.cursor;
      if (type === FRAME.text || type === FRAME.context || type === FRAME.forget || type === FRAME.close) {
        try {
          this.decoder.decode(whole, type, start, next);
        } catch (error) {
          if (!(error instanceof CodecError)) throw error;
        }
      }
      at = next;
    }
  }
}
