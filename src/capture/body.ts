/**
 * Bounded taps on streaming bodies: size and SHA-256 of the whole, a copy of the beginning. A tap never holds bytes
 * up and never keeps the chunk it was shown (the relay uses its read buffers again); it copies.
 *
 * Bounds: one body `limit` bytes, all bodies being captured in this process together `CaptureBudget` bytes. At either
 * bound the tap stops copying for good (what is kept is always a prefix), marks the body truncated, and goes on
 * counting and hashing. The budget covers bytes held by taps; `finish` hands them over and gives the budget back.
 */
import { createHash, hash as hashOnce } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { BodyFacts } from '../core/records.ts';

/** Memory that all body taps of one process may hold together. */
export class CaptureBudget {
  /** Bytes. */
  readonly limit: number;
  /** Bytes held now; from 0 to `limit`. */
  used = 0;
  /** Bodies that were cut short because of the budget. For metrics. */
  exhausted = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Take up to `want` bytes; gives how many were granted. */
  take(want: number): number {
    const granted = Math.max(0, Math.min(want, this.limit - this.used));
    this.used += granted;
    if (granted < want) this.exhausted++;
    return granted;
  }

  release(bytes: number): void {
    this.used -= bytes;
  }
}

export interface BodyTapOptions {
  /** Bytes kept of one body. */
  limit: number;
  /** Compute SHA-256 of the whole body. */
  hash: boolean;
  budget: CaptureBudget;
}

export interface TapResult {
  facts: BodyFacts;
  /** The kept beginning of the body, owned by the caller from here on; null when nothing was kept. */
  kept: Buffer | null;
}

/** Captures one body. `finish` must be called once for each tap that saw bytes, or its budget is never given back. */
export class BodyTap {
  readonly #limit: number;
  readonly #hashing: boolean;
  readonly #budget: CaptureBudget;
  #size = 0;
  #held = 0;
  #truncated = false;
  /** Copies, in order. One buffer for most bodies, so an array only when there is a second. */
  #first: Buffer | null = null;
  #more: Buffer[] | null = null;
  /** Made when hashing cannot wait for the end: a body of one kept chunk is hashed in one call, at a third of the cost. */
  #hash: Hash | null = null;

  constructor(options: BodyTapOptions) {
    this.#limit = options.limit;
    this.#hashing = options.hash;
    this.#budget = options.budget;
  }

  /** Show the tap the next bytes. They may be overwritten afterwards. */
  push(chunk: Buffer): void {
    const { length } = chunk;
    if (length === 0) return;
    if (this.#hashing && this.#hash === null && this.#first !== null)
      this.#hash = createHash('sha256').update(this.#first);
    this.#hash?.update(chunk);
    this.#size += length;
    if (this.#truncated) return;
    const want = Math.min(length, this.#limit - this.#held);
    const granted = want > 0 ? this.#budget.take(want) : 0;
    if (granted < length) {
      this.#truncated = true;
      // Nothing else holds the rest of this chunk, so the hash cannot wait for the end.
      if (this.#hashing) this.#hash ??= createHash('sha256').update(chunk);
    }
    if (granted === 0) return;
    this.#held += granted;
    const copy = Buffer.allocUnsafe(granted);
    chunk.copy(copy, 0, 0, granted);
    if (this.#first === null) this.#first = copy;
    else (this.#more ??= []).push(copy);
  }

  /** The body is over, complete or not. A body of no bytes has no hash and nothing kept. */
  finish(): TapResult {
    const first = this.#first;
    let sha256: string | null = null;
    if (this.#hash !== null) sha256 = this.#hash.digest('hex');
    else if (this.#hashing && first !== null) sha256 = hashOnce('sha256', first, 'hex');
    const kept = this.#more === null ? first : Buffer.concat([first!, ...this.#more], this.#held);
    const facts = { size: this.#size, kept: this.#held, sha256, truncated: this.#truncated };
    this.#budget.release(this.#held);
    this.#first = null;
    this.#more = null;
    this.#held = 0;
    this.#hash = null;
    return { facts, kept };
  }
}

/** Counts only: for capture levels that keep no bodies. */
export class CountingTap {
  #size = 0;

  push(chunk: Buffer): void {
    this.#size += chunk.length;
  }

  finish(): TapResult {
    return { facts: { size: this.#size, kept: 0, sha256: null, truncated: false }, kept: null };
  }
}
