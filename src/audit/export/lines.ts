/**
 * Rows as text in which one record stays one line and nothing captured acts: no control character reaches a terminal, no
 * spreadsheet takes a cell for a formula. Pure.
 */
import type { EventRow, ExchangeRow, FlowRow } from '../store/store.ts';

/**
 * Characters that could move a terminal's cursor, break a line or turn the direction of text: C0 and C1 controls, DEL, line
 * and paragraph separator, bidirectional marks and overrides, zero-width characters, lone surrogates.
 */
const ACTIVE = /[\p{Cc}\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\p{Cs}]/gu;

/** The text with active characters written out as `\x1b` or `\u202e`. */
export function visible(text: string): string {
  return text.replace(ACTIVE, char => {
    const code = char.charCodeAt(0);
    return code < 256
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** One JSON object in one line; active characters escaped as JSON does it, so that a reader gets the exact text back. */
export function jsonLine(row: object): string {
  return JSON.stringify(row).replace(
    ACTIVE,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Cells that spreadsheets would calculate (OWASP: CSV injection). */
const FORMULA = /^[=+\-@\t\r]/;

/** One line of RFC 4180 without line breaks inside cells. A cell that looks like a formula gets an apostrophe in front. */
export function csvLine(cells: readonly unknown[]): string {
  return cells.map(csvCell).join(',');
}

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const raw =
    typeof value === 'string' ? value : Array.isArray(value) ? value.join(' ') : JSON.stringify(value);
  const text = visible(raw);
  const safe = FORMULA.test(raw) ? `'${text}` : text;
  return /[",]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Columns of the machine-readable outputs (DESIGN §10); what follows after the contract's own is welcome to grow. */
export const EXCHANGE_FIELDS = [
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
  'reason',
  'sni',
  'contentType',
  'mask',
  'tlsProfile',
  'parent',
  'masked',
  'proxy',
] as const satisfies readonly (keyof ExchangeRow)[];
export const FLOW_FIELDS = [
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
  'mask',
  'tlsProfile',
  'parent',
  'proxy',
] as const satisfies readonly (keyof FlowRow)[];
export const EVENT_FIELDS = [
  'time',
  'event',
  'detail',
  'proxy',
] as const satisfies readonly (keyof EventRow)[];

/** A row with its time as ISO 8601 UTC and its fields in the contract's order. */
export function exported(
  row: ExchangeRow | FlowRow | EventRow,
  fields: readonly string[],
): Record<string, unknown> {
  const from = row as unknown as Record<string, unknown>;
  return Object.fromEntries(fields.map(f => [f, f === 'time' ? isoTime(row.time) : (from[f] ?? null)]));
}

/** ISO 8601 UTC of ms since epoch; a time outside what dates can say stays a number in text. */
export function isoTime(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}
