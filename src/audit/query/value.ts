/**
 * The value after `field:` as a test of that field. Pure; what cannot be understood is a QuerySyntaxError with a
 * position and a suggestion.
 */
import ipaddr from 'ipaddr.js';
import { parseNetwork } from '../../core/network.ts';
import { canonicalHost } from '../../core/host-name.ts';
import { parseExchangeRef, parseFlowRef } from '../store/ids.ts';
import { fold } from './fold.ts';
import { nearest } from './suggest.ts';
import { parseMoment, TIME_HINT } from './time.ts';
import type { Field, Node, Pattern, QueryError, Section, Span, Test, Words } from './ast.ts';
import type { Network } from '../../core/network.ts';

/** Wildcards in one value: more of them make LIKE slow on long texts. */
const MAX_WILDCARDS = 8;

export class QuerySyntaxError extends Error {
  readonly span: Span;
  readonly section: Section;
  readonly suggestion: string | null;

  constructor(message: string, span: Span, section: Section, suggestion: string | null = null) {
    super(message);
    this.span = span;
    this.section = section;
    this.suggestion = suggestion;
  }

  toError(): QueryError {
    return { message: this.message, suggestion: this.suggestion, section: this.section, ...this.span };
  }
}

export interface RawValue {
  text: string;
  quoted: boolean;
}

/** What times in a query are measured by: now, ms since epoch, and the zone of times that name none. */
export interface Clock {
  now: number;
  zone?: string | undefined;
}

/** The node for `field:value`. */
export function readValue(field: Field, value: RawValue, span: Span, now: Clock): Node {
  if (value.text === '') throw new QuerySyntaxError(`The value of ${field.name}: is empty.`, span, 'values');
  if (!value.quoted && value.text === '*') {
    if (field.nullable !== true) return { kind: 'all' };
    return { kind: 'field', field, test: { op: 'present' }, span };
  }
  return { kind: 'field', field, test: testOf(field, value, span, now), span };
}

function testOf(field: Field, value: RawValue, span: Span, now: Clock): Test {
  switch (field.type) {
    case 'name':
      checkKnown(field, value, span);
      return { op: 'pattern', pattern: patternOf(value, span) };
    case 'part': {
      const pattern = patternOf(value, span);
      // Without a wildcard the value may stand anywhere.
      return { op: 'pattern', pattern: pattern.length === 1 ? ['', ...pattern, ''] : pattern };
    }
    case 'host':
      return hostTest(value, span);
    case 'address':
      return addressTest(field, value, span);
    case 'number':
      return numberTest(field, value, span);
    case 'time':
      return timeTest(value, span, now);
    case 'id':
      return idTest(field, value, span);
    case 'text':
      return { op: 'words', words: freeWords(value, span) };
  }
}

function patternOf(value: RawValue, span: Span): Pattern {
  const folded = fold(value.text);
  if (value.quoted) return [folded];
  const pieces = folded.replace(/\*{2,}/g, '*').split('*');
  if (pieces.length - 1 > MAX_WILDCARDS)
    throw new QuerySyntaxError(
      `More than ${MAX_WILDCARDS} wildcards in one value.`,
      span,
      'limits-and-errors',
    );
  return pieces;
}

function checkKnown(field: Field, value: RawValue, span: Span): void {
  const { values } = field;
  if (values === undefined || value.text.includes('*') || values.includes(fold(value.text))) return;
  const near = nearest(fold(value.text), values);
  throw new QuerySyntaxError(
    `${field.name} is never ${JSON.stringify(value.text)}.`,
    span,
    'fields',
    near === null ? `It is one of ${values.join(', ')}.` : `Did you mean ${field.name}:${near}?`,
  );
}

function hostTest(value: RawValue, span: Span): Test {
  const below = /^(?:\*?\.)(.+)$/.exec(value.text);
  if (!value.quoted && value.text.startsWith('.') && below?.[1] !== undefined && !below[1].includes('*'))
    return { op: 'below', name: hostText(below[1]) };
  if (!value.quoted && value.text.includes('*')) return { op: 'pattern', pattern: patternOf(value, span) };
  return { op: 'pattern', pattern: [hostText(value.text)] };
}

