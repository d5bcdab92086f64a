/**
 * A file beside a segment that says: the collector has committed all of it. It lets two readers share a spool: the recorder of
 * this machine removes a segment only when it has read it and the mark is there, and removes the mark with it. A mark
 * that is lost costs nothing: the collector is asked at the next start and it is left again.
 */
import fs from 'node:fs';

const markOf = (file: string): string => file.replace(/\.seg$/, '.shipped');

/** Leave the mark of a segment that exists. */
export function markShipped(file: string): void {
  if (fs.existsSync(file)) fs.closeSync(fs.openSync(markOf(file), 'w', 0o600));
}

export const isShipped = (file: string): boolean => fs.existsSync(markOf(file));

/** Remove what `markShipped` left, if it did. */
export const unmark = (file: string): void => fs.rmSync(markOf(file), { force: true });
