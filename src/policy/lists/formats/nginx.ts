/**
 * nginx stream map on `$ssl_preread_server_name` with `hostnames;`: `.name` covers a name with its subdomains, `*.name`
 * the subdomains, `name` that host. nginx prefers the exact name, then the longest wildcard. A key that stands twice is
 * fatal to nginx; the caller has removed doubles.
 */
import { beforeHash, givePattern, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { patternText } from '../../pattern.ts';
import type { Pattern } from '../../pattern.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

export const nginxImporter: Importer = {
  format: 'nginx',
  about: 'nginx map with hostnames: .example.com 1;',
  recognises: line => /^(?:hostnames;|map\s+\$\S+\s+\$\S+\s*\{|"?(?:\*?\.)?[\w.-]+"?\s+\S+;)$/.test(line),
  open: (sink, options) =>
    lineReader((raw, number) => {
      const line = beforeHash(raw);
      if (
        line === '' ||
        line === 'hostnames;' ||
        line === '}' ||
        /^map\s.*\{$/.test(line) ||
        /^default\s/.test(line)
      )
        return sink.ignore();
      const m = /^"?([^"\s;]+)"?\s+"?([^"\s;]+)"?;$/.exec(line);
      if (m === null) return sink.reject(number, 'not of the form name value;', line);
      const [, quoted = '', value = ''] = m;
      const key = quoted.replace(/^\\/, '');
      if (key.startsWith('~')) return sink.reject(number, 'a regular expression', line);
      if (key.endsWith('.*')) return sink.reject(number, 'a star at the end', line);
      givePattern(sink, { ...options, bare: 'exact' }, key, value === '0' ? 'allow' : null, number);
    }, sink),
};

export const nginxExporter: Exporter = {
  format: 'nginx',
  about: 'nginx stream map on $ssl_preread_server_name, included at the level of "stream"',
  matches: ['exact', 'subdomains', 'both'],
  actions: ['deny', 'allow', 'passthrough', 'seen'],
  exceptions: 'longest-wins',
  precedence: 'The exact name wins, then the longest wildcard; names on the list give 1, others 0.',
  mediaType: 'text/plain',
  files(input) {
    const lines = function* (): Generator<string> {
      yield* head(nginxExporter, input, '#');
      yield `map $ssl_preread_server_name $sightglass_${input.name.replace(/[^A-Za-z0-9]/g, '_')} {`;
      yield '  hostnames;';
      yield '  default 0;';
      for (const e of input.entries) yield `  ${source(e)} 1;`;
      for (const e of input.exceptions) yield `  ${source(e)} 0;`;
      yield '}';
    };
    return [{ name: `${input.name}.nginx.conf`, lines: { [Symbol.iterator]: lines } }];
  },
};

/** Words that mean something else at the beginning of a map's line; a host of that name is written behind a backslash. */
const SPECIAL = new Set(['default', 'hostnames', 'include', 'volatile']);

function source(pattern: Pattern): string {
  const text = patternText(pattern);
  return SPECIAL.has(text) ? `\\${text}` : text;
}
