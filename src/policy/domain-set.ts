/**
 * A set of domain patterns as one flat buffer: header, open-addressing hash table, names. It can be written to a file
 * and used in place after reading, so a worker takes over a million names without parsing anything.
 *
 * Exact: a hit always compares the bytes of the name, hash collisions only cost time. A lookup walks the name from its
 * right end, hashing as it goes, and asks the table once per label boundary where the set holds patterns of that depth.
 * One million names of 20 bytes cost 38 MB (8 bytes a slot at most 2/3 full, 2 + length bytes a name).
 *
 * Bounds: at most 20 million patterns and 1 GiB of names; the builder throws a RangeError beyond. The longest walk
 * through the table is written into the header and bounds every lookup, so not even a damaged buffer can make one
 * endless. It does not promise to detect damage: whoever reads the file checks its digest (policy/set-file.ts).
 * Numbers lie in the byte order of the machine; a buffer from another order is refused.
 */
import type { Match, Pattern } from './pattern.ts';

export { parsePattern, patternOf, patternText } from './pattern.ts';
export type { Match, Pattern, PatternOptions, PatternResult } from './pattern.ts';

const EXACT = 1;
const BELOW = 2;
const FLAGS: Record<Match, number> = { exact: EXACT, subdomains: BELOW, both: EXACT | BELOW };
const MATCH_OF: readonly (Match | undefined)[] = [undefined, 'exact', 'subdomains', 'both'];

/** Header words: magic, layout version, seed, slots, patterns, names offset, total bytes, longest walk, depth masks. */
const MAGIC = 0x54455347;
const LAYOUT = 1;
const HEADER = 64;
const W = {
  magic: 0,
  layout: 1,
  seed: 2,
  slots: 3,
  count: 4,
  names: 5,
  bytes: 6,
  walk: 7,
  exactDepths: 8,
  belowDepths: 9,
};

const MAX_PATTERNS = 20_000_000;
const MAX_NAMES_BYTES = 2 ** 30;
/** A table whose longest walk is longer has met crafted names: it is built again with another seed. */
const MAX_WALK = 128;
const SEEDS = 8;
/** Records handled between two breaths of the event loop: about 5 ms of work. */
const BREATH = 20_000;

/** Bytes of the table that are cleared in one piece. */
const ZEROS = 1 << 22;

const PRIME = 0x01000193;

