/**
 * AdBlock syntax as DNS blockers read it: `||name^` blocks a name with its subdomains, `@@||name^` excepts it. Rules
 * that look at more than the name (paths, modifiers, regular expressions) cannot become patterns and are rejected;
 * cosmetic rules say nothing about names and are ignored.
 */
import { giveName, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

/** `##`, `#@#`, `#?#`, `#$#`, `#%#`, `$$`: rules for the page, not for the name. */
const COSMETIC = /#[@?$%]{0,3}#|\$\$/;
/** Modifiers that leave a rule's meaning for a name as it is. */
const HARMLESS = new Set(['important', 'all', 'document', 'doc']);

export const adblockImporter: Importer = {
  format: 'adblock',
  about: 'AdBlock: ||example.com^ and @@||example.com^',
  recognises: line => /^(?:@@)?\|\|[^/\s]+\^|^\[adblock/i.test(line),
  open: (sink, options) =>
    lineReader((raw, number) => {
      const line = raw.trim();
      if (
        line === '' ||
        line.startsWith('!') ||
        line.startsWith('[') ||
        COSMETIC.test(line) ||
        /^# /.test(line) ||
        line === '#'
      )
        return sink.ignore();
      const allow = line.startsWith('@@');
      const rule = allow ? line.slice(2) : line;
      if (rule.startsWith('/')) return sink.reject(number, 'a regular expression', line);
      const m = /^\|\|(\*\.)?([^\^/*$|]+)(.*)$/.exec(rule);
      if (m === null) return sink.reject(number, 'not of the form ||name^', line);
      const [, star, name = '', tail = ''] = m;
      if (!tail.startsWith('^'))
        return sink.reject(
          number,
          tail.startsWith('/') ? 'looks at the path' : 'without ^ it also covers longer names',
          line,
        );
      const modifiers = /^\^\|?(?:\$(.*))?$/.exec(tail);
      if (modifiers === null) return sink.reject(number, 'looks at the path', line);
      const unknown = (modifiers[1] ?? '').split(',').filter(w => w !== '' && !HARMLESS.has(w));
      if (unknown.length > 0) return sink.reject(number, 'a modifier that a pattern cannot express', line);
      giveName(
        sink,
        options,
        name,
        star === undefined ? 'both' : 'subdomains',
        allow ? 'allow' : 'deny',
        number,
        line,
      );
    }, sink),
};

export const adblockExporter: Exporter = {
  format: 'adblock',
  about: 'AdBlock syntax for AdGuard Home, Pi-hole and browsers; always covers subdomains',
  matches: ['both'],
  actions: ['deny', 'allow', 'passthrough'],
  exceptions: 'they-win',
  precedence: 'An exception (@@) wins over every block, in whatever order they stand.',
  mediaType: 'text/plain',
  files(input) {
    const lines = function* (): Generator<string> {
      yield '[Adblock Plus]';
      yield* head(adblockExporter, input, '!');
      const mark = input.action === 'deny' ? '' : '@@';
      for (const e of input.entries) yield `${mark}||${e.name}^`;
      for (const e of input.exceptions) yield `@@||${e.name}^`;
    };
    return [{ name: `${input.name}.adblock.txt`, lines: { [Symbol.iterator]: lines } }];
  },
};
