/**
 * HAProxy pattern files: exact names for `req.ssl_sni -i -m str -f`, endings for `req.ssl_sni -i -m end -f`. An ending
 * is always written with its leading dot, because `-m end ads.test` would match badads.test as well; it then misses the
 * name itself, which is why a name with its subdomains stands in both files.
 */
import { beforeHash, giveName, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

export const haproxyImporter: Importer = {
  format: 'haproxy',
  about: 'HAProxy: a file of names (-m str) or of endings with a leading dot (-m end)',
  // Looks like a plain list, whose leading dot means something else: it has to be named.
  recognises: () => false,
  open: (sink, options) =>
    lineReader((raw, number) => {
      const line = beforeHash(raw);
      if (line === '') return sink.ignore();
      if (line.startsWith('.')) giveName(sink, options, line.slice(1), 'subdomains', null, number, line);
      else giveName(sink, options, line, 'exact', null, number, line);
    }, sink),
};

export const haproxyExporter: Exporter = {
  format: 'haproxy',
  about: 'HAProxy: two pattern files, for -m str and for -m end',
  matches: ['exact', 'subdomains', 'both'],
  actions: ['deny', 'allow', 'passthrough', 'seen'],
  exceptions: 'none',
  precedence: 'Either acl may match; the first matching use_backend or reject line decides.',
  mediaType: 'text/plain',
  files(input) {
    const exact = function* (): Generator<string> {
      yield* head(haproxyExporter, input, '#');
      yield `# acl ${input.name} req.ssl_sni -i -m str -f ${input.name}.exact.lst`;
      for (const e of input.entries) if (e.match !== 'subdomains') yield e.name;
    };
    const suffix = function* (): Generator<string> {
      yield* head(haproxyExporter, input, '#');
      yield `# acl ${input.name} req.ssl_sni -i -m end -f ${input.name}.suffix.lst`;
      for (const e of input.entries) if (e.match !== 'exact') yield `.${e.name}`;
    };
    return [
      { name: `${input.name}.exact.lst`, lines: { [Symbol.iterator]: exact } },
      { name: `${input.name}.suffix.lst`, lines: { [Symbol.iterator]: suffix } },
    ];
  },
};
