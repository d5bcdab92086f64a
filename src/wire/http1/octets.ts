/**
 * Which octets may stand where (RFC 9110 §5.5 and §5.6.2, RFC 9112 §3.2): one table, one bit a class. Every octet
 * of every head is looked up here exactly once, so this is a table and not a regular expression.
 */

/** tchar of RFC 9110 §5.6.2: field names, methods, chunk extension names. */
export const TOKEN = 1;
/** field-vchar, obs-text, SP and HTAB of RFC 9110 §5.5; also the reason phrase. */
export const VALUE = 2;
/**
 * Octets of a request target: visible ASCII but `#`. RFC 3986 forbids a few more (`"`, `<`, `>`, `\`, `^`, `` ` ``,
 * `{`, `|`, `}`), yet browsers send them unescaped in queries and no parser splits a message on them.
 */
export const TARGET = 4;
/** Hexadecimal digit. */
export const HEX = 8;
/**
 * Octets of a host as we let it pass: what names and IP literals are really made of. The reg-name of RFC 3986 would
 * also allow percent-encoding and sub-delims such as the comma; no resolver takes them, confused peers do.
 */
export const HOST = 16;

export const OCTETS = new Uint8Array(256);
const mark = (chars: string, bit: number): void => {
  for (let i = 0; i < chars.length; i++) {
    const c = chars.charCodeAt(i);
    OCTETS[c] = (OCTETS[c] ?? 0) | bit;
  }
};
const DIGITS = '0123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
mark(DIGITS + LETTERS + "!#$%&'*+-.^_`|~", TOKEN);
mark(DIGITS + 'abcdefABCDEF', HEX);
mark(DIGITS + LETTERS + '-._', HOST);
for (let c = 0x20; c < 256; c++) if (c !== 0x7f) OCTETS[c] = (OCTETS[c] ?? 0) | VALUE;
mark('\t', VALUE);
for (let c = 0x21; c < 0x7f; c++) if (c !== 0x23) OCTETS[c] = (OCTETS[c] ?? 0) | TARGET;

export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;

/** True when every character of `text` from `from` up to `to` is of the class. Code points above 255 never are. */
export function allOf(text: string, bit: number, from = 0, to = text.length): boolean {
  for (let i = from; i < to; i++) if (((OCTETS[text.charCodeAt(i)] ?? 0) & bit) === 0) return false;
  return true;
}
