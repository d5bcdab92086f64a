/** The version of this product, as package.json says it: two floors up in the sources, three in dist. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const VERSION = read();

function read(): string {
  for (let at = import.meta.dirname; at !== dirname(at); at = dirname(at)) {
    try {
      const manifest = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as Record<string, unknown>;
      if (manifest['name'] === 'sightglass') return String(manifest['version']);
    } catch {
      // Not in this folder: look one floor up.
    }
  }
  return 'unknown';
}
