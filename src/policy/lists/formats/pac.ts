/**
 * Proxy auto-configuration: names on the list go direct (passthrough) or to nowhere (deny), everything else to the
 * proxy. Written in the JavaScript of the first browsers, because PAC interpreters differ; lists are looked up in two
 * objects, so that a long list does not slow every request. Only for export: it is a program, not a list.
 */
import type { ListEntry } from '../entry.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

export const pacExporter: Exporter = {
  format: 'pac',
  about: 'proxy auto-configuration: DIRECT for passthrough and allow, nowhere for deny',
  matches: ['exact', 'subdomains', 'both'],
  actions: ['deny', 'allow', 'passthrough'],
  exceptions: 'longest-wins',
  precedence: 'The exact name wins, then the longest name above it.',
  mediaType: 'application/x-ns-proxy-autoconfig',
  files(input) {
    const proxy = `PROXY ${input.proxy ?? 'proxy.invalid:8080'}`;
    // Port 9 is discard: where nothing listens a browser fails at once and says so.
    const listed = input.action === 'deny' ? 'PROXY 127.0.0.1:9' : 'DIRECT';
    const lines = function* (): Generator<string> {
      yield* head(pacExporter, input, '//');
      yield* table('EXACT', input.entries, input.exceptions, 'subdomains');
      yield* table('BELOW', input.entries, input.exceptions, 'exact');
      yield 'var HAS = Object.prototype.hasOwnProperty;';
      yield 'function FindProxyForURL(url, host) {';
      yield "  host = host.toLowerCase().replace(/\\.$/, '');";
      yield '  var verdict = HAS.call(EXACT, host) ? EXACT[host] : -1;';
      yield "  for (var dot = host.indexOf('.'); verdict < 0 && dot >= 0; dot = host.indexOf('.', dot + 1)) {";
      yield '    var above = host.slice(dot + 1);';
      yield '    if (HAS.call(BELOW, above)) verdict = BELOW[above];';
      yield '  }';
      yield `  return verdict === 1 ? ${JSON.stringify(listed)} : ${JSON.stringify(proxy)};`;
      yield '}';
    };
    return [{ name: `${input.name}.pac`, lines: { [Symbol.iterator]: lines } }];
  },
};

/** Names are canonical (letters, digits, dots, dashes, underscores), so they need no escaping inside quotes. */
function* table(
  variable: string,
  entries: readonly ListEntry[],
  exceptions: readonly ListEntry[],
  without: string,
): Generator<string> {
  yield `var ${variable} = {`;
  for (const e of entries) if (e.match !== without) yield `  "${e.name}": 1,`;
  for (const e of exceptions) if (e.match !== without) yield `  "${e.name}": 0,`;
  yield '  "": 0';
  yield '};';
}
