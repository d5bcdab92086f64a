/**
 * Squid files for `ssl::server_name` and `dstdomain`: `.name` covers a name with its subdomains, `name` that host alone.
 * A star is taken literally by Squid, so none is ever written and one that is read is rejected.
 */
import { beforeHash, givePattern, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

/** `acl name type [-options] values…` of the types that compare names. */
const ACL = /^acl\s+\S+\s+(?:dstdomain|ssl::server_name|srcdomain)\s+(.*)$/;

export const squidImporter: Importer = {
  format: 'squid',
  about: 'Squid: a file for ssl::server_name or dstdomain, or acl lines',
  recognises: line => ACL.test(line),
  open: (sink, options) =>
    lineReader((raw, number) => {
      const line = beforeHash(raw);
      if (line === '') return sink.ignore();
      const acl = ACL.exec(line);
      if (acl === null && /^acl\s/.test(line)) return sink.reject(number, 'an acl of another type', line);
      const words = (acl?.[1] ?? line).split(/\s+/).filter(w => !w.startsWith('-'));
      for (const word of words) {
        if (word.includes('*')) sink.reject(number, 'Squid takes a star literally', line);
        else if (word.startsWith('"')) sink.reject(number, 'names another file', line);
        else givePattern(sink, { ...options, bare: 'exact' }, word, null, number);
      }
    }, sink),
};

export const squidExporter: Exporter = {
  format: 'squid',
  about: 'Squid: acl NAME ssl::server_name "/path/of/this/file"',
  matches: ['exact', 'both'],
  actions: ['deny', 'allow', 'passthrough', 'seen'],
  exceptions: 'none',
  precedence: 'The first matching http_access or ssl_bump line decides.',
  mediaType: 'text/plain',
  files(input) {
    const lines = function* (): Generator<string> {
      yield* head(squidExporter, input, '#');
      for (const e of input.entries) yield e.match === 'both' ? `.${e.name}` : e.name;
    };
    return [{ name: `${input.name}.squid.txt`, lines: { [Symbol.iterator]: lines } }];
  },
};
