/**
 * A segment's tail that hands on the frames themselves instead of the records in them: what is shipped is what was written. It
 * finds damage and ends exactly as the recorder's tail does; what is inside a sound frame is judged where it is stored.
 */
import fs from 'node:fs';
import { decodeHeader, findFrame, FRAME, newCursor, readFrame } from '../frame.ts';
import { SegmentTail } from '../tail.ts';
import type { AuditRecord } from '../../core/records.ts';
import type { Damage, TailState } from '../tail.ts';

export class RawTail extends SegmentTail {
  private out: Buffer[] = [];

  /** Sound frames up to a chunk, with the state `SegmentTail.read` tells. */
  readFrames(onDamage: (damage: Damage) => void, final: boolean): { frames: Buffer[]; state: TailState } {
    this.out = [];
    const state = this.read(() => undefined, onDamage, final);
    return { frames: this.out, state };
  }

  protected override handOut(
    bytes: Buffer,
    _offset: number,
    at: number,
    _onRecord: (record: AuditRecord) => void,
    _onDamage: (damage: Damage) => void,
  ): void {
    const { cursor } = this;
    this.out.push(Buffer.from(bytes.subarray(at, cursor.end)));
    if (cursor.type === FRAME.close) this.decoder.closed = true;
  }
}

/** The dictionary frames of a segment that stand before `end` and still count there. Throws what fs throws. */
export function preludeOf(file: string, end: number): Buffer {
  const fd = fs.openSync(file, 'r');
  let whole: Buffer;
  try {
    whole = Buffer.allocUnsafe(Math.min(end, fs.fstatSync(fd).size));
    whole = whole.subarray(0, fs.readSync(fd, whole, 0, whole.length, 0));
  } finally {
    fs.closeSync(fd);
  }
  const outcome = decodeHeader(whole);
  if (outcome.kind !== 'header') return Buffer.alloc(0);
  const { salt } = outcome.header;
  const cursor = newCursor();
  let kept: Buffer[] = [];
  let at = outcome.next;
  while (at < whole.length) {
    const state = readFrame(whole, at, whole.length, salt, cursor);
    if (state === 'need-more') break;
    if (state === 'corrupt') {
      const next = findFrame(whole, at, whole.length, salt);
      if (next < 0) break;
      at = next;
      continue;
    }
    if (cursor.type === FRAME.forget) kept = [];
    else if (cursor.type === FRAME.text || cursor.type === FRAME.context)
      kept.push(whole.subarray(at, cursor.end));
    at = cursor.end;
  }
  return Buffer.concat(kept);
}
