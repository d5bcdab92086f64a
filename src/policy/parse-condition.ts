/**
 * The `when` of a rule: keys of one mapping are ANDed, several values of a key are alternatives, `all`, `any` and `not`
 * nest. Every value is checked and made canonical here, so that the evaluator compares plain texts and numbers.
 *
 * Bounds: nesting 20 deep. An empty list of values is a problem, not a condition that never or always holds.
 */
import { FAULTS } from '../core/faults.ts';
import { addressText, parseNetwork } from '../core/network.ts';
import { readTime } from './parse-time.ts';
import { parsePattern, patternText } from './pattern.ts';
import type { Condition, EchState } from './rule.ts';
import type { Place, YamlReader } from './yaml-reader.ts';

const MAX_DEPTH = 20;

export const CONDITION_KEYS = [
  'all',
  'any',
  'not',
  'host',
  'client',
  'user',
  'group',
  'listener',
  'port',
  'ingress',
  'scheme',
  'alpn',
  'tls-version',
  'ja3',
  'ja4',
  'ech',
  'no-sni',
  'sni-mismatch',
  'time',
  'origin-issuer',
  'origin-subject',
  'origin-fault',
  'method',
  'path',
  'content-type',
] as const;
type Key = (typeof CONDITION_KEYS)[number];

const INGRESSES = ['connect', 'http', 'socks5', 'transparent'] as const;
const SCHEMES = ['https', 'http'] as const;
const ECH_STATES: readonly EchState[] = ['none', 'grease-or-real', 'inner'];
const VERSIONS: Record<string, string> = {
  '1.0': 'TLS 1.0',
  '1.1': 'TLS 1.1',
  '1.2': 'TLS 1.2',
  '1.3': 'TLS 1.3',
};
/** Faults by which an origin is refused during its TLS handshake. */
const ORIGIN_FAULTS: readonly string[] = [
  '*',
  'none',
  ...Object.entries(FAULTS)
    .filter(([, fault]) => fault.phase === 'origin-tls' && fault.side === 'origin')
    .map(([code]) => code),
];

/** Read one condition; null when it had problems (then the whole document is refused anyway). */
export function readCondition(
  reader: YamlReader,
  place: Place,
  lists: ReadonlySet<string>,
  depth = 0,
): Condition | null {
  if (depth > MAX_DEPTH) {
    reader.problem(place, `conditions nest deeper than ${MAX_DEPTH}`);
    return null;
  }
  const entries = reader.mapping(place, CONDITION_KEYS);
  if (entries === null) return null;
  const parts: Condition[] = [];
  for (const [key, value] of entries) {
    const part = readPart(reader, key as Key, value, lists, depth);
    if (part !== null) parts.push(part);
  }
  const [only] = parts;
  if (only === undefined) {
    if (entries.size === 0 && reader.problems.length === 0)
      reader.problem(place, `${place.path} is empty`, 'Leave "when" out for a rule that always matches.');
    return null;
  }
  return parts.length === 1 ? only : { test: 'all', of: parts };
}

