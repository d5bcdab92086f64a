/** What children of the kill tests tell their parent, line by line, before they go on. */
import { writeSync } from 'node:fs';

const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** Returns when the pipe has the whole line: a parent that is slow to read is waited for. */
export function say(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(NEVER, 0, 0, 1);
    }
  }
}
