/**
 * A kit as a zip file. The dates inside are fixed, so that the same kit is the same file; scripts keep their mode on Unix.
 */
import { zipSync } from 'fflate';
import type { Zippable } from 'fflate';
import type { KitFile } from './plan.ts';

const UNIX = 3;
/** The earliest date a zip can hold (in local time, which is what zip files store). */
const DATE = new Date(1980, 0, 1);

/** The bytes of the zip, everything below one folder. */
export function zipKit(files: readonly KitFile[], folder = 'sightglass-kit'): Uint8Array {
  const entries: Zippable = {};
  for (const { path, data, executable } of files)
    entries[`${folder}/${path}`] = [
      data,
      { os: UNIX, attrs: (executable === true ? 0o100755 : 0o100644) << 16, mtime: DATE, level: 9 },
    ];
  return zipSync(entries);
}
