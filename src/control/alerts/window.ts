/**
 * How often a rule was met: for each group the times of its last `threshold` rows. It is met when the oldest of them lies within
 * the window of the newest. Pure; times are those of the rows, so it counts the same live and when catching up.
 *
 * Bounds: `MAX_GROUPS` groups, the one touched longest ago is forgotten first; each holds at most `threshold` times.
 */
export const MAX_GROUPS = 1000;

export class Window {
  readonly #threshold: number;
  readonly #windowMs: number;
  /** Least recently touched first. */
  readonly #groups = new Map<string, number[]>();

  constructor(threshold: number, windowMs: number) {
    this.#threshold = threshold;
    this.#windowMs = windowMs;
  }

  /** Count a row; the number of rows within the window when that reaches the threshold, else null. */
  add(group: string, time: number): number | null {
    const times = this.#groups.get(group) ?? [];
    this.#groups.delete(group);
    this.#groups.set(group, times);
    if (this.#groups.size > MAX_GROUPS) {
      const [oldest] = this.#groups.keys();
      if (oldest !== undefined) this.#groups.delete(oldest);
    }
    times.push(time);
    // Rows end nearly in order; what comes late is put where it belongs.
    times.sort((a, b) => a - b);
    if (times.length > this.#threshold) times.shift();
    const [first = time] = times;
    const last = times.at(-1) ?? time;
    return times.length === this.#threshold && last - first <= this.#windowMs ? times.length : null;
  }

  /** Begin anew for a group that has fired. */
  clear(group: string): void {
    this.#groups.delete(group);
  }
}
