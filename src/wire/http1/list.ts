/**
 * Comma-separated lists (RFC 9110 §5.6.1). White space is SP and HTAB and nothing else: what JavaScript calls white
 * space includes the octet 0xA0, and a `close` that only one of two peers sees is a disagreement about the connection.
 */
import { HTAB, SP } from './octets.ts';

/** Elements in order, lower case, without the white space around them; empty ones left out. No quoted strings. */
export function elements(value: string): string[] {
  const list: string[] = [];
  let from = 0;
  while (from <= value.length) {
    const comma = value.indexOf(',', from);
    const end = comma === -1 ? value.length : comma;
    let a = from;
    let b = end;
    while (a < b && isSpace(value.charCodeAt(a))) a++;
    while (b > a && isSpace(value.charCodeAt(b - 1))) b--;
    if (a < b) list.push(value.slice(a, b).toLowerCase());
    from = end + 1;
  }
  return list;
}

function isSpace(c: number): boolean {
  return c === SP || c === HTAB;
}
