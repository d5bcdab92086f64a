/**
 * Our own policy syntax: a document with one list and one rule that names it, ready to be used or merged. A short list
 * stands inline, a long one in a plain file beside it. Reading takes the lines below `domains:` and nothing else, so
 * that a list can be taken out of any of our policies.
 */
import { patternText } from '../../pattern.ts';
import { givePattern, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';
import { plainExporter } from './plain.ts';

/** Entries up to which a list stands inside the document; parsing YAML takes longer than reading a list. */
const INLINE_MAX = 10_000;

export const sightglassImporter: Importer = {
  format: 'sightglass',
  about: 'policy document, as exported here: the entries below "domains:"',
  recognises: line => /^(?:version: 1|lists:|domains:|rules:|- '[^']+')$/.test(line),
  open(sink, options) {
    let indent = -1;
    return lineReader((raw, number) => {
      const text = raw.trim();
      if (text === '' || text.startsWith('#')) return sink.ignore();
      const depth = raw.length - raw.trimStart().length;
      if (/^domains:$/.test(text)) {
        indent = depth;
        return sink.ignore();
      }
      const item = /^- (?:'([^']+)'|"([^"]+)"|([^'"#\s]+))(?:\s+#.*)?$/.exec(text);
      if (indent < 0 || depth < indent || !text.startsWith('-')) {
        indent = -1;
        // A list in one line holds names that would be lost without a word.
        if (/\bdomains:\s*(?:\[\s*)?[^\]\s[]/.test(text))
          return sink.reject(number, 'write one name per line below domains:', text);
        return sink.ignore();
      }
      if (item === null) return sink.reject(number, 'not of the form - name', text);
      givePattern(sink, { ...options, bare: 'exact' }, item[1] ?? item[2] ?? item[3] ?? '', null, number);
    }, sink);
  },
};

export const sightglassExporter: Exporter = {
  format: 'sightglass',
  about: 'Sightglass policy with the list inline',
  matches: ['exact', 'subdomains', 'both'],
  actions: ['deny', 'allow', 'passthrough', 'seen'],
  exceptions: 'none',
  precedence: 'Rules are tried in order, the first that matches decides.',
  mediaType: 'application/yaml',
  files(input) {
    const action = { deny: 'block', allow: 'inspect', passthrough: 'passthrough', seen: null }[input.action];
    const inline = input.entries.length <= INLINE_MAX;
    const lines = function* (): Generator<string> {
      yield* head(sightglassExporter, input, '#');
      yield 'version: 1';
      yield 'lists:';
      yield `  '${input.name}':`;
      yield '    allow-public-suffix: true';
      if (!inline) yield `    file: '${input.name}.txt'`;
      else {
        yield input.entries.length === 0 ? '    domains: []' : '    domains:';
        for (const e of input.entries) yield `      - '${patternText(e)}'`;
      }
      if (action === null) return;
      yield 'rules:';
      yield `  - { name: '${input.name}', when: { host: 'list:${input.name}' }, action: ${action} }`;
    };
    const document = { name: `${input.name}.yaml`, lines: { [Symbol.iterator]: lines } };
    return inline ? [document] : [document, ...plainExporter.files(input)];
  },
};
