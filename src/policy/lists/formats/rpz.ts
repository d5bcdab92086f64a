/**
 * Response policy zones (draft-vixie-dnsop-dns-rpz): records below the zone's name say what resolvers answer. `name` is
 * that host alone, `*.name` all names below it, so a name with its subdomains takes two records. Understood are
 * `$ORIGIN`, `$TTL`, records that leave the owner out, and parentheses; triggers other than the name are rejected.
 */
import { giveName, isSinkhole, lineReader } from '../reader.ts';
import type { Importer } from '../reader.ts';
import { leftOf } from '../tidy.ts';
import type { Pattern } from '../../pattern.ts';
import type { EntryAction } from '../entry.ts';
import { head } from '../writer.ts';
import type { Exporter } from '../writer.ts';

export const rpzImporter: Importer = {
  format: 'rpz',
  about: 'response policy zone: example.com CNAME .',
  recognises: line => /^\$(?:TTL|ORIGIN)\s|\sSOA\s|^\S+\s+(?:\d+\s+)?(?:IN\s+)?CNAME\s+\S+$/i.test(line),
  open(sink, options) {
    let origin = '';
    let owner = '';
    let depth = 0;
    return lineReader((raw, number) => {
      const line = raw.replace(/;.*$/, '');
      const text = line.trim();
      const inside = depth > 0;
      depth = Math.max(0, depth + count(text, '(') - count(text, ')'));
      if (text === '' || inside || /^\$TTL\s/i.test(text)) return sink.ignore();
      const directive = /^\$ORIGIN\s+(\S+)$/i.exec(text);
      if (directive !== null) {
        origin = (directive[1] ?? '').replace(/\.$/, '').toLowerCase();
        return sink.ignore();
      }
      if (text.startsWith('$')) return sink.reject(number, 'a directive that is not understood', text);
      const words = text.split(/\s+/);
      if (!/^\s/.test(line)) owner = words.shift() ?? '';
      while (/^(?:\d+[smhdw]?|IN|CH|HS)$/i.test(words[0] ?? '')) words.shift();
      const type = (words.shift() ?? '').toUpperCase();
      if (type === 'SOA' || type === 'NS') {
        // The owner of the SOA is the zone itself: absolute names below lie in it.
        if (type === 'SOA' && owner.endsWith('.') && origin === '') origin = owner.slice(0, -1).toLowerCase();
        return sink.ignore();
      }
      const action = actionOf(type, words.join(' '));
      if (action === null) return sink.reject(number, 'answers with another record', text);
      const name = relative(owner, origin);
      if (name === null) return sink.reject(number, 'outside the zone', text);
      if (/(?:^|\.)rpz-(?:ip|client-ip|nsip|nsdname)$/i.test(name))
        return sink.reject(number, 'looks at addresses or name servers', text);
      const star = name.startsWith('*.');
      giveName(
        sink,
        options,
        star ? name.slice(2) : name,
        star ? 'subdomains' : 'exact',
        action,
        number,
        text,
      );
    }, sink);
  },
};

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}

function actionOf(type: string, value: string): EntryAction | null {
  if (type === 'A' || type === 'AAAA') return isSinkhole(value) ? 'deny' : null;
  if (type !== 'CNAME') return null;
  switch (value.toLowerCase()) {
    case '.':
    case '*.':
    case 'rpz-drop.':
      return 'deny';
    case 'rpz-passthru.':
      return 'allow';
    default:
      return null;
  }
}

/** The name that a record's owner triggers on; null when it lies outside the zone. */
function relative(owner: string, origin: string): string | null {
  if (!owner.endsWith('.')) return owner;
  const name = owner.slice(0, -1);
  if (origin === '') return null;
  return name.toLowerCase().endsWith(`.${origin}`) ? name.slice(0, -origin.length - 1) : null;
}

/** Names within a zone have at most 255 octets together with the zone's own; "rpz.local" leaves 243. */
const ZONE = 'rpz.local';

export const rpzExporter: Exporter = {
  format: 'rpz',
  about: 'response policy zone for BIND, Unbound, PowerDNS and Knot',
  matches: ['exact', 'subdomains', 'both'],
  actions: ['deny', 'allow', 'passthrough'],
  exceptions: 'longest-wins',
  precedence: 'Within one zone the longest matching name wins; between zones the order of configuration.',
  mediaType: 'text/dns',
  files(input) {
    const lines = function* (): Generator<string> {
      yield* head(rpzExporter, input, ';');
      yield '$TTL 300';
      yield `$ORIGIN ${ZONE}.`;
      yield `@ SOA localhost. hostmaster.localhost. ${serial(input.generated)} 3600 600 86400 300`;
      yield '@ NS localhost.';
      const answer = input.action === 'deny' ? '.' : 'rpz-passthru.';
      for (const e of input.entries) yield* records(e, answer);
      for (const e of input.exceptions) yield* records(e, 'rpz-passthru.');
      for (const e of filled(input.entries, input.exceptions))
        yield* records(e, e.listed ? answer : 'rpz-passthru.');
    };
    return [{ name: `${input.name}.rpz.zone`, lines: { [Symbol.iterator]: lines } }];
  },
};

function* records(e: { name: string; match: string }, answer: string): Generator<string> {
  if (e.match !== 'subdomains') yield `${e.name} CNAME ${answer}`;
  if (e.match !== 'exact') yield `*.${e.name} CNAME ${answer}`;
}

interface Filled extends Pattern {
  /** Whether it repeats an entry, not an exception. */
  listed: boolean;
}

/**
 * Records that keep wildcards whole. A DNS wildcard covers no name that exists in the zone, not even one that exists only
 * because something lies below it (RFC 4592 §2.2.2, §4.4): with `*.a` and `x.y.a` in the zone, `y.a` and `z.y.a` would
 * fall out of `*.a`. So every name between a wildcard and a record below it says itself what the wildcard says.
 */
function* filled(entries: readonly Pattern[], exceptions: readonly Pattern[]): Generator<Filled> {
  if (exceptions.length === 0) return;
  const exact = new Map<string, boolean>();
  const below = new Map<string, boolean>();
  for (const [of, listed] of [
    [entries, true],
    [exceptions, false],
  ] as const)
    for (const { name, match } of of) {
      if (match !== 'subdomains') exact.set(name, listed);
      if (match !== 'exact') below.set(name, listed);
    }
  /** What the nearest wildcard above a name says. */
  const fromAbove = (name: string): boolean | undefined => {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const listed = below.get(name.slice(dot + 1));
      if (listed !== undefined) return listed;
    }
    return undefined;
  };
  const done = new Set<string>();
  for (const { name } of [...exceptions, ...entries])
    for (let at = name; at !== ''; at = at.includes('.') ? at.slice(at.indexOf('.') + 1) : '') {
      if (done.has(at)) break;
      done.add(at);
      const listed = fromAbove(at);
      if (listed === undefined) break;
      const match = leftOf('both', exact.has(at), below.has(at));
      if (match !== null) yield { name: at, match, listed };
    }
}

/** Seconds since 2020, so that a later export always has a larger serial (RFC 1982) for a century. */
function serial(generated: string): number {
  const seconds = Math.floor((Date.parse(generated) - Date.UTC(2020, 0, 1)) / 1000);
  return Number.isFinite(seconds) && seconds > 0 ? seconds % 2 ** 32 : 1;
}
