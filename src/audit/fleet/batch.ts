/**
 * What a proxy ships at once: sound frames of its spool as they stand in the segments, and what the reader of the spool learned
 * beside them (damage, ends). Pure; the container is compressed by whoever sends it.
 *
 *   `SGFB` u16 version, u16 0, u32 length of the table, the table as JSON, then for each part its prelude and its frames
 *
 * A segment carries a dictionary (record-encoder.ts), so frames make sense only after those before them. A part that is
 * `fresh` begins anew: its prelude holds the frames of the dictionary that stand before `from`.
 *
 * The reader trusts nothing: every number is checked, every byte must belong to something, and what does not fit is a
 * CodecError, which costs the sender its batch and the receiver nothing.
 */
import { CodecError } from '../bytes.ts';
import { HEADER_LENGTH } from '../frame.ts';
import { SEGMENT } from '../producer.ts';
import type { Damage } from '../tail.ts';

export interface ShippedPart {
  segment: string;
  /** The segment's header, or what there is of it. */
  head: Buffer;
  /** Offsets in the segment: everything between them is here or told as damage. */
  from: number;
  to: number;
  /** The segment was read to its end. */
  done: boolean;
  fresh: boolean;
  prelude: Buffer;
  frames: Buffer;
  damages: Damage[];
  /** The producer ended with this part; time of its last write, ms. */
  ended: { producer: number; at: number } | null;
}

export interface Batch {
  parts: ShippedPart[];
}

const MAGIC = 0x42464753; // "SGFB" read as little-endian u32
export const BATCH_VERSION = 1;
const FIXED = 12;
/** Parts of one batch: as many segments as workers write at once, with room. */
const MAX_PARTS = 1024;
const MAX_DAMAGES = 200;
const MAX_REASON = 300;
/** Largest table, so that a length field cannot make the reader parse a gigabyte of JSON. */
const MAX_TABLE = 1024 * 1024;

interface Row {
  s: string;
  h: string;
  f: number;
  t: number;
  d: boolean;
  n: boolean;
  p: number;
  b: number;
  x: [number, number, string, boolean][];
  e: [number, number] | null;
}

export function encodeBatch(batch: Batch): Buffer {
  const rows = batch.parts.map((part): Row => ({
    s: part.segment,
    h: part.head.toString('hex'),
    f: part.from,
    t: part.to,
    d: part.done,
    n: part.fresh,
    p: part.prelude.length,
    b: part.frames.length,
    x: part.damages.map(({ offset, bytes, reason, torn }) => [
      offset,
      bytes,
      reason.slice(0, MAX_REASON),
      torn,
    ]),
    e: part.ended === null ? null : [part.ended.producer, part.ended.at],
  }));
  const table = Buffer.from(JSON.stringify(rows));
  const fixed = Buffer.alloc(FIXED);
  fixed.writeUInt32LE(MAGIC, 0);
  fixed.writeUInt16LE(BATCH_VERSION, 4);
  fixed.writeUInt32LE(table.length, 8);
  return Buffer.concat([fixed, table, ...batch.parts.flatMap(part => [part.prelude, part.frames])]);
}

/** Read a batch. Throws CodecError. The parts share the memory of `bytes`. */
export function decodeBatch(bytes: Buffer): Batch {
  if (bytes.length < FIXED || bytes.readUInt32LE(0) !== MAGIC) throw new CodecError('not a batch');
  const version = bytes.readUInt16LE(4);
  if (version !== BATCH_VERSION) throw new CodecError(`batch version ${version} is not known`);
  const length = bytes.readUInt32LE(8);
  if (length > MAX_TABLE || FIXED + length > bytes.length) throw new CodecError('the table does not fit');
  const rows = parse(bytes.toString('utf8', FIXED, FIXED + length));
  let at = FIXED + length;
  const take = (size: number): Buffer => {
    if (at + size > bytes.length) throw new CodecError('a part is longer than the batch');
    at += size;
    return bytes.subarray(at - size, at);
  };
  const parts = rows.map(row => partOf(row, take));
  if (at !== bytes.length) throw new CodecError('bytes that belong to no part');
  if (new Set(parts.map(p => p.segment)).size !== parts.length)
    throw new CodecError('a segment is named twice');
  return { parts };
}

function parse(text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CodecError('the table is no JSON');
  }
  if (!Array.isArray(value) || value.length > MAX_PARTS)
    throw new CodecError('the table is no list of parts');
  return value;
}

function partOf(value: unknown, take: (size: number) => Buffer): ShippedPart {
  const row = value as Partial<Row> | null;
  if (typeof row !== 'object' || row === null) throw new CodecError('a part is no part');
  const segment = row.s;
  const name = typeof segment === 'string' ? SEGMENT.exec(segment) : null;
  if (segment === undefined || name === null) throw new CodecError('a part names no segment');
  if (typeof row.h !== 'string' || !/^(?:[0-9a-f]{2}){0,36}$/.test(row.h))
    throw new CodecError('a head is no head');
  const from = count(row.f);
  const to = count(row.t);
  if (typeof row.d !== 'boolean' || typeof row.n !== 'boolean') throw new CodecError('a part misses a mark');
  const head = Buffer.from(row.h, 'hex');
  const prelude = take(count(row.p));
  const frames = take(count(row.b));
  const damages = damagesOf(row.x, from, to);
  // What lies between the ends is a header, frames or damage, to the byte.
  const header = from === 0 && frames.length > 0 ? HEADER_LENGTH : 0;
  const lost = damages.reduce((sum, d) => sum + d.bytes, 0);
  const spare = to - from - header - frames.length - lost;
  if (spare !== 0 && !(from === 0 && header === 0 && spare === HEADER_LENGTH))
    throw new CodecError('a part does not add up');
  if (!row.n && prelude.length > 0) throw new CodecError('a prelude without a fresh start');
  if (from === 0 && !row.n) throw new CodecError('a segment begins fresh');
  return {
    segment,
    head,
    from,
    to,
    done: row.d,
    fresh: row.n,
    prelude,
    frames,
    damages,
    ended: endedOf(row.e, Number(name[1])),
  };
}

function damagesOf(value: unknown, from: number, to: number): Damage[] {
  if (!Array.isArray(value) || value.length > MAX_DAMAGES) throw new CodecError('damages are no list');
  return value.map((entry: unknown): Damage => {
    const [offset, bytes, reason, torn] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof reason !== 'string' || reason.length > MAX_REASON || typeof torn !== 'boolean')
      throw new CodecError('a damage is none');
    const damage = { offset: count(offset), bytes: count(bytes), reason, torn };
    if (damage.offset < from || damage.offset + damage.bytes > to)
      throw new CodecError('a damage lies elsewhere');
    return damage;
  });
}

/** A producer ends with a segment of its own only. */
function endedOf(value: unknown, producer: number): ShippedPart['ended'] {
  if (value === null) return null;
  const [who, at] = Array.isArray(value) ? (value as unknown[]) : [];
  if (who !== producer || typeof at !== 'number' || !Number.isFinite(at))
    throw new CodecError('an end is none');
  return { producer, at };
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new CodecError('a number of the table is none');
  return value;
}
