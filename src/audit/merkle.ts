/**
 * The tree over the rows of one checkpoint, shaped as in RFC 6962 §2.1: the left part of n leaves holds the largest power of two
 * below n. Leaves are row digests; a node is the SHA-256 of `node <left> <right>`. Pure.
 *
 * It makes proofs for a few rows small: `prove` gives the nodes that somebody who has only these rows needs to arrive at
 * the signed root. Bound: the leaves of one checkpoint (ingest.ts), some 76,000.
 */
import { digestOf } from './chain.ts';

const node = (left: string, right: string): string => digestOf(`node ${left} ${right}`);

/** The root of a tree that grows: keeps one hash per power of two, so adding costs one hash on average. */
export class Frontier {
  private readonly sizes: number[] = [];
  private readonly hashes: string[] = [];
  /** Leaves so far. */
  size = 0;

  add(leaf: string): void {
    let size = 1;
    let hash = leaf;
    while (this.sizes.at(-1) === size) {
      hash = node(this.hashes.pop() ?? '', hash);
      size += this.sizes.pop() ?? 0;
    }
    this.sizes.push(size);
    this.hashes.push(hash);
    this.size++;
  }

  /** Root of what was added; the digest of nothing when there is nothing (RFC 6962). */
  root(): string {
    return (
      this.hashes.reduceRight<string | null>(
        (right, left) => (right === null ? left : node(left, right)),
        null,
      ) ?? digestOf('')
    );
  }

  clear(): void {
    this.sizes.length = 0;
    this.hashes.length = 0;
    this.size = 0;
  }
}

export function merkleRoot(leaves: readonly string[]): string {
  const frontier = new Frontier();
  for (const leaf of leaves) frontier.add(leaf);
  return frontier.root();
}

/** Largest power of two below n (n > 1). */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** Hashes, left to right, of the largest subtrees that hold none of the chosen leaves. `chosen`: indices, ascending. */
export function prove(leaves: readonly string[], chosen: readonly number[]): string[] {
  const proof: string[] = [];
  const walk = (from: number, to: number, picks: readonly number[]): void => {
    if (picks.length === 0) {
      proof.push(merkleRoot(leaves.slice(from, to)));
      return;
    }
    if (to - from === 1) return;
    const middle = from + split(to - from);
    walk(
      from,
      middle,
      picks.filter(i => i < middle),
    );
    walk(
      middle,
      to,
      picks.filter(i => i >= middle),
    );
  };
  if (leaves.length > 0) walk(0, leaves.length, chosen);
  return proof;
}

/**
 * The root that chosen leaves and a proof lead to; null when the proof does not fit them. `chosen`: index and digest, ascending
 * by index; `size`: leaves of the whole tree.
 */
export function rootOf(
  size: number,
  chosen: readonly { index: number; digest: string }[],
  proof: readonly string[],
): string | null {
  let next = 0;
  const walk = (from: number, to: number, picks: typeof chosen): string | null => {
    if (picks.length === 0) return proof[next++] ?? null;
    if (to - from === 1) return picks.length === 1 ? (picks[0]?.digest ?? null) : null;
    const middle = from + split(to - from);
    const left = walk(
      from,
      middle,
      picks.filter(p => p.index < middle),
    );
    const right = walk(
      middle,
      to,
      picks.filter(p => p.index >= middle),
    );
    return left === null || right === null ? null : node(left, right);
  };
  if (!Number.isSafeInteger(size) || size < 1 || size > MAX_LEAVES) return null;
  if (chosen.some(p => !Number.isSafeInteger(p.index) || p.index < 0 || p.index >= size)) return null;
  const root = walk(0, size, chosen);
  return next === proof.length ? root : null;
}
/** Far above the rows of any checkpoint; keeps a forged number from keeping a verifier busy. */
const MAX_LEAVES = 2 ** 24;
