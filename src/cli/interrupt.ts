/**
 * Ctrl-C in the middle of writing something: the work is told by a signal, takes back what is half-made, and the command
 * ends with 130 (SIGTERM: 143), the codes that shells know. A second Ctrl-C does not wait for that.
 *
 * Verbs that write nothing need none of this: the system ends them, which a shell shows as the same code.
 */

/** Tells main.ts that somebody ended the work. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly hint = 'Nothing half-made was left behind.';
  readonly exitCode: number;
  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Do work that listens to a signal. Rejects with Interrupted when that ended it. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const hear = (name: 'SIGINT' | 'SIGTERM'): void => {
    if (stop.signal.aborted) process.exit(CODES[name]);
    stop.abort(new Interrupted(CODES[name]));
  };
  process.on('SIGINT', hear).on('SIGTERM', hear);
  try {
    return await work(stop.signal);
  } catch (error) {
    // Whatever the work says about being cut off, this is why.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    process.off('SIGINT', hear).off('SIGTERM', hear);
  }
}
