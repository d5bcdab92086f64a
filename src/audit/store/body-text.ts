/**
 * What of a captured body the search sees: the text of its first `MAX_BODY_TEXT` octets after content codings are taken off.
 * Pure and total: whatever the octets are, a text comes out, empty where there is none. Both drivers, streams, alerts and live
 * lists call it, so a query means the same to all of them.
 *
 * A body is read as its own head says (`readingOf`): the same octets under another head may have other words, so what is
 * kept of a body carries its reading. What the head does not say is seen from the octets. Pictures, sound, video and fonts are
 * not looked at; anything else is text when it looks like text (few control characters), whatever type it claims.
 *
 * Escapes are resolved where the shape has them (`\n`, `\u00fc` in JSON; `%C3%BC` and `+` in forms), multipart bodies are read
 * part by part, and long runs of letters and digits, which are data and no words, are left out. Markup stays as it is.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { codingsOf } from '../../core/content-coding.ts';
import { beginningOf } from './beginning.ts';
import { fieldOf } from './head-field.ts';
import { unescaped } from './searchable.ts';
import type { BodyFacts } from '../../core/records.ts';
import type { StoredBody } from './store.ts';

/** Octets of one body, decoded, whose words are found. */
export const MAX_BODY_TEXT = 64 * 1024;

/** How a body is to be read: shape, charset and codings, in one word each. Few values whatever heads say. */
export type Reading = string;
/** The body is not looked at. */
export const NOT_READ: Reading = '';

type Shape = 'text' | 'json' | 'form' | 'multipart';

/** Files of sound and pictures: no words in them, and many of them. */
const NO_TEXT = /^(?:image\/(?!svg)|audio\/|video\/|font\/)/;

/** The reading of a body by its Content-Type and Content-Encoding; null where the head has none. */
export function readingOf(contentType: string | null, contentEncoding: string | null): Reading {
  const type = mediaType(contentType);
  if (NO_TEXT.test(type)) return NOT_READ;
  const codings = codingsOf(contentEncoding).map(coding => (KNOWN_CODINGS.has(coding) ? coding : 'unknown'));
  return [shapeOf(type), charsetOf(contentType), ...codings.slice(0, 3)].join(' ');
}

const KNOWN_CODINGS = new Set(['gzip', 'x-gzip', 'deflate', 'br']);

/** The reading of one side of an exchange by its recorded head. */
export const readingOfHead = (head: string, form: BodyFacts['form']): Reading =>
  // What was decoded before it was masked is no longer what the head says.
  readingOf(fieldOf(head, 'content-type'), form === 'decoded' ? null : fieldOf(head, 'content-encoding'));

/** The text of a stored body that is searched. */
export const textOfStored = (body: StoredBody): string =>
  searchedText(body.data, readingOf(body.contentType, body.contentEncoding));

/** The text of a body that is searched. */
export function searchedText(body: Buffer, reading: Reading): string {
  if (reading === NOT_READ) return '';
  const [shape, charset = AUTO, ...codings] = reading.split(' ');
  const found = beginningOf(body, codings, MAX_BODY_TEXT);
  if (found === null) return '';
  const text =
    shape === 'multipart'
      ? partsText(found.data, !found.whole)
      : plainText(found.data, shape as Shape, charset, !found.whole);
  return withoutData(text);
}

// ── heads ──────────────────────────────────────────────────────────────────────────────────────────────────────

const mediaType = (contentType: string | null): string =>
  contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';

function shapeOf(type: string): Shape {
  if (type.startsWith('multipart/')) return 'multipart';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return /[/+]json|ndjson|json-seq|(?:java|ecma)script/.test(type) ? 'json' : 'text';
}

/** No charset is said, or none that anybody knows: the octets tell. */
const AUTO = '-';

/** The encoding's own name, so that there are as many readings as encodings and not as labels. */
function charsetOf(contentType: string | null): string {
  const label = /;\s*charset\s*=\s*"?([^\s;"]{1,40})/i.exec(contentType ?? '')?.[1];
  if (label === undefined) return AUTO;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return AUTO;
  }
}

