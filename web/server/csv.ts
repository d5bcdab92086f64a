/**
 * Rows as CSV (RFC 4180: CRLF, quotes doubled) that a spreadsheet opens without running anything: a text that begins with
 * a formula sign gets an apostrophe before it (requirement W1; CWE-1236). Line ends and other control characters inside
 * a value become spaces, so that one record stays one line for tools that split by line (requirement A4). Pure.
 */
import type { ExchangeRow, EventRow, FlowRow, Kind, RowOf } from '../contract.ts';

const COLUMNS: {
  exchanges: readonly (keyof ExchangeRow)[];
  flows: readonly (keyof FlowRow)[];
  events: readonly (keyof EventRow)[];
} = {
  exchanges: [
    'exchange',
    'flow',
    'time',
    'client',
    'user',
    'method',
    'scheme',
    'host',
    'port',
    'path',
    'status',
    'protocol',
    'reqBytes',
    'resBytes',
    'ms',
    'verdict',
    'rule',
    'policy',
    'fault',
    'contentType',
    'sni',
    'reason',
  ],
  flows: [
    'flow',
    'time',
    'client',
    'user',
    'host',
    'port',
    'sni',
    'alpn',
    'ja4',
    'verdict',
    'rule',
    'policy',
    'reason',
    'bytesUp',
    'bytesDown',
    'ms',
    'fault',
    'exchanges',
  ],
  events: ['event', 'time', 'detail'],
};

/** The header line. */
export function csvHead(kind: Kind): string {
  return `${COLUMNS[kind].join(',')}\r\n`;
}

/** One row as one line. */
export function csvLine<K extends Kind>(kind: K, row: RowOf[K]): string {
  const values = row as unknown as Record<string, unknown>;
  return `${COLUMNS[kind].map(column => csvCell(values[column])).join(',')}\r\n`;
}

/** One value, guarded and quoted where needed. Numbers we counted ourselves stay numbers. */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = (
    typeof value === 'string' ? value : Array.isArray(value) ? value.join(' ') : JSON.stringify(value)
  ).replace(BREAKS, ' ');
  // Spreadsheets skip leading blanks before they look for the sign; full-width signs count for some of them.
  const guarded = /^\s*[=+\-@＝＋－＠|%]/.test(text) ? `'${text}` : text;
  return /[",']|^\s|\s$/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** Everything that some reader takes for a line end or acts upon: C0, DEL, C1, U+2028, U+2029, bidi overrides. */
const BREAKS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;
