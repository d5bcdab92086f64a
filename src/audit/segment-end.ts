/**
 * What becomes of a segment that was read to its end. A spool may have two readers, the recorder of this machine and the one that
 * ships to a collector: then the shipping one leaves a mark beside the segment when the collector has committed all of
 * it, and the recorder removes both when it has read it too. A mark that is lost costs nothing: the collector is asked
 * at the next start, and it is left again.
 */
import fs from 'node:fs';
import path from 'node:path';

const markOf = (file: string): string => file.replace(/\.seg$/, '.shipped');

/** Leave the mark of a segment that exists. */
export function markShipped(dir: string, name: string): void {
  const file = path.join(dir, name);
  if (fs.existsSync(file)) fs.closeSync(fs.openSync(markOf(file), 'w', 0o600));
}

export const isShipped = (dir: string, name: string): boolean => fs.existsSync(markOf(path.join(dir, name)));

/** Remove a segment and its mark; a damaged one is kept aside in `bad`. What is gone already is no error. */
export function removeSegment(dir: string, name: string, bad: boolean): void {
  const file = path.join(dir, name);
  if (bad && fs.existsSync(file)) {
    const aside = path.join(dir, 'bad');
    fs.mkdirSync(aside, { recursive: true, mode: 0o700 });
    fs.renameSync(file, path.join(aside, name));
  } else fs.rmSync(file, { force: true });
  fs.rmSync(markOf(file), { force: true });
}
