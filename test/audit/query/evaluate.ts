/**
 * The search, written down once more as plainly as possible, to judge the real one by: every record in an array, every
 * operator a few lines, no SQL, no index, nothing shared with the product but the parser's output and the documented rule
 * of what free text sees.
 */
import { searchablePath } from '../../../src/audit/store/searchable.ts';
import type { Node, Test, Words } from '../../../src/audit/query/ast.ts';
import type { KnownBodies } from '../random-body.ts';
import type { ExchangeRecord, FlowRecord } from '../../../src/core/records.ts';
import type { Verdict } from '../../../src/core/verdict.ts';

export interface Stored {
  record: ExchangeRecord;
  sni: string | null;
  /** Captured bodies, by what they say. */
  bodies?: KnownBodies;
}

/** Header fields whose values free text does not see (docs/query-language.md). */
const UNSEEN =
  /^(?:date|age|expires|last-modified|etag|content-length|if-none-match|if-modified-since|if-range|server-timing):/i;

export function matchesExchange(node: Node, stored: Stored): boolean {
  return evaluate(
    node,
    name => exchangeField(name, stored),
    words => {
      const { record: r } = stored;
      const texts = [r.host, searchablePath(r.path)];
      return texts.some(text => hasWords(text, words)) || headersHave(r, words) || bodiesHave(stored, words);
    },
  );
}

export function matchesFlow(node: Node, r: FlowRecord): boolean {
  return evaluate(
    node,
    name => flowField(name, r),
    words =>
      [r.facts?.host, r.facts?.hello?.sni, r.verdict?.reason, r.fault].some(
        text => text !== null && text !== undefined && hasWords(text, words),
      ),
  );
}

type FieldOf = (name: string) => unknown;

function evaluate(node: Node, field: FieldOf, free: (words: Words) => boolean): boolean {
  switch (node.kind) {
    case 'all':
      return true;
    case 'and':
      return node.parts.every(p => evaluate(p, field, free));
    case 'or':
      return node.parts.some(p => evaluate(p, field, free));
    case 'not':
      return !evaluate(node.part, field, free);
    case 'free':
      return free(node.words);
    case 'field':
      return node.test.op === 'words'
        ? wordsIn(node.field.name, field('stored') as Stored, node.test.words)
        : check(node.test, field(node.field.name));
  }
}

/** Words in the part of an exchange that a field names. */
function wordsIn(name: string, stored: Stored, words: Words): boolean {
  if (name === 'header') return headersHave(stored.record, words);
  return bodiesHave(stored, words, name === 'body' ? ['req', 'res'] : [name === 'reqbody' ? 'req' : 'res']);
}

const bodiesHave = (
  { bodies }: Stored,
  words: Words,
  sides: readonly ('req' | 'res')[] = ['req', 'res'],
): boolean => sides.some(side => hasWords(bodies?.[side]?.text ?? '', words));

export function exchangeField(name: string, stored: Stored): unknown {
  const { record: r, sni } = stored;
  const fields: Record<string, unknown> = {
    stored,
    sni,
    type: r.contentType,
    verdict: r.verdict.action,
    rule: r.verdict.rule,
    policy: r.verdict.policy,
    reason: r.verdict.reason,
    ...manner(r.verdict, r.scheme),
    bytes: r.req.size + r.res.size,
    up: r.req.size,
    down: r.res.size,
    proxy: 'edge-1',
    flow: [r.flow, null],
    exchange: [r.flow, r.n],
  };
  return name in fields ? fields[name] : (r as unknown as Record<string, unknown>)[name];
}

