/**
 * How far a long piece of work is, on standard error, so that standard output stays data: on a terminal one line that is
 * written over, elsewhere nothing, or with `--progress` a line every ten seconds. Whoever works tells; nothing here runs by
 * itself, so work that never gives up its turn is told of as well.
 *
 * The rate is the mean since the piece began, and the time left follows from it: steady rather than exact.
 */
import type { Command } from 'commander';
import { visible } from '../audit/export/lines.ts';
import { interruptible } from './interrupt.ts';

/** Where a piece of work is. */
export interface Step {
  done: number;
  /** What is counted; `bytes` are shown in their units. */
  unit: string;
  /** All of it, where that is known. A piece is over when `done` goes back. */
  of?: number | undefined;
  /** How much of it is done, 0 to 1, where only that is known. */
  share?: number | undefined;
  /** What it is at: a day, a file. */
  at?: string;
}

/** Where lines go; standard error. */
export interface Terminal {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write: (text: string) => unknown;
}

export interface ProgressOptions {
  /** Lines where no terminal is. */
  progress?: boolean | undefined;
}

const TERMINAL_MS = 200;
const LINES_MS = 10_000;
const CLEAR = '\r\u001b[K';

/** Gives a verb its `--progress`. */
export function addProgress(command: Command): Command {
  return command.option('--progress', 'tell every 10 s how far it is where no terminal looks');
}

export class Progress {
  readonly #to: Terminal;
  readonly #now: () => number;
  /** ms between two lines; null tells nothing. */
  readonly #every: number | null;
  #piece = { unit: '', done: 0, began: 0 };
  #told: number | null = null;
  #shown = false;

  constructor(
    options: ProgressOptions,
    to: Terminal = process.stderr,
    now: () => number = () => performance.now(),
  ) {
    this.#to = to;
    this.#now = now;
    this.#every = to.isTTY === true ? TERMINAL_MS : options.progress === true ? LINES_MS : null;
  }

  /** Call as often as convenient: lines are written only so often. */
  tell(step: Step): void {
    if (this.#every === null) return;
    const now = this.#now();
    if (step.unit !== this.#piece.unit || step.done < this.#piece.done)
      this.#piece = { unit: step.unit, done: step.done, began: now };
    this.#piece.done = step.done;
    this.#told ??= now;
    if (now - this.#told < this.#every) return;
    this.#told = now;
    const text = progressText(step, now - this.#piece.began);
    // A line that wraps could not be written over. A terminal that does not know its width says 0.
    if (this.#to.isTTY === true) this.#to.write(CLEAR + text.slice(0, (this.#to.columns || 80) - 1));
    else this.#to.write(`${text}\n`);
    this.#shown = this.#to.isTTY === true;
  }

  /** Take the line away; what follows begins on an empty one. */
  end(): void {
    if (this.#shown) this.#to.write(CLEAR);
    this.#shown = false;
  }
}

/** Do work that tells how far it is and ends with Ctrl-C. Rejects with Interrupted when that ended it. */
export async function longWork<T>(
  options: ProgressOptions,
  work: (signal: AbortSignal, tell: (step: Step) => void) => Promise<T>,
): Promise<T> {
  const progress = new Progress(options);
  try {
    return await interruptible(signal => work(signal, step => progress.tell(step)));
  } finally {
    progress.end();
  }
}

/** One line: where, how much, of how much, how fast, how long still. `elapsed` in ms. */
export function progressText(step: Step, elapsed: number): string {
  const { done, of, unit, at } = step;
  const share = of === undefined ? step.share : of > 0 ? done / of : 1;
  const amount = unit === 'bytes' ? bytes : count;
  const parts = [
    at === undefined ? '' : visible(at),
    `${amount(done)}${of === undefined ? '' : ` of ${amount(of)}`}${unit === 'bytes' ? '' : ` ${unit}`}`,
    share === undefined ? '' : `${Math.floor(Math.min(1, share) * 100)} %`,
  ];
  if (elapsed >= 1000 && done > 0) {
    parts.push(`${amount((done / elapsed) * 1000)}/s`);
    if (share !== undefined && share > 0 && share < 1)
      parts.push(`${duration((elapsed / share) * (1 - share))} left`);
  }
  return parts.filter(part => part !== '').join('  ');
}

const count = (n: number): string => Math.round(n).toLocaleString('en-US');

function bytes(n: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(1, n)) / 10)));
  const value = n / 1024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}

function duration(ms: number): string {
  const s = Math.ceil(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
