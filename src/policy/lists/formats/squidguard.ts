/**
 * squidGuard categories: a folder per category with a file `domains`, one name per line that always covers its
 * subdomains. Collections such as UT1 come as archives of such folders; policy/lists/tree walks them. The files `urls`
 * and `expressions` look at more than the name and cannot become patterns.
 */
import { giveName, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

export const squidguardImporter: Importer = {
  format: 'squidguard',
  about: 'squidGuard: a domains file, a folder of categories, or their tar.gz (UT1)',
  // A domains file looks like a plain list and means subdomains too: it has to be named, or come in its folder.
  recognises: () => false,
  open: (sink, options) =>
    lineReader((raw, number) => {
      const line = raw.trim();
      if (line === '' || line.startsWith('#')) return sink.ignore();
      if (line.includes('/')) return sink.reject(number, 'a URL with a path covers less than its host', line);
      giveName(sink, options, line.replace(/^\./, ''), 'both', 'deny', number, line);
    }, sink),
};

export const squidguardExporter: Exporter = {
  format: 'squidguard',
  about: 'squidGuard category folder; always covers subdomains',
  matches: ['both'],
  actions: ['deny', 'allow', 'passthrough', 'seen'],
  exceptions: 'none',
  precedence: 'The order of categories in the pass line of the acl decides.',
  mediaType: 'text/plain',
  files(input) {
    const domains = function* (): Generator<string> {
      yield* head(squidguardExporter, input, '#');
      for (const e of input.entries) yield e.name;
    };
    return [
      { name: `${input.name}/domains`, lines: { [Symbol.iterator]: domains } },
      { name: `${input.name}/urls`, lines: [] },
    ];
  },
};