function flowField(name: string, r: FlowRecord): unknown {
  const fields: Record<string, unknown> = {
    proxy: 'edge-1',
    user: r.facts?.user,
    host: r.facts?.host,
    port: r.facts?.port,
    scheme: r.facts?.scheme,
    ingress: r.facts?.ingress,
    sni: r.facts?.hello?.sni,
    ja4: r.facts?.hello?.ja4,
    alpn: r.facts?.hello?.alpn.join(','),
    verdict: r.verdict?.action,
    rule: r.verdict?.rule,
    policy: r.verdict?.policy,
    reason: r.verdict?.reason,
    ...(r.verdict === null ? {} : manner(r.verdict, r.facts?.scheme)),
    bytes: r.bytesUp + r.bytesDown,
    up: r.bytesUp,
    down: r.bytesDown,
    flow: [r.flow, null],
  };
  return name in fields ? fields[name] : (r as unknown as Record<string, unknown>)[name];
}

/** Profiles are said of inspected flows only, defaults included; TLS only where there is any. */
function manner(v: Verdict, scheme: string | undefined): Record<string, unknown> {
  const inspected = v.action === 'inspect';
  return {
    mask: inspected ? (v.mask ?? 'standard') : null,
    tlsprofile: inspected && scheme !== 'http' ? (v.tls ?? 'modern') : null,
    parent: v.parent === undefined ? null : v.parent.group,
  };
}

const lower = (text: string): string => text.replace(/[A-Z]/g, c => c.toLowerCase());

function check(test: Test, found: unknown): boolean {
  if (found === null || found === undefined) return false;
  const value = found as string | number;
  switch (test.op) {
    case 'present':
      return true;
    case 'pattern': {
      // The pattern as a regular expression, which the product never builds.
      const source = test.pattern.map(piece => piece.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[^]*');
      return new RegExp(`^${source}$`).test(lower(String(value)));
    }
    case 'below':
      return `.${lower(String(value))}`.endsWith(`.${test.name}`);
    case 'network':
      return inNetwork(String(value), test.from, test.to);
    case 'range': {
      const n = Number(value);
      const above = test.min === null || n > test.min || (n === test.min && !test.minOpen);
      const under = test.max === null || n < test.max || (n === test.max && !test.maxOpen);
      return above && under;
    }
    case 'id': {
      const [flow, n] = found as [number, number | null];
      return flow === test.flow && (test.n === null || n === test.n);
    }
    case 'words':
      return false;
  }
}

function inNetwork(text: string, from: Buffer, to: Buffer): boolean {
  const value = toNumber(text);
  return value >= BigInt(`0x${from.toString('hex')}`) && value <= BigInt(`0x${to.toString('hex')}`);
}

/** An address of the samples (dotted IPv4, or IPv6 with one `::`) as a number; IPv4 in its mapped form. */
function toNumber(text: string): bigint {
  if (!text.includes(':')) {
    const four = text.split('.').reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
    return 0xffff00000000n + four;
  }
  const [head = '', tail = ''] = text.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}

function headersHave(r: ExchangeRecord, words: Words): boolean {
  return [r.reqHeaders, r.resHeaders].some(block => {
    const lines = block.split('\r\n');
    // Names of unseen fields can be found, their values cannot.
    const seen = lines.map(line => (UNSEEN.test(line) ? line.slice(0, line.indexOf(':')) : line));
    return seen.some(line => hasWords(line, words));
  });
}

const known = new Map<string, string[]>();

function tokens(text: string): string[] {
  const before = known.get(text);
  if (before !== undefined) return before;
  const out = split(text);
  known.set(text, out);
  return out;
}

function split(text: string): string[] {
  const out: string[] = [];
  let token = '';
  for (const char of text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()) {
    if (/[\p{L}\p{N}]/u.test(char)) token += char;
    else if (token !== '') {
      out.push(token);
      token = '';
    }
  }
  if (token !== '') out.push(token);
  return out;
}

function hasWords(text: string, words: Words): boolean {
  const wanted = tokens(words.text);
  const there = tokens(text);
  for (let at = 0; at + wanted.length <= there.length; at++) {
    const fits = wanted.every((word, i) =>
      words.prefix && i === wanted.length - 1 ? there[at + i]?.startsWith(word) : there[at + i] === word,
    );
    if (fits) return true;
  }
  return false;
}