/** Spread the running hash over all bits; the table uses the low ones. */
function spread(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Names of 31 labels and more share one bit of the depth masks. */
function depthBit(labels: number): number {
  return 1 << (labels > 31 ? 31 : labels);
}

export interface DomainSet {
  /** Number of patterns. */
  readonly size: number;
  /** Bytes the set costs in memory. */
  readonly bytes: number;
  /** Whether a canonical name is covered. */
  match(name: string): boolean;
  /** The pattern that covers the name, or null; the widest when several do. */
  find(name: string): Pattern | null;
  /** The kind under which exactly this name stands in the set, or null. */
  kindOf(name: string): Match | null;
  /** All patterns in the order they were added (duplicates merged: exact and subdomains of one name become both). */
  patterns(): IterableIterator<Pattern>;
}

/** Collects patterns, then lays the buffer out. `steps` lets the caller breathe between pieces of the work. */
export class DomainSetBuilder {
  /** Records as they will lie in the buffer: flags, length, bytes. */
  #arena = Buffer.allocUnsafeSlow(1 << 16);
  #used = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(pattern: Pattern): void {
    const { name } = pattern;
    const length = name.length;
    if (length === 0 || length > 253) throw new RangeError('a name in a domain set has 1 to 253 characters');
    if (this.#count >= MAX_PATTERNS)
      throw new RangeError(`a domain set holds at most ${MAX_PATTERNS} patterns`);
    if (this.#used + length + 2 > this.#arena.length) this.#grow(length + 2);
    const arena = this.#arena;
    let at = this.#used;
    arena[at++] = FLAGS[pattern.match];
    arena[at++] = length;
    for (let i = 0; i < length; i++) arena[at++] = name.charCodeAt(i);
    this.#used = at;
    this.#count++;
  }

  /** The finished buffer in one go. */
  finish(): Buffer {
    const steps = this.steps();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /** The same in pieces of a few milliseconds: yields between them, returns the buffer. */
  *steps(): Generator<void, Buffer> {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const buffer = yield* this.#layOut(seed);
      if (buffer !== null) return buffer;
    }
    throw new RangeError('these names collide under every seed; the list looks crafted');
  }

  #grow(need: number): void {
    const size = Math.max(this.#arena.length * 2, this.#used + need);
    if (size > MAX_NAMES_BYTES * 2) throw new RangeError('the names of a domain set take more than 1 GiB');
    const larger = Buffer.allocUnsafeSlow(size);
    this.#arena.copy(larger, 0, 0, this.#used);
    this.#arena = larger;
  }

  /** Null when the longest walk exceeds its bound under this seed. */
  *#layOut(seed: number): Generator<void, Buffer | null> {
    const arena = this.#arena;
    let slots = 8;
    while (slots < this.#count * 1.5) slots *= 2;
    const mask = slots - 1;
    const namesAt = HEADER + slots * 8;
    const out = Buffer.allocUnsafeSlow(namesAt + this.#used);
    for (let at = 0; at < namesAt; at += ZEROS) {
      out.fill(0, at, Math.min(at + ZEROS, namesAt));
      yield;
    }
    const words = new Uint32Array(out.buffer, out.byteOffset, namesAt / 4);
    const table = words.subarray(HEADER / 4);
    let used = namesAt;
    let count = 0;
    let walk = 1;
    let exactDepths = 0;
    let belowDepths = 0;
    let breath = 0;
    for (let at = 0; at < this.#used;) {
      if (++breath % BREATH === 0) yield;
      const flags = arena[at] ?? 0;
      const length = arena[at + 1] ?? 0;
      const end = at + 2 + length;
      let h = seed;
      let labels = 1;
      for (let i = end - 1; i >= at + 2; i--) {
        const c = arena[i] ?? 0;
        if (c === 46) labels++;
        h = Math.imul(h ^ c, PRIME);
      }
      h = spread(h);
      if ((flags & EXACT) !== 0) exactDepths |= depthBit(labels);
      if ((flags & BELOW) !== 0) belowDepths |= depthBit(labels);
      let slot = h & mask;
      let steps = 1;
      for (; ; steps++) {
        if (steps > MAX_WALK) return null;
        const offset = table[slot * 2 + 1] ?? 0;
        if (offset === 0) {
          table[slot * 2] = h;
          table[slot * 2 + 1] = used;
          arena.copy(out, used, at, end);
          used += length + 2;
          count++;
          break;
        }
        if (
          table[slot * 2] === h &&
          out[offset + 1] === length &&
          arena.compare(out, offset + 2, offset + 2 + length, at + 2, end) === 0
        ) {
          out[offset] = (out[offset] ?? 0) | flags;
          break;
        }
        slot = (slot + 1) & mask;
      }
      if (steps > walk) walk = steps;
      at = end;
    }
    words[W.magic] = MAGIC;
    words[W.layout] = LAYOUT;
    words[W.seed] = seed;
    words[W.slots] = slots;
    words[W.count] = count;
    words[W.names] = namesAt;
    words[W.bytes] = used;
    words[W.walk] = walk;
    words[W.exactDepths] = exactDepths;
    words[W.belowDepths] = belowDepths;
    return out.subarray(0, used);
  }
}

/** Compile patterns in one go; for small sets and tests. Throws RangeError at the bounds above. */
export function compileDomainSet(patterns: Iterable<Pattern>): Buffer {
  const builder = new DomainSetBuilder();
  for (const pattern of patterns) builder.add(pattern);
  return builder.finish();
}

/** Compile patterns and await `breathe` every few milliseconds of work, so that a large list never holds the loop. */
export async function compileDomainSetAsync(
  patterns: Iterable<Pattern> | AsyncIterable<Pattern>,
  breathe: () => Promise<void>,
): Promise<Buffer> {
  const builder = new DomainSetBuilder();
  for await (const pattern of inBatches(patterns)) {
    for (const p of pattern) builder.add(p);
    await breathe();
  }
  return finishWith(builder, breathe);
}

/** Lay a filled builder out, breathing between the steps. */
export async function finishWith(builder: DomainSetBuilder, breathe: () => Promise<void>): Promise<Buffer> {
  const steps = builder.steps();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await breathe();
  }
}

/** Awaiting every single pattern would cost more than the work itself. */
async function* inBatches(patterns: Iterable<Pattern> | AsyncIterable<Pattern>): AsyncGenerator<Pattern[]> {
  let batch: Pattern[] = [];
  if (Symbol.asyncIterator in patterns) {
    for await (const p of patterns) {
      batch.push(p);
      if (batch.length >= BREATH) {
        yield batch;
        batch = [];
      }
    }
  } else {
    for (const p of patterns) {
      batch.push(p);
      if (batch.length >= BREATH) {
        yield batch;
        batch = [];
      }
    }
  }
  if (batch.length > 0) yield batch;
}

/**
 * Use a compiled buffer in place. Throws an Error when it is no such buffer, was cut short, or comes from a machine of
 * the other byte order. A buffer that does not start on a multiple of four bytes is copied once.
 */
export function openDomainSet(buffer: Buffer): DomainSet {
  const bytes = buffer.byteOffset % 4 === 0 ? buffer : copyAligned(buffer);
  if (bytes.length < HEADER) throw new Error('not a compiled domain set: too short');
  const header = new Uint32Array(bytes.buffer, bytes.byteOffset, HEADER / 4);
  const word = (i: number): number => header[i] ?? 0;
  if (word(W.magic) !== MAGIC) throw new Error('not a compiled domain set: wrong magic number');
  if (word(W.layout) !== LAYOUT) throw new Error(`compiled domain set of unknown layout ${word(W.layout)}`);
  const slots = word(W.slots);
  if (slots === 0 || (slots & (slots - 1)) !== 0 || word(W.names) !== HEADER + slots * 8)
    throw new Error('compiled domain set with an impossible header');
  if (word(W.bytes) !== bytes.length)
    throw new Error('compiled domain set is cut short or has bytes to spare');
  const table = new Uint32Array(bytes.buffer, bytes.byteOffset + HEADER, slots * 2);
  return new OpenSet(bytes, table, word);
}

function copyAligned(buffer: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(buffer.length);
  buffer.copy(copy);
  return copy;
}

class OpenSet implements DomainSet {
  readonly size: number;
  readonly #bytes: Buffer;
  readonly #table: Uint32Array;
  readonly #mask: number;
  readonly #seed: number;
  readonly #names: number;
  readonly #walk: number;
  readonly #exactDepths: number;
  readonly #belowDepths: number;

  constructor(bytes: Buffer, table: Uint32Array, word: (i: number) => number) {
    this.size = word(W.count);
    this.#bytes = bytes;
    this.#table = table;
    this.#mask = word(W.slots) - 1;
    this.#seed = word(W.seed);
    this.#names = word(W.names);
    this.#walk = Math.min(word(W.walk), MAX_WALK);
    this.#exactDepths = word(W.exactDepths);
    this.#belowDepths = word(W.belowDepths);
  }

  get bytes(): number {
    return this.#bytes.length;
  }

  match(name: string): boolean {
    return this.#search(name) >= 0;
  }

  find(name: string): Pattern | null {
    const start = this.#search(name);
    if (start < 0) return null;
    const found = name.slice(start);
    const match = this.kindOf(found);
    return match === null ? null : { name: found, match };
  }

  kindOf(name: string): Match | null {
    let h = this.#seed;
    for (let i = name.length - 1; i >= 0; i--) h = Math.imul(h ^ name.charCodeAt(i), PRIME);
    return MATCH_OF[this.#probe(spread(h), name, 0)] ?? null;
  }

  *patterns(): IterableIterator<Pattern> {
    const bytes = this.#bytes;
    for (let at = this.#names; at + 2 <= bytes.length;) {
      const length = bytes[at + 1] ?? 0;
      const match = MATCH_OF[(bytes[at] ?? 0) & 3];
      if (match === undefined || at + 2 + length > bytes.length) return;
      yield { name: bytes.toString('latin1', at + 2, at + 2 + length), match };
      at += 2 + length;
    }
  }

  /** Where in the name the pattern's name starts that covers it, or -1. Widest first. */
  #search(name: string): number {
    let h = this.#seed;
    let labels = 1;
    for (let i = name.length - 1; i >= 0; i--) {
      const c = name.charCodeAt(i);
      if (c === 46) {
        if (
          (this.#belowDepths & depthBit(labels)) !== 0 &&
          (this.#probe(spread(h), name, i + 1) & BELOW) !== 0
        )
          return i + 1;
        labels++;
      }
      h = Math.imul(h ^ c, PRIME);
    }
    if ((this.#exactDepths & depthBit(labels)) === 0) return -1;
    return (this.#probe(spread(h), name, 0) & EXACT) === 0 ? -1 : 0;
  }

  /** Flags of the record that equals `name` from `start` on, or 0. */
  #probe(h: number, name: string, start: number): number {
    const table = this.#table;
    let slot = h & this.#mask;
    for (let steps = this.#walk; steps > 0; steps--) {
      const offset = table[slot * 2 + 1] ?? 0;
      if (offset === 0) return 0;
      if (table[slot * 2] === h && this.#equals(offset, name, start)) return this.#bytes[offset] ?? 0;
      slot = (slot + 1) & this.#mask;
    }
    return 0;
  }

  #equals(offset: number, name: string, start: number): boolean {
    const bytes = this.#bytes;
    const length = name.length - start;
    if (bytes[offset + 1] !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[offset + 2 + i] !== name.charCodeAt(start + i)) return false;
    return true;
  }
}
