/**
 * Turns of the store's time, by person: so many questions of one person are worked on at once, so many more wait, and one
 * beyond that is refused with 429. A question whose browser has gone is given up, and its turn goes to the next.
 */
import type { Response } from 'express';
import { ApiFailure } from './answer.ts';

export interface TurnBounds {
  /** Questions of one person at once. */
  atOnce: number;
  /** Questions of one person that may wait. */
  waiting: number;
}

interface Line {
  busy: number;
  waiting: (() => void)[];
}

export class Turns {
  readonly #bounds: TurnBounds;
  /** Only people with a question under way have a line. */
  readonly #lines = new Map<string, Line>();

  constructor(bounds: TurnBounds = { atOnce: 4, waiting: 24 }) {
    this.#bounds = bounds;
  }

  /** Do `work` when it is this person's turn. Its signal says that the browser has gone. */
  async run<T>(person: string, res: Response, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    res.once('close', leave);
    if (res.destroyed) leave();
    const line = this.#lines.get(person) ?? { busy: 0, waiting: [] };
    this.#lines.set(person, line);
    try {
      await this.#enter(line, gone.signal);
      try {
        return await work(gone.signal);
      } finally {
        // The turn goes straight to who waits, so that nobody slips in between.
        const next = line.waiting.shift();
        if (next === undefined) line.busy--;
        else next();
      }
    } finally {
      res.off('close', leave);
      if (line.busy === 0 && line.waiting.length === 0) this.#lines.delete(person);
    }
  }

  /** How many people have a question under way. */
  get people(): number {
    return this.#lines.size;
  }

  async #enter(line: Line, signal: AbortSignal): Promise<void> {
    if (line.busy >= this.#bounds.atOnce) {
      if (line.waiting.length >= this.#bounds.waiting)
        throw new ApiFailure(
          'too-many',
          'Too many of your searches are under way.',
          'Wait for one of them, or close another tab.',
          { retryAfter: 2 },
        );
      await new Promise<void>((resolve, reject) => {
        const go = (): void => {
          signal.removeEventListener('abort', leave);
          resolve();
        };
        const leave = (): void => {
          line.waiting = line.waiting.filter(other => other !== go);
          reject(new Error('Nobody waits for this answer any more.'));
        };
        signal.addEventListener('abort', leave, { once: true });
        line.waiting.push(go);
      });
    } else line.busy++;
  }
}
