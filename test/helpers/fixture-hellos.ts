/** The captured hellos of test/fixtures/hello, with what is known about each. Re-made by its make.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Capture } from '../fixtures/hello/make.ts';

const folder = join(import.meta.dirname, '../fixtures/hello');

export const CAPTURES = Object.entries(
  JSON.parse(readFileSync(join(folder, 'captures.json'), 'utf8')) as Record<string, Capture>,
).map(([name, about]) => ({ name, about, bytes: readFileSync(join(folder, `${name}.bin`)) }));

export function capture(name: string): Buffer {
  return readFileSync(join(folder, `${name}.bin`));
}
