/**
 * One column of one block of rows as packed numbers, so that a question over a month reads a few bytes a row and no
 * rows. Pure.
 *
 * Values are kept as codes above the block's smallest one, in 1, 2 or 4 bytes as the block needs; 0 stands for a missing
 * value. A block whose values are all the same needs no codes; one whose values lie too far apart keeps them as doubles,
 * a missing one as NaN. The smallest and largest value stand beside the codes, so that blocks in which a range cannot
 * hold are skipped unread.
 *
 * Strips are derived from the rows and written when a block is full; a block without them is read from its rows.
 */
import { BLOCK_ROWS } from './layout.ts';

/** Columns that have strips, by kind of row; the place in the list is part of the format. */
export const STRIP_COLUMNS = {
  exchanges: [
    'time',
    'who',
    'what',
    'url',
    'us',
    'up',
    'down',
    'req_block',
    'res_block',
    'req_rest',
    'res_rest',
    'act',
    'wait',
    'req_body',
    'res_body',
  ],
  flows: ['time', 'who', 'lane', 'us', 'up', 'down', 'exchanges', 'act'],
} as const;
/** Columns of which only the smallest and largest value are kept: asked for seldom, and then for rare values. */
export const ZONES_ONLY: ReadonlySet<string> = new Set(['wait']);
export type StripKind = keyof typeof STRIP_COLUMNS;
export type StripColumn = (typeof STRIP_COLUMNS)[StripKind][number];

/** Verdict and fault of a row in one number (`act`): for charts, which need nothing else. */
export const ACTIONS = ['', 'inspect', 'passthrough', 'block'] as const;
export const actOf = (action: string, fault: boolean): number =>
  Math.max(0, (ACTIONS as readonly string[]).indexOf(action)) * 2 + (fault ? 1 : 0);

/** Where a strip lies in the table `strip`: all blocks of one column follow each other. */
export const stripId = (kind: StripKind, column: number, block: number): number =>
  ((kind === 'exchanges' ? 0 : 16) + column) * 2 ** 24 + block;

export interface Strip {
  /** Smallest and largest value; both null when every value is missing. */
  lo: number | null;
  hi: number | null;
  /** BLOCK_ROWS codes, or none for a block of one value. */
  codes: Uint8Array | Uint16Array | Uint32Array | Float64Array | null;
  /** Added to a code gives the value; code 0 is no value. Meaningless for doubles, which are the values. */
  base: number;
}

export interface PackedStrip {
  lo: number | null;
  hi: number | null;
  data: Buffer;
}

/** Pack a block's values; NaN is a missing one. The codes are in the byte order of the machine's typed arrays (little-endian). */
export function packStrip(values: Float64Array): PackedStrip {
  let lo = Infinity;
  let hi = -Infinity;
  let missing = false;
  for (const value of values) {
    if (Number.isNaN(value)) missing = true;
    else {
      if (value < lo) lo = value;
      if (value > hi) hi = value;
    }
  }
  if (lo > hi) return { lo: null, hi: null, data: Buffer.alloc(0) };
  if (lo === hi && !missing) return { lo, hi, data: Buffer.alloc(0) };
  const range = hi - lo + 1;
  const codes =
    range < 2 ** 8
      ? new Uint8Array(values.length)
      : range < 2 ** 16
        ? new Uint16Array(values.length)
        : range < 2 ** 32
          ? new Uint32Array(values.length)
          : null;
  if (codes === null) return { lo, hi, data: bytesOf(values) };
  for (const [i, value] of values.entries()) codes[i] = Number.isNaN(value) ? 0 : value - lo + 1;
  return { lo, hi, data: bytesOf(codes) };
}

/** The strip of a stored row. Throws when the bytes are no strip. */
export function unpackStrip(packed: PackedStrip): Strip {
  const { lo, hi, data } = packed;
  const base = (lo ?? 0) - 1;
  if (data.length === 0) return { lo, hi, codes: null, base };
  const width = data.length / BLOCK_ROWS;
  // Typed arrays need their alignment: a copy where the bytes do not have it.
  const { buffer, byteOffset } = data.byteOffset % 8 === 0 ? data : new Uint8Array(data);
  switch (width) {
    case 1:
      return { lo, hi, codes: new Uint8Array(buffer, byteOffset, BLOCK_ROWS), base };
    case 2:
      return { lo, hi, codes: new Uint16Array(buffer, byteOffset, BLOCK_ROWS), base };
    case 4:
      return { lo, hi, codes: new Uint32Array(buffer, byteOffset, BLOCK_ROWS), base };
    case 8:
      return { lo, hi, codes: new Float64Array(buffer, byteOffset, BLOCK_ROWS), base };
    default:
      throw new Error(`a strip of ${data.length} bytes`);
  }
}

/** A strip of values as they are, for blocks that have none. */
export function looseStrip(values: Float64Array): Strip {
  return { lo: -Infinity, hi: Infinity, codes: values, base: 0 };
}

/** The values of a strip as numbers, NaN where there is none; written to `out`, or the doubles themselves. */
export function stripValues(strip: Strip, out: Float64Array = new Float64Array(BLOCK_ROWS)): Float64Array {
  const { codes, base, lo } = strip;
  if (codes instanceof Float64Array) return codes;
  if (codes === null) return out.fill(lo ?? NaN);
  // A loop for each width, so that each is compiled for its own.
  if (codes instanceof Uint8Array)
    for (let i = 0; i < BLOCK_ROWS; i++) out[i] = codes[i] === 0 ? NaN : base + (codes[i] as number);
  else if (codes instanceof Uint16Array)
    for (let i = 0; i < BLOCK_ROWS; i++) out[i] = codes[i] === 0 ? NaN : base + (codes[i] as number);
  else for (let i = 0; i < BLOCK_ROWS; i++) out[i] = codes[i] === 0 ? NaN : base + (codes[i] as number);
  return out;
}

const bytesOf = (array: Uint8Array | Uint16Array | Uint32Array | Float64Array): Buffer =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength);
