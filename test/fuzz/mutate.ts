/**
 * General mutations of byte strings: flips, interesting values, length fields turned up or down, pieces cut, copied,
 * moved, and spliced from another input. A target's own mutation knows its format; these know nothing.
 */
import type { Rng } from './rng.ts';

const INTERESTING = [
  0, 1, 2, 3, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x2d, 0x2e, 0x3a, 0x7e, 0x7f, 0x80, 0xfe, 0xff,
];

export interface Pool {
  /** Other inputs to splice from. */
  others: readonly Buffer[];
  dictionary: readonly Buffer[];
  maxLength: number;
}

type Mutation = (bytes: Buffer, rng: Rng, pool: Pool) => Buffer;

const at = (bytes: Buffer, rng: Rng): number => rng.int(bytes.length + 1);

function replace(bytes: Buffer, from: number, to: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);
}

function span(bytes: Buffer, rng: Rng, most = 64): [number, number] {
  const from = at(bytes, rng);
  return [from, Math.min(bytes.length, from + 1 + rng.int(most))];
}

const flipBit: Mutation = (bytes, rng) => {
  const out = Buffer.from(bytes);
  if (out.length > 0) {
    const i = rng.int(out.length);
    out[i] = (out[i] as number) ^ (1 << rng.int(8));
  }
  return out;
};

const setByte: Mutation = (bytes, rng) => {
  const out = Buffer.from(bytes);
  if (out.length > 0) out[rng.int(out.length)] = rng.oneIn(2) ? rng.pick(INTERESTING) : rng.int(256);
  return out;
};

/** Take any offset for a big-endian length field of one to three bytes and make it lie. */
const tweakNumber: Mutation = (bytes, rng) => {
  const width = 1 + rng.int(3);
  if (bytes.length < width) return bytes;
  const out = Buffer.from(bytes);
  const i = rng.int(out.length - width + 1);
  const max = 2 ** (8 * width) - 1;
  const now = out.readUIntBE(i, width);
  const value = rng.pick([
    now + 1,
    now - 1,
    now * 2,
    now >> 1,
    0,
    max,
    now + rng.int(64),
    bytes.length - i - width,
  ]);
  out.writeUIntBE(Math.min(max, Math.max(0, value)), i, width);
  return out;
};

const insert: Mutation = (bytes, rng) => {
  const i = at(bytes, rng);
  return replace(bytes, i, i, rng.bytes(1 + rng.int(8)));
};

const cut: Mutation = (bytes, rng) => replace(bytes, ...span(bytes, rng), Buffer.alloc(0));

const truncate: Mutation = (bytes, rng) => bytes.subarray(0, at(bytes, rng));

const duplicate: Mutation = (bytes, rng) => {
  const [from, to] = span(bytes, rng, 256);
  const i = at(bytes, rng);
  return replace(bytes, i, i, bytes.subarray(from, to));
};

const swap: Mutation = (bytes, rng) => {
  const [from, to] = span(bytes, rng);
  const piece = bytes.subarray(from, to);
  const rest = replace(bytes, from, to, Buffer.alloc(0));
  const i = at(rest, rng);
  return replace(rest, i, i, piece);
};

const splice: Mutation = (bytes, rng, pool) => {
  const other = rng.pick(pool.others);
  return Buffer.concat([bytes.subarray(0, at(bytes, rng)), other.subarray(at(other, rng))]);
};

const word: Mutation = (bytes, rng, pool) => {
  if (pool.dictionary.length === 0) return insert(bytes, rng, pool);
  const w = rng.pick(pool.dictionary);
  const i = at(bytes, rng);
  return replace(bytes, i, rng.oneIn(2) ? i : Math.min(bytes.length, i + w.length), w);
};

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  setByte,
  tweakNumber,
  tweakNumber,
  insert,
  cut,
  truncate,
  duplicate,
  swap,
  splice,
  word,
  word,
];

/** One to six mutations of `bytes`. */
export function mutate(bytes: Buffer, rng: Rng, pool: Pool): Buffer {
  let out = bytes;
  const rounds = 1 + rng.int(rng.oneIn(4) ? 6 : 2);
  for (let i = 0; i < rounds; i++) out = rng.pick(MUTATIONS)(out, rng, pool);
  return out.subarray(0, pool.maxLength);
}
