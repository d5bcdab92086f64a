/**
 * Which pieces of one to four letters occur in a run of 512 URLs, as a small filter of bits per run: a search for a rare piece
 * of a path reads the few runs that may hold it, not all URLs of a month. Pure.
 *
 * A filter never says no to a run that holds the piece; of those that do not, it lets some through, more the more
 * random the ids in the paths are, and they are then read in vain.
 */
import { fold } from '../query/fold.ts';

/** URLs of a run: id >> RUN_BITS. */
export const RUN_BITS = 9;
/** Bytes of a filter: with its row it still fits one page of the file. */
const BYTES = 4000;
const BITS = BYTES * 8;

/** The filter of a run that holds no URL yet. */
export const emptyGrams = (): Buffer => Buffer.alloc(BYTES);

/** Pairs of ASCII letters that a filter has already. */
export const noPairs = (): Uint8Array => new Uint8Array(2 ** 14);

/** Note a path in the filter of its run. `known`: of that filter. */
export function addGrams(bits: Buffer, path: string, known = noPairs()): void {
  const set = (bit: number): void => {
    bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
  };
  const text = fold(path);
  long(text, set);
  for (let i = 0; i < text.length; i++) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1) || 0;
    if ((a | b) < 128) {
      if (known[(a << 7) | b] === 1) continue;
      known[(a << 7) | b] = 1;
    }
    short(text.slice(i, i + 1), set);
    if (i + 1 < text.length) short(text.slice(i, i + 2), set);
  }
}

/** Bits that a filter must have to let a piece pass; none for the empty one. */
export function gramBits(piece: string): number[] {
  const bits: number[] = [];
  if (piece.length < 3) short(piece, bit => bits.push(bit));
  else long(piece, bit => bits.push(bit));
  return bits;
}

export const hasGrams = (filter: Uint8Array, bits: readonly number[]): boolean =>
  bits.every(bit => ((filter[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0);

/** Bits of all pieces of three and four letters. The multipliers only spread; they need not keep anybody out. */
function long(text: string, take: (bit: number) => void): void {
  let a = text.charCodeAt(0);
  let b = text.charCodeAt(1);
  for (let i = 2; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const three = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
    take(mix(three) % BITS);
    if (i + 1 < text.length)
      take(mix(three ^ Math.imul(text.charCodeAt(i + 1), 0x27d4eb2f) ^ 0x165667b1) % BITS);
    a = b;
    b = c;
  }
}

/** Three bits of a piece of one or two letters: it has no longer ones that would all have to be there too. */
function short(piece: string, take: (bit: number) => void): void {
  if (piece === '') return;
  const two =
    Math.imul(piece.charCodeAt(0) + 1, 0x9e3779b1) ^ Math.imul((piece.charCodeAt(1) || 0) + 1, 0x85ebca6b);
  for (const salt of [0x6a09e667, 0xbb67ae85, 0x3c6ef372])
    take(mix(Math.imul(two ^ salt ^ piece.length, 0x27d4eb2f)) % BITS);
}

const mix = (h: number): number => {
  const x = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (x ^ (x >>> 13)) >>> 0;
};
