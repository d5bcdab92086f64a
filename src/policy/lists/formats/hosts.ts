/**
 * Hosts files as block lists: `0.0.0.0 name name # comment`. Each name is that host alone. Lines that point elsewhere
 * than nowhere are address book entries, not blocks, and are rejected.
 */
import { beforeHash, giveName, isSinkhole, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

/** Names that hosts files define for the machine itself. */
const OWN = new Set([
  'localhost',
  'localhost.localdomain',
  'localhost4',
  'localhost6',
  'local',
  'broadcasthost',
  'loopback',
  'ip6-localhost',
  'ip6-loopback',
  'ip6-localnet',
  'ip6-mcastprefix',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-allhosts',
]);

/** Lines with which every hosts file begins. */
const FURNITURE = /^(?:255\.255\.255\.255|fe80::1%lo0|fe00::0|ff0[02]::[0-3])$/i;

export const hostsImporter: Importer = {
  format: 'hosts',
  about: 'hosts file: 0.0.0.0 ads.example',
  recognises: line => /^(?:0\.0\.0\.0|127\.0\.0\.1|::1?|0)\s+\S/.test(line),
  open: (sink, options) =>
    lineReader((raw, number) => {
      const line = beforeHash(raw);
      if (line === '') return sink.ignore();
      const [address = '', ...names] = line.split(/\s+/);
      if (FURNITURE.test(address)) return sink.ignore();
      if (!isSinkhole(address))
        return sink.reject(
          number,
          /^[0-9.]+$|:/.test(address)
            ? 'points to an address, so it is no block'
            : 'does not begin with an address',
          line,
        );
      if (names.length === 0) return sink.reject(number, 'an address without a name', line);
      for (const name of names) {
        if (OWN.has(name.toLowerCase().replace(/\.$/, '')) || isSinkhole(name)) sink.ignore();
        else giveName(sink, options, name, 'exact', 'deny', number, line);
      }
    }, sink),
};

export const hostsExporter: Exporter = {
  format: 'hosts',
  about: 'hosts file; knows single hosts only',
  matches: ['exact'],
  actions: ['deny'],
  exceptions: 'none',
  precedence: 'The first line of a name counts. Subdomains are not covered.',
  mediaType: 'text/plain',
  files(input) {
    const lines = function* (): Generator<string> {
      yield* head(hostsExporter, input, '#');
      for (const e of input.entries) yield `0.0.0.0 ${e.name}`;
    };
    return [{ name: `${input.name}.hosts`, lines: { [Symbol.iterator]: lines } }];
  },
};
