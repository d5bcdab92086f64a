/** Notices that the clock was set: it moved by another amount than time did. Pure; both clocks are handed in. */

/** Less than this is drift and the delay between two looks. */
const STEP_MS = 2000;

export interface ClockStep {
  /** What the clock should have shown, and what it shows; ms since epoch. */
  from: number;
  to: number;
}

export class ClockWatch {
  /** What the clock showed when the steady one was at 0. */
  private epoch: number | null = null;

  /** `now` is ms since epoch, `steady` ms of a clock that only goes on. The step since the last look, or null. */
  look(now: number, steady: number): ClockStep | null {
    const expected = this.epoch === null ? now : this.epoch + steady;
    this.epoch = now - steady;
    return Math.abs(now - expected) < STEP_MS ? null : { from: Math.round(expected), to: now };
  }
}
