/**
 * Plain: one pattern per line in our own notation, `#` comments. The format of list files in policies. A bare name is
 * that host alone unless the reader is told otherwise. URLs count only when nothing follows their host.
 */
import { patternText } from '../../pattern.ts';
import { beforeHash, givePattern, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

export const plainImporter: Importer = {
  format: 'plain',
  about: 'one name per line: example.com, *.example.com, .example.com',
  recognises: line =>
    /^(?:https?:\/\/)?(?:\*?\.)?[^\s.,;=|/"'<>{}]+(?:\.[^\s.,;=|/"'<>{}]+)+\.?\/?(?:\s+#.*)?$/.test(line),
  open: (sink, options) =>
    lineReader((raw, number) => {
      const line = beforeHash(raw);
      if (line === '') return sink.ignore();
      const url = /^[a-z][a-z0-9+.-]*:\/\/([^/?#:]*)(?::\d+)?\/?(.*)$/i.exec(line);
      if (url === null) return givePattern(sink, options, line, null, number);
      if (url[2] !== '') return sink.reject(number, 'a URL with a path covers less than its host', line);
      givePattern(sink, options, url[1] ?? '', null, number);
    }, sink),
};

export const plainExporter: Exporter = {
  format: 'plain',
  about: 'one pattern per line, the format of list files in policies',
  matches: ['exact', 'subdomains', 'both'],
  actions: ['deny', 'allow', 'passthrough', 'seen'],
  exceptions: 'none',
  precedence: 'The rule that names the list decides; rules are tried in order.',
  mediaType: 'text/plain',
  files(input) {
    const lines = function* (): Generator<string> {
      yield* head(plainExporter, input, '#');
      for (const e of input.entries) yield patternText(e);
    };
    return [{ name: `${input.name}.txt`, lines: { [Symbol.iterator]: lines } }];
  },
};
