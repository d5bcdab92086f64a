/** The files of the checkout as git sees them, for tests about the house as a whole. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

/** Files that are committed or would be, with forward slashes, relative to the root, in order. */
export function tree(): string[] {
  const out = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  return [...new Set(out.split('\0'))].filter(path => path !== '' && existsSync(join(ROOT, path))).sort();
}

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Sources of the product that run in Node. */
export function sources(): string[] {
  return tree().filter(path => /^(src|ca|web\/server)\/.*\.ts$/.test(path));
}
