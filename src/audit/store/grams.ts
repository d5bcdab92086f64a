/**
 * Which pieces of three and four letters occur in a run of 512 URLs, as a small filter of bits per run: a search for a rare piece
 * of a path reads the few runs that may hold it, not all URLs of a month. Pure.
 *
 * A filter never says no to a run that holds the piece; of those that do not, it lets some through, more the more
 * random the ids in the paths are, and they are then read in vain. Pieces shorter than three letters are not helped.
 */
import { fold } from '../query/fold.ts';

/** URLs of a run: id >> RUN_BITS. */
export const RUN_BITS = 9;
/** Bytes of a filter: with its row it still fits one page of the file. */
const BYTES = 4000;
const BITS = BYTES * 8;

/** The filter of a run that holds no URL yet. */
export const emptyGrams = (): Buffer => Buffer.alloc(BYTES);

/** Note a path in the filter of its run. */
export function addGrams(bits: Buffer, path: string): void {
  each(fold(path), bit => {
    bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
    return true;
  });
}

/** Bits that a filter must have to let a piece pass; none for a piece that is too short. */
export function gramBits(piece: string): number[] {
  const bits: number[] = [];
  each(piece, bit => bits.push(bit) > 0);
  return bits;
}

export const hasGrams = (filter: Uint8Array, bits: readonly number[]): boolean =>
  bits.every(bit => ((filter[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0);

/** Bits of all pieces of three and four letters. The multipliers only spread; they need not keep anybody out. */
function each(text: string, take: (bit: number) => boolean): void {
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

const mix = (h: number): number => {
  const x = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (x ^ (x >>> 13)) >>> 0;
};
