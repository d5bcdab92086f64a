/**
 * The framing of spool segments: pure, no files. A segment is one header and then frames.
 *
 *   header  `SGSP` u16 version, u16 header length, u32 producer, u32 pid, f64 process start ticks, f64 created (ms), u32 salt
 *   frame   u32 length of type and payload, u32 CRC-32 of type and payload, u8 type, payload
 *
 * All integers little-endian. A reader gets one of three answers it must tell apart: a frame, `need-more` (the tail of a
 * segment that is still being written, or that was torn when its producer died), or `corrupt`. The checksum finds
 * accidents and starts from the segment's random salt: captured bodies hold whatever a stranger sends, so after damage a
 * reader that looks for the next sound frame must not take bytes of a body for one. It is no proof against somebody
 * who can write the spool.
 */
import { crc32 } from 'node:zlib';

export const SEGMENT_VERSION = 1;
export const HEADER_LENGTH = 36;
const MAGIC = 0x50534753; // "SGSP" read as little-endian u32

/** Bytes before the type byte. */
export const FRAME_HEAD = 8;
/**
 * Largest length field: a body as large as the largest `capture.body-limit` and its head. What is longer is corrupt,
 * so that a flipped bit in a length cannot make a reader wait for gigabytes.
 */
export const MAX_FRAME = 64 * 1024 * 1024;

/** Frame types. `text` and `context` define entries of the segment's dictionary, `forget` empties it (record-encoder.ts). */
export const FRAME = {
  text: 1,
  context: 2,
  forget: 3,
  exchange: 4,
  flowOpen: 5,
  flow: 6,
  body: 7,
  event: 8,
  /** The producer ended in good order: nothing follows in this or any later segment of it. */
  close: 9,
} as const;
const LAST_TYPE = 9;

/** Who wrote a segment. Pid and start ticks together name one process for as long as the machine is up. */
export interface SegmentHeader {
  producer: number;
  pid: number;
  /** Field 22 of /proc/<pid>/stat, 0 where there is no /proc. */
  startTicks: number;
  /** ms since epoch. */
  created: number;
  /** Start value of every checksum in this segment, random u32. */
  salt: number;
}

/** The bytes that begin a segment. */
export function encodeHeader(header: SegmentHeader): Buffer {
  const out = Buffer.alloc(HEADER_LENGTH);
  out.writeUInt32LE(MAGIC, 0);
  out.writeUInt16LE(SEGMENT_VERSION, 4);
  out.writeUInt16LE(HEADER_LENGTH, 6);
  out.writeUInt32LE(header.producer, 8);
  out.writeUInt32LE(header.pid, 12);
  out.writeDoubleLE(header.startTicks, 16);
  out.writeDoubleLE(header.created, 24);
  out.writeUInt32LE(header.salt, 32);
  return out;
}

export type HeaderOutcome =
  | { kind: 'header'; header: SegmentHeader; next: number }
  | { kind: 'need-more' }
  | { kind: 'corrupt'; reason: string };

/** Read a segment's header from the start of its bytes. */
export function decodeHeader(bytes: Buffer): HeaderOutcome {
  if (bytes.length < HEADER_LENGTH) return { kind: 'need-more' };
  if (bytes.readUInt32LE(0) !== MAGIC) return { kind: 'corrupt', reason: 'not a spool segment' };
  const version = bytes.readUInt16LE(4);
  if (version !== SEGMENT_VERSION)
    return { kind: 'corrupt', reason: `segment version ${version} is not known` };
  return {
    kind: 'header',
    header: {
      producer: bytes.readUInt32LE(8),
      pid: bytes.readUInt32LE(12),
      startTicks: bytes.readDoubleLE(16),
      created: bytes.readDoubleLE(24),
      salt: bytes.readUInt32LE(32),
    },
    next: bytes.readUInt16LE(6),
  };
}

/** Put length and checksum in front of a frame whose type and payload stand at `start + FRAME_HEAD` … `end`. */
export function sealFrame(bytes: Buffer, start: number, end: number, salt: number): void {
  const from = start + FRAME_HEAD;
  bytes.writeUInt32LE(end - from, start);
  bytes.writeUInt32LE(crc32(bytes.subarray(from, end), salt), start + 4);
}

/** One frame as bytes of its own; the fast path is `sealFrame` in place. */
export function encodeFrame(type: number, payload: Buffer, salt: number): Buffer {
  const out = Buffer.allocUnsafe(FRAME_HEAD + 1 + payload.length);
  out[FRAME_HEAD] = type;
  payload.copy(out, FRAME_HEAD + 1);
  sealFrame(out, 0, out.length, salt);
  return out;
}

/** What `readFrame` found; one object re-used by the caller, so that a hot loop makes no garbage. */
export interface FrameCursor {
  /** Type of the frame, meaningful after `frame`. */
  type: number;
  /** First byte and end of the payload, meaningful after `frame`. */
  start: number;
  end: number;
  /** After `need-more`: bytes that must be there from the offset on before asking again makes sense. */
  want: number;
  /** After `corrupt`. */
  reason: string;
}

export const newCursor = (): FrameCursor => ({ type: 0, start: 0, end: 0, want: 0, reason: '' });

/**
 * Read the frame at `offset` of `bytes`, of which `limit` are valid. The next frame begins at `cursor.end`.
 * Never throws, never reads beyond `limit`.
 */
export function readFrame(
  bytes: Buffer,
  offset: number,
  limit: number,
  salt: number,
  cursor: FrameCursor,
): 'frame' | 'need-more' | 'corrupt' {
  if (limit - offset < FRAME_HEAD) {
    cursor.want = FRAME_HEAD;
    return 'need-more';
  }
  const length = bytes.readUInt32LE(offset);
  if (length === 0 || length > MAX_FRAME) {
    cursor.reason = length === 0 ? 'empty frame' : `frame of ${length} bytes`;
    return 'corrupt';
  }
  const start = offset + FRAME_HEAD;
  const end = start + length;
  if (end > limit) {
    cursor.want = FRAME_HEAD + length;
    return 'need-more';
  }
  if (crc32(bytes.subarray(start, end), salt) !== bytes.readUInt32LE(offset + 4)) {
    cursor.reason = 'checksum does not fit';
    return 'corrupt';
  }
  cursor.type = bytes[start] ?? 0;
  cursor.start = start + 1;
  cursor.end = end;
  return 'frame';
}

/**
 * Offset of the first sound frame after a corrupt one at `offset`, or -1 when none begins before `limit`. Believes only
 * a known type with a fitting checksum.
 */
export function findFrame(bytes: Buffer, offset: number, limit: number, salt: number): number {
  for (let at = offset + 1; at + FRAME_HEAD < limit; at++) {
    const length = bytes.readUInt32LE(at);
    if (length === 0 || length > limit - at - FRAME_HEAD) continue;
    const type = bytes[at + FRAME_HEAD] ?? 0;
    if (type === 0 || type > LAST_TYPE) continue;
    const start = at + FRAME_HEAD;
    if (crc32(bytes.subarray(start, start + length), salt) === bytes.readUInt32LE(at + 4)) return at;
  }
  return -1;
}
