/**
 * The files of the checkout, for tests about the house as a whole. Walked and not asked of git, so that the tests also run
 * in an unpacked archive and in a checkout that belongs to another user.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

/** What .gitignore names (a test compares them), and git's own folder. */
export const IGNORED: readonly string[] = ['node_modules', 'dist', '.cache', '.git', 'tmp', 'build'];

/** Files of the checkout with forward slashes, relative to the root, in order. */
export function tree(folder = ''): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      // `tmp` and the like are ignored at the root only; node_modules and dist nowhere hold sources.
      if (!(IGNORED.includes(entry.name) && (folder === '' || entry.name === 'node_modules')))
        found.push(...tree(path));
    } else if (entry.isFile() && !entry.name.endsWith('.log')) found.push(path);
  }
  return found.sort();
}

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Sources of the product that run in Node. */
export function sources(): string[] {
  return tree().filter(path => /^(src|ca|web\/server)\/.*\.ts$/.test(path));
}
