/**
 * Values as lines of PostgreSQL's COPY text format. Pure. Fields are parted by tabs, rows by line feeds; backslash, tab, line
 * feed and carriage return are escaped, a missing value is `\N`, bytes are `\\x` and hex.
 */
import { CodecError } from '../../bytes.ts';
import { storable } from './text.ts';

export type CopyValue = string | number | boolean | Buffer | null;

const SPECIAL = /[\\\t\n\r]/;
const ESCAPED: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** One row without its line end. A number that is none is refused: the record it came from broke its type. */
export function copyFields(values: readonly CopyValue[]): string {
  let out = '';
  for (let i = 0; i < values.length; i++) {
    if (i > 0) out += '\t';
    out += field(values[i] ?? null);
  }
  return out;
}

function field(value: CopyValue): string {
  if (value === null) return '\\N';
  if (typeof value === 'string') {
    const text = storable(value);
    return SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, c => ESCAPED[c] ?? c) : text;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new CodecError('a number of the record is none');
    return String(value);
  }
  if (typeof value === 'boolean') return value ? 't' : 'f';
  return `\\\\x${value.toString('hex')}`;
}

/** A whole number of at most 53 bits; anything else breaks the record's type. */
export function whole(value: number): number {
  const rounded = Math.round(value);
  if (typeof value !== 'number' || !Number.isSafeInteger(rounded))
    throw new CodecError('a number of the record is out of range');
  return rounded;
}

/** A whole number that fits four bytes. */
export function small(value: number): number {
  const n = whole(value);
  if (n < -(2 ** 31) || n >= 2 ** 31) throw new CodecError('a number of the record is out of range');
  return n;
}

/** A text that the record promised. */
export function told(value: string): string {
  if (typeof value !== 'string') throw new CodecError('a text of the record is none');
  return value;
}
