/** Child of house.test.ts on a disk of 200 MiB: prints what the doctor says of it, also while it fills up. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askDisk } from '../../../src/control/doctor/house.ts';
import { patient } from './bench.ts';

const [dir = ''] = process.argv.slice(2);
const who = patient(dir);
const say = (): void => {
  console.log(
    askDisk(who)
      .map(a => a.code)
      .join(),
  );
};
say();
writeFileSync(join(dir, 'ballast'), Buffer.alloc(160 * 1024 * 1024));
say();
try {
  writeFileSync(join(dir, 'more'), Buffer.alloc(60 * 1024 * 1024));
} catch {
  // Full to the last page: that was the purpose.
}
say();
execFileSync('mount', ['-o', 'remount,ro', dir]);
say();