/** Records hold canonical names; what is none is compared as it stands. */
function hostText(text: string): string {
  const host = canonicalHost(text);
  return host.kind === 'invalid' ? fold(text) : host.name;
}

function addressTest(field: Field, value: RawValue, span: Span): Test {
  if (!value.quoted && value.text.includes('*')) return { op: 'pattern', pattern: patternOf(value, span) };
  const network = parseNetwork(value.text);
  if (network === null)
    throw new QuerySyntaxError(
      `${JSON.stringify(value.text)} is no address and no network.`,
      span,
      'values',
      value.text.includes('/')
        ? 'The bits after the prefix must be zero, as in 10.1.0.0/16.'
        : `For example ${field.name}:10.1.2.3, ${field.name}:10.1.0.0/16 or ${field.name}:10.1.*`,
    );
  return { op: 'network', ...networkEnds(network) };
}

/** First and last address of a network as 16 bytes; IPv4 in its mapped form, so both families share one order. */
function networkEnds([address, length]: Network): { from: Buffer; to: Buffer } {
  const from = addressBytes(address);
  const bits = length + (address instanceof ipaddr.IPv4 ? 96 : 0);
  const to = Buffer.from(from);
  for (let i = 0; i < 16; i++) {
    const kept = Math.min(8, Math.max(0, bits - i * 8));
    to[i] = (to[i] ?? 0) | (0xff >> kept);
  }
  return { from, to };
}

/** 16 bytes of an address, IPv4 as `::ffff:a.b.c.d`. */
export function addressBytes(address: Network[0]): Buffer {
  const six = address instanceof ipaddr.IPv4 ? address.toIPv4MappedAddress() : address;
  return Buffer.from(six.toByteArray());
}

const COMPARISON = /^(>=|<=|>|<|=)(.*)$/s;

function numberTest(field: Field, value: RawValue, span: Span): Test {
  const text = value.text;
  if (field.name === 'status') {
    const group = /^([1-5])(?:xx|XX|\*\*?)$/.exec(text);
    if (group !== null) {
      const min = Number(group[1]) * 100;
      return { op: 'range', min, minOpen: false, max: min + 99, maxOpen: false };
    }
  }
  const number = (part: string): number => {
    const m = /^(\d{1,15}(?:\.\d{1,6})?)([A-Za-z]*)$/.exec(part);
    const unit = (m?.[2] ?? '').toLowerCase();
    const factor = unit === '' ? 1 : field.units?.[unit];
    if (m === null || factor === undefined)
      throw new QuerySyntaxError(
        `${JSON.stringify(part)} is no number that ${field.name} understands.`,
        span,
        'values',
        field.units === undefined
          ? `For example ${field.name}:>=400 or ${field.name}:400..499.`
          : `For example ${field.name}:>=400; units are ${Object.keys(field.units).join(', ')}.`,
      );
    return Number(m[1]) * factor;
  };
  return rangeTest(text, number, number, span);
}

/** `>=a`, `a..b`, `a..`, `..b` or `a`, whose ends `low` and `high` read. */
function rangeTest(
  text: string,
  low: (part: string) => number,
  high: (part: string) => number,
  span: Span,
): Test {
  const compared = COMPARISON.exec(text);
  if (compared !== null) {
    const part = compared[2] ?? '';
    switch (compared[1]) {
      case '>':
        return { op: 'range', min: low(part), minOpen: true, max: null, maxOpen: false };
      case '>=':
        return { op: 'range', min: low(part), minOpen: false, max: null, maxOpen: false };
      case '<':
        return { op: 'range', min: null, minOpen: false, max: low(part), maxOpen: true };
      case '<=':
        return { op: 'range', min: null, minOpen: false, max: high(part), maxOpen: false };
      default:
        return { op: 'range', min: low(part), minOpen: false, max: high(part), maxOpen: false };
    }
  }
  const dots = text.indexOf('..');
  if (dots < 0) return { op: 'range', min: low(text), minOpen: false, max: high(text), maxOpen: false };
  const from = text.slice(0, dots);
  const to = text.slice(dots + 2);
  if (from === '' && to === '') throw new QuerySyntaxError('A range needs at least one end.', span, 'values');
  const min = from === '' ? null : low(from);
  const max = to === '' ? null : high(to);
  if (min !== null && max !== null && min > max)
    throw new QuerySyntaxError(
      'The range ends before it begins.',
      span,
      'values',
      `Write ${to}..${from} instead.`,
    );
  return { op: 'range', min, minOpen: false, max, maxOpen: false };
}

