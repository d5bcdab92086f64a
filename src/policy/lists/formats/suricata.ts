/**
 * Suricata rules on `tls.sni`: the transform `dotprefix` with `endswith` covers a name with its subdomains, without a
 * dot in front of what is asked for; a content with `startswith; endswith` is that host alone. Works from Suricata 6.
 * No package to try it with is at hand; the grammar follows the project's documentation.
 */
import { giveName, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

/** Rule numbers of local use begin at 1,000,000. */
const FIRST_SID = 1_000_000;

export const suricataImporter: Importer = {
  format: 'suricata',
  about: 'Suricata rules on tls.sni, as exported here',
  recognises: line => /^(?:alert|drop|reject|pass)\s+tls\s.*tls[._]sni;/.test(line),
  open: (sink, options) =>
    lineReader((raw, number) => {
      const line = raw.trim();
      if (line === '' || line.startsWith('#')) return sink.ignore();
      const m = /^(alert|drop|reject|pass)\s+tls\s.*\btls\.sni;\s*(.*)\)$/.exec(line);
      if (m === null) return sink.reject(number, 'no rule on tls.sni', line);
      const [, kind, body = ''] = m;
      const action = kind === 'pass' ? 'allow' : 'deny';
      const below = /^dotprefix;\s*content:"\.([^"|]+)";\s*nocase;\s*endswith;/.exec(body);
      if (below !== null) return giveName(sink, options, below[1] ?? '', 'both', action, number, line);
      const exact = /^content:"([^".|][^"|]*)";\s*nocase;\s*startswith;\s*endswith;/.exec(body);
      if (exact !== null) return giveName(sink, options, exact[1] ?? '', 'exact', action, number, line);
      sink.reject(number, 'a rule of another shape', line);
    }, sink),
};

export const suricataExporter: Exporter = {
  format: 'suricata',
  about: 'Suricata rules on tls.sni',
  matches: ['exact', 'both'],
  actions: ['deny', 'allow', 'passthrough'],
  exceptions: 'they-win',
  precedence: 'pass rules come before drop, reject and alert (the default action order).',
  mediaType: 'text/plain',
  files(input) {
    const lines = function* (): Generator<string> {
      yield* head(suricataExporter, input, '#');
      let sid = FIRST_SID;
      const kind = input.action === 'deny' ? 'drop' : 'pass';
      for (const e of input.entries) yield rule(kind, input.name, e, sid++);
      for (const e of input.exceptions) yield rule('pass', input.name, e, sid++);
    };
    return [{ name: `${input.name}.rules`, lines: { [Symbol.iterator]: lines } }];
  },
};

function rule(kind: string, list: string, e: { name: string; match: string }, sid: number): string {
  const content =
    e.match === 'both'
      ? `dotprefix; content:".${e.name}"; nocase; endswith;`
      : `content:"${e.name}"; nocase; startswith; endswith;`;
  return `${kind} tls any any -> any any (msg:"sightglass ${list}"; tls.sni; ${content} sid:${sid}; rev:1;)`;
}
