/**
 * Palo Alto external dynamic list of type Domain: one name per line, `*.name` for its subdomains. A name with its
 * subdomains takes two lines. No validator of the vendor is at hand; the grammar follows the vendor's documentation.
 */
import { beforeHash, givePattern, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

export const panEdlImporter: Importer = {
  format: 'pan-edl',
  about: 'Palo Alto external dynamic list of type Domain',
  // The same lines as plain lists, so there is nothing to recognise.
  recognises: () => false,
  open: (sink, options) =>
    lineReader((raw, number) => {
      const line = beforeHash(raw);
      if (line === '') return sink.ignore();
      if (line.includes('^')) return sink.reject(number, 'the placeholder ^ covers exactly one label', line);
      givePattern(sink, { ...options, bare: 'exact' }, line.replace(/\/$/, ''), null, number);
    }, sink),
};

export const panEdlExporter: Exporter = {
  format: 'pan-edl',
  about: 'Palo Alto external dynamic list of type Domain',
  matches: ['exact', 'subdomains', 'both'],
  actions: ['deny', 'allow', 'passthrough', 'seen'],
  exceptions: 'none',
  precedence: 'The first security or decryption rule that names the list decides.',
  mediaType: 'text/plain',
  files(input) {
    const lines = function* (): Generator<string> {
      yield* head(panEdlExporter, input, '#');
      for (const e of input.entries) {
        if (e.match !== 'subdomains') yield e.name;
        if (e.match !== 'exact') yield `*.${e.name}`;
      }
    };
    return [{ name: `${input.name}.edl.txt`, lines: { [Symbol.iterator]: lines } }];
  },
};
