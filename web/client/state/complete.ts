/**
 * What the search box offers while somebody types: names of fields, then values. Pure: text and caret in, what to offer
 * and where to put it out. It looks at the word under the caret only and knows no grammar; the server judges the query.
 */
import type { Show } from './view.ts';
import { quoteValue } from './term.ts';

export interface FieldHelp {
  field: string;
  help: string;
  example: string;
}

const COMMON: readonly FieldHelp[] = [
  { field: 'host', help: 'Name or address that the client asked for', example: 'host:.example.com' },
  { field: 'client', help: 'Address or network of the client', example: 'client:10.0.0.0/8' },
  { field: 'user', help: 'User who authenticated at the proxy', example: 'user:alice' },
  { field: 'verdict', help: 'What the policy decided', example: 'verdict:block' },
  { field: 'rule', help: 'Rule that decided', example: 'rule:banking' },
  { field: 'fault', help: 'What went wrong', example: 'fault:cert-expired' },
  { field: 'sni', help: 'Name in the ClientHello', example: 'sni:www.example.com' },
  { field: 'port', help: 'Port of the origin', example: 'port:8443' },
  { field: 'scheme', help: 'http or https', example: 'scheme:http' },
  { field: 'up', help: 'Bytes from the client', example: 'up:>1MB' },
  { field: 'down', help: 'Bytes to the client', example: 'down:>100MB' },
  { field: 'bytes', help: 'Bytes both ways', example: 'bytes:>5MB' },
  { field: 'ms', help: 'How long it took', example: 'ms:>2s' },
  { field: 'policy', help: 'Version of the policy that decided', example: 'policy:3fa2c19b0d4e' },
  { field: 'reason', help: 'Words of the reason', example: 'reason:"no SNI"' },
  { field: 'mask', help: 'Masking profile under which it was recorded', example: 'mask:strict' },
  { field: 'tlsprofile', help: 'What was offered to the origin', example: 'tlsprofile:compatible' },
  { field: 'parent', help: 'Parent group that it went through', example: 'parent:corp' },
  { field: 'proxy', help: 'Machine that recorded it', example: 'proxy:edge-1' },
  { field: 'time', help: 'Point in time', example: 'time:7d..1d' },
  { field: 'flow', help: 'Id of the connection', example: 'flow:1a-3' },
  { field: 'since', help: 'Began then or later', example: 'since:yesterday' },
  { field: 'until', help: 'Began before', example: 'until:-2h' },
  { field: 'zone', help: 'Zone of the times in the query', example: 'zone:Europe/Berlin' },
];

const OF_EXCHANGES: readonly FieldHelp[] = [
  { field: 'method', help: 'Request method', example: 'method:POST' },
  { field: 'path', help: 'Part of the path with query', example: 'path:/login' },
  { field: 'status', help: 'Status of the response', example: 'status:>=500' },
  { field: 'type', help: 'Media type of the response', example: 'type:json' },
  { field: 'masked', help: 'What was masked, and where', example: 'masked:card' },
  { field: 'header', help: 'Words in header fields', example: 'header:"text/html"' },
  { field: 'body', help: 'Words in captured bodies', example: 'body:"account number"' },
  { field: 'reqbody', help: 'Words in captured request bodies', example: 'reqbody:invoice' },
  { field: 'resbody', help: 'Words in captured response bodies', example: 'resbody:confidential' },
  { field: 'wait', help: 'Time until the response began', example: 'wait:>1s' },
  { field: 'protocol', help: 'Version of HTTP', example: 'protocol:h2' },
];

const OF_FLOWS: readonly FieldHelp[] = [
  { field: 'ja4', help: 'Fingerprint of the client’s TLS', example: 'ja4:t13d*' },
  { field: 'alpn', help: 'Protocol that the client offered', example: 'alpn:h2' },
  { field: 'exchanges', help: 'Number of requests inside', example: 'exchanges:0' },
  { field: 'ingress', help: 'How the client reached the proxy', example: 'ingress:connect' },
];

/** Fields worth offering in a view. */
export function fieldsOf(show: Show): readonly FieldHelp[] {
  return [...COMMON, ...(show === 'exchanges' ? OF_EXCHANGES : OF_FLOWS)];
}

const FIXED: Readonly<Record<string, readonly string[]>> = {
  verdict: ['inspect', 'passthrough', 'block'],
  method: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'],
  status: ['2xx', '3xx', '4xx', '5xx', '>=400'],
  scheme: ['http', 'https'],
  mask: ['standard', 'strict'],
  tlsprofile: ['modern', 'tls13', 'compatible'],
  ingress: ['connect', 'http', 'socks5', 'transparent'],
};

export interface Word {
  /** Where the word begins and ends in the text. */
  start: number;
  end: number;
  /** `-` when the term is negated. */
  sign: string;
  /** Field before the colon; null while the name itself is being written. */
  field: string | null;
  typed: string;
}

/** The word that the caret stands in or behind. Null inside a quoted phrase. */
export function wordAt(text: string, caret: number): Word | null {
  const before = text.slice(0, caret);
  const quotes = before.replace(/\\./g, '').split('"').length - 1;
  if (quotes % 2 === 1) return null;
  const start = Math.max(before.lastIndexOf(' '), before.lastIndexOf('('), before.lastIndexOf(')')) + 1;
  const rest = /^[^\s()]*/.exec(text.slice(caret))?.[0] ?? '';
  const word = text.slice(start, caret);
  const sign = word.startsWith('-') ? '-' : '';
  const bare = word.slice(sign.length);
  const colon = bare.indexOf(':');
  return {
    start,
    end: caret + rest.length,
    sign,
    field: colon < 0 ? null : bare.slice(0, colon).toLowerCase(),
    typed: colon < 0 ? bare : bare.slice(colon + 1),
  };
}

export interface Offer {
  /** Text to put in place of the word. */
  insert: string;
  label: string;
  help: string;
}

/** At most ten offers for the word. `seen` are values of the word's field in the current traffic, most frequent first. */
export function offersFor(
  word: Word,
  show: Show,
  seen: readonly { value: string; count: number }[],
): Offer[] {
  const typed = word.typed.toLowerCase();
  if (word.field === null) {
    return fieldsOf(show)
      .filter(entry => entry.field.startsWith(typed))
      .map(({ field, help, example }) => ({
        insert: `${word.sign}${field}:`,
        label: `${field}:`,
        help: `${help} · ${example}`,
      }))
      .slice(0, 24);
  }
  const field = word.field;
  const fixed = (FIXED[field] ?? []).map(value => ({ value, help: '' }));
  const found = seen.map(({ value, count }) => ({ value, help: `${count} in this view` }));
  const all = [...found, ...fixed.filter(({ value }) => !found.some(f => f.value === value))];
  return all
    .filter(({ value }) => value.toLowerCase().includes(typed) && value !== word.typed)
    .slice(0, 10)
    .map(({ value, help }) => ({
      insert: `${word.sign}${field}:${/[*<>=]/.test(value) ? value : quoteValue(value)} `,
      label: value,
      help,
    }));
}
