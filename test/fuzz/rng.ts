/** Small deterministic random numbers (mulberry32): the same seed gives the same run on every machine. */

export interface Rng {
  /** Integer in [0, below). */
  int(below: number): number;
  /** True one time in `n`. */
  oneIn(n: number): boolean;
  pick<T>(list: readonly T[]): T;
  bytes(length: number): Buffer;
}

export function makeRng(seed: number): Rng {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const rng: Rng = {
    int: below => (below <= 1 ? 0 : next() % below),
    oneIn: n => next() % n === 0,
    pick: list => {
      if (list.length === 0) throw new Error('pick from an empty list');
      return list[next() % list.length] as (typeof list)[number];
    },
    bytes: length => Buffer.from(Array.from({ length }, () => next() & 0xff)),
  };
  return rng;
}

/** A seed from bytes (FNV-1a), so that what a target does at random follows from its input. */
export function seedOf(bytes: Buffer): number {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}