function readPart(
  reader: YamlReader,
  key: Key,
  place: Place,
  lists: ReadonlySet<string>,
  depth: number,
): Condition | null {
  switch (key) {
    case 'all':
    case 'any': {
      const of: Condition[] = [];
      for (const item of reader.items(place)) {
        const part = readCondition(reader, item, lists, depth + 1);
        if (part !== null) of.push(part);
      }
      return of.length === 0 ? empty(reader, place) : { test: key, of };
    }
    case 'not': {
      const of = readCondition(reader, place, lists, depth + 1);
      return of === null ? null : { test: 'not', of };
    }
    case 'host':
      return readHost(reader, place, lists);
    case 'client':
      return values(
        reader,
        place,
        networkText,
        'Write an address or a network such as 10.1.0.0/16.',
        networks => ({
          test: 'client',
          networks,
        }),
      );
    case 'user':
    case 'group':
      return values(
        reader,
        place,
        text => (text === '' ? null : text.toLowerCase()),
        '',
        v => ({
          test: key,
          values: v,
        }),
      );
    case 'listener':
      return values(reader, place, listenerText, 'Write host:port, or :port for any address.', v => ({
        test: 'listener',
        values: v,
      }));
    case 'port':
      return readPorts(reader, place);
    case 'ingress':
      return words(reader, place, INGRESSES, v => ({ test: 'ingress', values: v }));
    case 'scheme':
      return words(reader, place, SCHEMES, v => ({ test: 'scheme', values: v }));
    case 'alpn':
      return values(
        reader,
        place,
        text => (text === '' ? null : text),
        '',
        v => ({ test: 'alpn', values: v }),
      );
    case 'tls-version':
      return values(
        reader,
        place,
        text => VERSIONS[text.replace(/^TLS ?v?/i, '')] ?? null,
        `Valid: ${Object.keys(VERSIONS).join(', ')}.`,
        v => ({ test: 'tls-version', values: v }),
      );
    case 'ja3':
      return values(reader, place, fingerprint(/^[0-9a-f]{32}$/), 'A JA3 has 32 hexadecimal digits.', v => ({
        test: 'ja3',
        values: v,
      }));
    case 'ja4':
      return values(
        reader,
        place,
        fingerprint(/^[a-z0-9]{10}_[0-9a-f]{12}_[0-9a-f]{12}$/),
        'A JA4 looks like t13d1516h2_8daaf6152771_e5627efa2ab1; a trailing * stands for the rest.',
        v => ({ test: 'ja4', values: v }),
      );
    case 'ech': {
      const flag = reader.maybeFlag(place);
      if (flag !== null) return { test: 'ech', values: flag ? ['grease-or-real', 'inner'] : ['none'] };
      return words(reader, place, ECH_STATES, v => ({ test: 'ech', values: v }));
    }
    case 'no-sni':
    case 'sni-mismatch': {
      const flag = reader.flag(place);
      return flag === null ? null : { test: key, value: flag };
    }
    case 'time':
      return readTime(reader, place);
    case 'origin-issuer':
    case 'origin-subject':
      return values(
        reader,
        place,
        patternOfText,
        'Write a part of the name between stars: "*O=Example*".',
        v => ({
          test: key,
          values: v,
        }),
      );
    case 'origin-fault':
      return words(reader, place, ORIGIN_FAULTS, v => ({ test: 'origin-fault', values: v }));
    case 'method':
      return values(
        reader,
        place,
        text => (/^[A-Z][A-Z0-9_-]{0,31}$/.test(text) ? text : null),
        'Methods are written in capitals: GET, POST.',
        v => ({ test: 'method', values: v }),
      );
    case 'path':
      return values(
        reader,
        place,
        text => (/^[/*]/.test(text) && !text.includes('?') ? patternOfText(text) : null),
        'A path begins with / and has no query; * stands for anything: "/admin/*".',
        v => ({ test: 'path', values: v }),
      );
    case 'content-type':
      return values(
        reader,
        place,
        text => (/^[a-z0-9!#$&^_.+*-]+\/[a-z0-9!#$&^_.+*-]+$/i.test(text) ? text.toLowerCase() : null),
        'Write a media type: application/json, or multipart/*.',
        v => ({ test: 'content-type', values: v }),
      );
  }
}

/** A text with stars; bounded, and not empty. */
function patternOfText(text: string): string | null {
  return text === '' || text.length > 500 ? null : text;
}

function empty(reader: YamlReader, place: Place): null {
  if (reader.problems.length === 0)
    reader.problem(place, `${place.path} is empty`, 'Name at least one value.');
  return null;
}

/** Values of one key, each made canonical by `read` (null: not valid). */
function values(
  reader: YamlReader,
  place: Place,
  read: (text: string) => string | null,
  hint: string,
  make: (values: string[]) => Condition,
): Condition | null {
  const out: string[] = [];
  for (const item of reader.items(place)) {
    const text = reader.text(item);
    if (text === null) continue;
    const value = read(text);
    if (value === null) reader.problem(item, `${place.path} cannot be "${text}"`, hint);
    else out.push(value);
  }
  return out.length === 0 ? empty(reader, place) : make(out);
}

function words<T extends string>(
  reader: YamlReader,
  place: Place,
  valid: readonly T[],
  make: (values: T[]) => Condition,
): Condition | null {
  const out: T[] = [];
  for (const item of reader.items(place)) {
    const word = reader.oneOf(item, valid);
    if (word !== null) out.push(word);
  }
  return out.length === 0 ? empty(reader, place) : make(out);
}

function readHost(reader: YamlReader, place: Place, lists: ReadonlySet<string>): Condition | null {
  const host = {
    test: 'host' as const,
    patterns: [] as string[],
    lists: [] as string[],
    networks: [] as string[],
  };
  for (const item of reader.items(place)) {
    const text = reader.text(item);
    if (text === null) continue;
    if (text.startsWith('list:')) {
      const name = text.slice('list:'.length);
      if (lists.has(name)) host.lists.push(name);
      else reader.problem(item, `there is no list "${name}"`, knownLists(lists));
      continue;
    }
    const network = networkText(text);
    if (network !== null) {
      host.networks.push(network);
      continue;
    }
    const pattern = parsePattern(text);
    if (pattern.ok) host.patterns.push(patternText(pattern.ok));
    else
      reader.problem(
        item,
        `"${text}": ${pattern.error}`,
        pattern.error.includes('public suffix')
          ? 'If that is meant, put it into a list with "allow-public-suffix: true".'
          : 'Write example.com, *.example.com (below it), .example.com (both), list:NAME, or an address.',
      );
  }
  return host.patterns.length + host.lists.length + host.networks.length === 0 ? empty(reader, place) : host;
}

function knownLists(lists: ReadonlySet<string>): string {
  const names = [...lists].slice(0, 10);
  return names.length === 0 ? 'Define it under "lists:".' : `Lists: ${names.join(', ')}.`;
}

function networkText(text: string): string | null {
  const network = parseNetwork(text);
  if (network === null) return null;
  const [address, length] = network;
  return `${addressText(address.toString())}/${length}`;
}

function listenerText(text: string): string | null {
  const m = /^(.*):(\d{1,5})$/.exec(text);
  if (m === null || Number(m[2]) > 65535) return null;
  return text.toLowerCase();
}

function fingerprint(whole: RegExp): (text: string) => string | null {
  return text => {
    const lower = text.toLowerCase();
    if (lower.endsWith('*')) return /^[a-z0-9_]+\*$/.test(lower) ? lower : null;
    return whole.test(lower) ? lower : null;
  };
}

function readPorts(reader: YamlReader, place: Place): Condition | null {
  const ranges: [number, number][] = [];
  for (const item of reader.items(place)) {
    const text = reader.text(item);
    if (text === null) continue;
    const m = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
    const from = Number(m?.[1] ?? NaN);
    const to = Number(m?.[2] ?? m?.[1] ?? NaN);
    if (m === null || from > to || to > 65535)
      reader.problem(item, `"${text}" is no port or range of ports`, 'Write 443 or 8000-8100.');
    else ranges.push([from, to]);
  }
  return ranges.length === 0 ? empty(reader, place) : { test: 'port', ranges };
}
