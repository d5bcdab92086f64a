/**
 * Unbound configuration: `local-zone: "name." always_nxdomain` refuses a name with its subdomains, a `local-data` line
 * that points to nowhere refuses that host alone, `transparent` zones let through. The closest enclosing zone wins.
 */
import { beforeHash, giveName, isSinkhole, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

const REFUSING = new Set([
  'always_nxdomain',
  'always_nodata',
  'always_null',
  'always_refuse',
  'always_deny',
  'refuse',
  'deny',
  'static',
  'redirect',
  'inform_deny',
  'inform_redirect',
]);
const OPEN = new Set(['transparent', 'always_transparent', 'typetransparent', 'inform', 'nodefault']);

export const unboundImporter: Importer = {
  format: 'unbound',
  about: 'Unbound: local-zone: "example.com." always_nxdomain',
  recognises: line => /^(?:local-zone|local-data)\s*:/.test(line),
  open: (sink, options) =>
    lineReader((raw, number) => {
      const line = beforeHash(raw);
      if (line === '' || line === 'server:') return sink.ignore();
      const zone = /^local-zone\s*:\s*"?([^"\s]+)"?\s+"?([a-z_]+)"?$/.exec(line);
      if (zone !== null) {
        const [, name = '', type = ''] = zone;
        if (!REFUSING.has(type) && !OPEN.has(type)) return sink.reject(number, 'unknown type of zone', line);
        return giveName(sink, options, name, 'both', OPEN.has(type) ? 'allow' : 'deny', number, line);
      }
      const data = /^local-data\s*:\s*(["'])(.*)\1$/.exec(line);
      if (data === null) return sink.reject(number, 'neither local-zone nor local-data', line);
      const m = /^(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(A|AAAA)\s+(\S+)$/i.exec((data[2] ?? '').trim());
      if (m === null || !isSinkhole(m[3] ?? ''))
        return sink.reject(number, 'answers with another record', line);
      giveName(sink, options, m[1] ?? '', 'exact', 'deny', number, line);
    }, sink),
};

export const unboundExporter: Exporter = {
  format: 'unbound',
  about: 'Unbound configuration, included below "server:"',
  matches: ['exact', 'both'],
  passMatches: ['both'],
  actions: ['deny', 'allow', 'passthrough'],
  exceptions: 'longest-wins',
  precedence: 'The closest enclosing zone wins.',
  mediaType: 'text/plain',
  files(input) {
    const lines = function* (): Generator<string> {
      yield* head(unboundExporter, input, '#');
      yield 'server:';
      for (const e of input.entries) {
        if (input.action !== 'deny') yield `  local-zone: "${e.name}." always_transparent`;
        else if (e.match === 'both') yield `  local-zone: "${e.name}." always_nxdomain`;
        else {
          yield `  local-data: "${e.name}. A 0.0.0.0"`;
          yield `  local-data: "${e.name}. AAAA ::"`;
        }
      }
      for (const e of input.exceptions) yield `  local-zone: "${e.name}." always_transparent`;
    };
    return [{ name: `${input.name}.unbound.conf`, lines: { [Symbol.iterator]: lines } }];
  },
};