function timeTest(value: RawValue, span: Span, { now, zone }: Clock): Test {
  const moment = (part: string) => {
    const m = parseMoment(part.trim(), now, zone);
    if (m === null)
      throw new QuerySyntaxError(`${JSON.stringify(part)} is no time.`, span, 'times', TIME_HINT);
    return m;
  };
  // The last millisecond of the grain, so that `<=` and `..` include the whole day or minute that was named.
  const last = (part: string): number => {
    const m = moment(part);
    return m.to === m.from ? m.to : m.to - 1;
  };
  const after = (part: string): number => moment(part).from;
  // A bare relative time reads as "since then".
  if (!/^[<>=]|\.\./.test(value.text)) {
    const m = moment(value.text);
    if (m.relative) return { op: 'range', min: m.from, minOpen: false, max: null, maxOpen: false };
  }
  const greater = /^>([^=].*)$/s.exec(value.text);
  // `>2026-11-20` means after that day, as `>=2026-11-20` includes it.
  if (greater?.[1] !== undefined)
    return { op: 'range', min: last(greater[1]), minOpen: true, max: null, maxOpen: false };
  return rangeTest(value.text, after, last, span);
}

/** `since:` and `until:` as a test of time: from the beginning of what is named, and up to it. */
export function readBound(bound: 'since' | 'until', value: RawValue, span: Span, { now, zone }: Clock): Test {
  const m = parseMoment(value.text.trim(), now, zone);
  if (m === null)
    throw new QuerySyntaxError(`${JSON.stringify(value.text)} is no time.`, span, 'times', TIME_HINT);
  return bound === 'since'
    ? { op: 'range', min: m.from, minOpen: false, max: null, maxOpen: false }
    : { op: 'range', min: null, minOpen: false, max: m.from, maxOpen: true };
}

function idTest(field: Field, value: RawValue, span: Span): Test {
  const wanted = field.name === 'flow' ? parseFlowRef(value.text) : parseExchangeRef(value.text);
  if (wanted === null)
    throw new QuerySyntaxError(
      `${JSON.stringify(value.text)} is no ${field.name} id.`,
      span,
      'fields',
      field.name === 'flow' ? 'A flow id looks like 3-1a.' : 'An exchange id looks like 3-1a.2.',
    );
  const n = 'n' in wanted ? (wanted.n as number) : null;
  return { op: 'id', flow: wanted.flow, n, proxy: wanted.proxy };
}

/** Free text: a word, a word with `*` at its end, or a quoted phrase. */
export function freeWords(value: RawValue, span: Span): Words {
  const prefix = !value.quoted && value.text.endsWith('*');
  const text = prefix ? value.text.replace(/\*+$/, '') : value.text;
  if (!value.quoted && text.includes('*'))
    throw new QuerySyntaxError(
      'Free text takes a wildcard only at the end of a word.',
      span,
      'free-text',
      'Use path:*text* or host:*text* to look inside words.',
    );
  if (!/[\p{L}\p{N}]/u.test(text))
    throw new QuerySyntaxError(
      'Free text needs at least one letter or digit.',
      span,
      'free-text',
      'Use path: to look for punctuation.',
    );
  return { text, prefix };
}
