/**
 * Values of secret keys in JSON, by a walk over its strings: a string before a colon is a key, whatever stands around it.
 * So it needs no whole document: bodies cut off at any place, several documents in a row (NDJSON, server-sent events) and
 * JSON in a script are walked alike. A value is masked whole, with everything inside when it is an object or array; `true`,
 * `false`, `null` and what is empty stay. JSON inside a string is walked too, three levels deep.
 *
 * A raw line break ends a string that is no secret, so one stray quote spoils one line and not the rest of the body.
 * It does not promise to see keys without double quotes.
 */
import type { SecretNames } from './names.ts';
import type { Found, View } from './text.ts';
import { markOf } from './text.ts';

const MAX_DEPTH = 3;

/** The text with the values of secret keys masked; the same string when there are none. */
export function maskJson(text: string, names: SecretNames, found: Found, view: View, depth = 0): string {
  const mark = markOf(view);
  let out = '';
  let copied = 0;
  let at = 0;
  for (;;) {
    const open = text.indexOf('"', at);
    if (open === -1) break;
    const end = endOfString(text, open + 1, true);
    if (text.charCodeAt(end) !== QUOTE) {
      // Broken by the end of the line, or of the text.
      at = end + 1;
      continue;
    }
    const colon = afterSpace(text, end + 1);
    if (text.charCodeAt(colon) !== COLON) {
      const inner = depth < MAX_DEPTH ? innerJson(text, open + 1, end, names, found, view, depth) : null;
      if (inner !== null) {
        out += text.slice(copied, open + 1) + inner;
        copied = end;
      }
      at = end + 1;
      continue;
    }
    const value = afterSpace(text, colon + 1);
    at = value;
    if (!names.has(unescaped(text.slice(open + 1, end)))) continue;
    at = endOfValue(text, value);
    if (!isSecret(text, value, at, mark)) continue;
    // A string that was cut off stays open.
    const quoted = text.charCodeAt(value) === QUOTE;
    const closed = !quoted || (at - value > 1 && text.charCodeAt(at - 1) === QUOTE);
    out += `${text.slice(copied, value)}"${mark}${closed ? '"' : ''}`;
    copied = at;
    found('json');
  }
  return copied === 0 ? text : out + text.slice(copied);
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;

/** Index of the closing quote; of the line break or the end of the text when there is none before. */
function endOfString(text: string, from: number, breaks: boolean): number {
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE || (breaks && c === LINE_FEED)) return i;
    if (c === BACKSLASH) i++;
  }
  return text.length;
}

function afterSpace(text: string, from: number): number {
  let i = from;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c !== 0x20 && c !== 0x09 && c !== 0x0a && c !== 0x0d) break;
    i++;
  }
  return i;
}

/** End, exclusive, of the value that begins at `from`. */
function endOfValue(text: string, from: number): number {
  const first = text[from];
  if (first === '"') return Math.min(text.length, endOfString(text, from + 1, false) + 1);
  if (first !== '{' && first !== '[') {
    let i = from;
    while (i < text.length && !/[\s,}\]"]/.test(text[i] ?? '')) i++;
    return i;
  }
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    switch (text[i]) {
      case '"':
        i = endOfString(text, i + 1, false);
        break;
      case '{':
      case '[':
        depth++;
        break;
      case '}':
      case ']':
        if (--depth === 0) return i + 1;
        break;
      default:
    }
  }
  return text.length;
}

function isSecret(text: string, from: number, end: number, mark: string): boolean {
  const length = end - from;
  if (length === 0) return false;
  if (length > mark.length + 2) return true;
  const value = text.slice(from, end);
  return !/^(?:true|false|null|""?|\{\s*\}?|\[\s*\]?)$/.test(value) && !value.startsWith(`"${mark}`);
}

function unescaped(name: string): string {
  if (!name.includes('\\')) return name;
  try {
    return JSON.parse(`"${name}"`) as string;
  } catch {
    return name;
  }
}

/** A string whose content is JSON itself, masked and escaped again; null when it is none or holds no secret. */
function innerJson(
  text: string,
  from: number,
  end: number,
  names: SecretNames,
  found: Found,
  view: View,
  depth: number,
): string | null {
  // `{\"` or `[{\"` is how it begins; nothing else is worth the work.
  const first = text[afterSpace(text, from)];
  if (first !== '{' && first !== '[') return null;
  const literal = text.slice(from - 1, end + 1);
  if (!literal.includes('\\"')) return null;
  let inner: unknown;
  try {
    inner = JSON.parse(literal);
  } catch {
    return null;
  }
  if (typeof inner !== 'string') return null;
  const masked = maskJson(inner, names, found, view, depth + 1);
  return masked === inner ? null : JSON.stringify(masked).slice(1, -1);
}