// ── octets ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** `cut`: the octets end in the middle of the body, so the last word may be half a word. */
function plainText(data: Buffer, shape: Shape, charset: string, cut: boolean): string {
  const encoding = encodingOf(data, charset);
  if (encoding === null) return '';
  const decoded = new TextDecoder(encoding).decode(data);
  const text = cut ? withoutLastWord(decoded) : decoded;
  switch (shape) {
    case 'form':
      return unescaped(text.replaceAll('+', ' '));
    case 'json':
      return withoutEscapes(text);
    default:
      // JSON under another type, or none.
      return /^\s{0,64}[[{]/.test(text) ? withoutEscapes(text) : text;
  }
}

/** The encoding of a text; null when the octets are no text. A byte order mark wins over the head (WHATWG Encoding §6). */
function encodingOf(data: Buffer, charset: string): string | null {
  if (data[0] === 0xff && data[1] === 0xfe) return 'utf-16le';
  if (data[0] === 0xfe && data[1] === 0xff) return 'utf-16be';
  if (charset.startsWith('utf-16')) return charset;
  if (looksBinary(data)) return null;
  if (charset !== AUTO) return charset;
  return looksUtf8(data) ? 'utf-8' : 'windows-1252';
}

/** UTF-8 as well when its last character is cut off, as it is where capturing ended. */
function looksUtf8(data: Buffer): boolean {
  if (isUtf8(data)) return true;
  let end = data.length;
  while (end > 0 && end > data.length - 3 && ((data[end - 1] ?? 0) & 0xc0) === 0x80) end--;
  const before = data.subarray(0, Math.max(0, end - 1));
  return !isAscii(before) && isUtf8(before);
}

/** Text has no NUL and hardly any control characters beside tab, line ends, backspace and escape. */
function looksBinary(data: Buffer): boolean {
  let controls = 0;
  for (let i = 0; i < data.length; i++) {
    const octet = data[i] ?? 0;
    if (octet >= 32) continue;
    if (octet === 0) return true;
    if ((octet < 8 || octet > 13) && octet !== 27) controls++;
  }
  return controls * 100 > data.length;
}

// ── shapes ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Escapes of JSON and JavaScript strings. A pair of backslashes is one, so that `\\n` is no line end. */
function withoutEscapes(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|.)/gs, (_, code: string | undefined) =>
    code === undefined ? ' ' : String.fromCharCode(parseInt(code, 16)),
  );
}

/** Heads and text of the parts (RFC 2046 §5.1.1); the boundary is what the body begins with. */
function partsText(data: Buffer, cut: boolean): string {
  const end = data.subarray(0, MAX_BOUNDARY).indexOf('\n');
  const boundary = end < 0 ? '' : data.toString('latin1', 0, end).trimEnd();
  if (!boundary.startsWith('--') || boundary.length < 3) return plainText(data, 'text', AUTO, cut);
  const texts: string[] = [];
  for (let at = 0; at >= 0 && at < data.length;) {
    const start = data.indexOf('\n', at) + 1;
    if (start === 0) break;
    const next = data.indexOf(boundary, start, 'latin1');
    texts.push(partText(data.subarray(start, next < 0 ? data.length : next), next < 0 && cut));
    at = next;
  }
  return texts.join('\n');
}

/** A boundary has at most 70 characters, with its dashes and the line end. */
const MAX_BOUNDARY = 74;

function partText(part: Buffer, cut: boolean): string {
  const long = part.indexOf('\r\n\r\n');
  const [end, skip] = long < 0 ? [part.indexOf('\n\n'), 2] : [long, 4];
  if (end < 0) return plainText(part, 'text', AUTO, cut);
  const head = part.toString('utf8', 0, end);
  const contentType = fieldOf(head, 'content-type');
  const type = mediaType(contentType);
  if (NO_TEXT.test(type)) return head;
  const shape = shapeOf(type);
  const content = part.subarray(end + skip);
  return `${head}\n${plainText(content, shape === 'multipart' ? 'text' : shape, charsetOf(contentType), cut)}`;
}

// ── words ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** A word longer than this at a cut end is kept as it is. */
const MAX_LAST_WORD = 256;

function withoutLastWord(text: string): string {
  for (let end = text.length; end > 0 && end > text.length - MAX_LAST_WORD; end--)
    if (!/[\p{L}\p{N}\p{M}\p{Co}\p{Cs}\ufffd]/u.test(text.charAt(end - 1))) return text.slice(0, end);
  return text;
}

/** So many letters, digits, `+` and `/` in a row are coded data: base64 has lines of 64 and 76, or none. */
const DATA_RUN = 200;

/** Without long runs of coded data, each of which leaves a blank. A run that long covers a place that is looked at. */
function withoutData(text: string): string {
  let out = '';
  let kept = 0;
  for (let at = DATA_RUN - 1; at < text.length; at += DATA_RUN) {
    let start = at;
    while (start > kept && isDataCharacter(text.charCodeAt(start - 1))) start--;
    let end = at;
    while (isDataCharacter(text.charCodeAt(end))) end++;
    if (end - start < DATA_RUN) continue;
    out += `${text.slice(kept, start)} `;
    kept = end;
    at = end - 1;
  }
  return kept === 0 ? text : out + text.slice(kept);
}

/** A–Z, a–z, 0–9, `+` and `/`; NaN behind the end is none. */
const isDataCharacter = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 47 && code <= 57) || code === 43;
