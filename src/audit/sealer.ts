/**
 * Sees to it that every day that is over gets its seal: looks at the folder when told to, and does a little at each call, so that
 * the recorder can go on between. A day that cannot be sealed (unreadable, disk full) is told once and tried again after
 * `AGAIN_MS`; it never holds up the recording.
 */
import { Sealing, unsealedDays } from './seal.ts';
import type { Signed, Signer } from './statement.ts';

const AGAIN_MS = 10 * 60_000;

export interface SealStep {
  /** There is more to do at once. */
  more: boolean;
  /** The seal that was just made. */
  signed: Signed | null;
  /** A day that could not be sealed, and why. */
  failed: { day: string; error: string } | null;
}

const NOTHING: SealStep = { more: false, signed: null, failed: null };

export class Sealer {
  private readonly dir: string;
  private readonly signer: Signer;
  private readonly now: () => number;
  private readonly steady: () => number;
  private current: Sealing | null = null;
  /** Days to do; null when the folder is to be looked at. */
  private queue: string[] | null = null;
  private lookAt = -Infinity;
  private readonly told = new Set<string>();

  constructor(dir: string, signer: Signer, now: () => number, steady: () => number) {
    this.dir = dir;
    this.signer = signer;
    this.now = now;
    this.steady = steady;
  }

  /** A day has ended. */
  look(): void {
    this.queue = null;
    this.lookAt = -Infinity;
  }

  step(): SealStep {
    const day = this.current?.day ?? this.next();
    if (day === null) return NOTHING;
    try {
      this.current ??= new Sealing(this.dir, day, this.signer, this.now);
      const signed = this.current.step();
      if (signed !== null) this.current = null;
      return { more: true, signed, failed: null };
    } catch (error) {
      this.close();
      const text = error instanceof Error ? error.message : String(error);
      const failed = this.told.has(day) ? null : { day, error: text };
      this.told.add(day);
      return { more: true, signed: null, failed };
    }
  }

  /** Let go of the file being read. */
  close(): void {
    this.current?.close();
    this.current = null;
  }

  private next(): string | null {
    if (this.queue === null || (this.queue.length === 0 && this.steady() - this.lookAt > AGAIN_MS)) {
      this.queue = unsealedDays(this.dir);
      this.lookAt = this.steady();
    }
    return this.queue.shift() ?? null;
  }
}
