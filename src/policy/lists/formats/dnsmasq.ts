/**
 * dnsmasq configuration: `address=/name/`, `local=/name/` and `server=/name/` answer NXDOMAIN for a name with its
 * subdomains, `server=/name/#` lets it through. The longest name wins, so exceptions inside wider entries work.
 */
import { beforeHash, giveName, isSinkhole, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

export const dnsmasqImporter: Importer = {
  format: 'dnsmasq',
  about: 'dnsmasq: address=/example.com/ and server=/example.com/#',
  recognises: line => /^(?:address|local|server)\s*=\s*\/[^/]+\//.test(line),
  open: (sink, options) =>
    lineReader((raw, number) => {
      // `#` alone is also the value that lets a name through.
      const line = /\/\s*#\s*$/.test(raw)
        ? raw.trim()
        : beforeHash(raw.replace(/\/#/g, '/\u0001')).replace(/\u0001/g, '#');
      if (line === '') return sink.ignore();
      const m = /^(address|local|server)\s*=\s*\/(.*)\/([^/]*)$/.exec(line);
      if (m === null) return sink.reject(number, 'not of the form address=/name/', line);
      const [, kind, names = '', value = ''] = m;
      const allow = kind !== 'address' && value === '#';
      const deny = value === '' || (kind === 'address' && (value === '#' || isSinkhole(value)));
      if (!allow && !deny) return sink.reject(number, 'answers with another address or server', line);
      for (const name of names.split('/')) {
        if (name === '#') sink.reject(number, 'covers every name', line);
        else if (name === '') sink.reject(number, 'covers names without a dot', line);
        else if (name.includes('*')) sink.reject(number, 'a star inside a name', line);
        else giveName(sink, options, name.replace(/^\./, ''), 'both', allow ? 'allow' : 'deny', number, line);
      }
    }, sink),
};

export const dnsmasqExporter: Exporter = {
  format: 'dnsmasq',
  about: 'dnsmasq configuration; always covers subdomains',
  matches: ['both'],
  actions: ['deny', 'allow', 'passthrough'],
  exceptions: 'longest-wins',
  precedence: 'The longest matching name wins.',
  mediaType: 'text/plain',
  files(input) {
    const lines = function* (): Generator<string> {
      yield* head(dnsmasqExporter, input, '#');
      for (const e of input.entries)
        yield input.action === 'deny' ? `address=/${e.name}/` : `server=/${e.name}/#`;
      for (const e of input.exceptions) yield `server=/${e.name}/#`;
    };
    return [{ name: `${input.name}.dnsmasq.conf`, lines: { [Symbol.iterator]: lines } }];
  },
};
