/**
 * Values of secret fields in forms: `application/x-www-form-urlencoded` and `multipart/form-data` (RFC 7578). What has no
 * secret name is handed to `text`, part by part, except files that are no text. A body that was cut off is walked as far
 * as it goes; a part without its end ends with the body.
 *
 * A secret's value goes up to the next `&`, or the next boundary, whatever it holds. It does not promise to see names that are
 * encoded twice.
 */
import type { SecretNames } from './names.ts';
import type { Found, View } from './text.ts';
import { markOf } from './text.ts';

/** The form with the values of secret fields masked; the same string when there are none. */
export function maskForm(text: string, names: SecretNames, found: Found, view: View): string {
  const mark = markOf(view);
  let out = '';
  let copied = 0;
  let equals = text.indexOf('=');
  for (let at = 0; equals !== -1 && at < text.length;) {
    const and = text.indexOf('&', at);
    const end = and === -1 ? text.length : and;
    if (equals < at) equals = text.indexOf('=', at);
    if (equals !== -1 && equals < end && equals + 1 < end && names.has(nameOf(text.slice(at, equals)))) {
      if (text.slice(equals + 1, end) !== mark) {
        out += text.slice(copied, equals + 1) + mark;
        copied = end;
        found('form');
      }
    }
    at = end + 1;
  }
  return copied === 0 ? text : out + text.slice(copied);
}

const nameOf = (raw: string): string => raw.replaceAll('+', ' ').trim();

/** Whether a body without a media type reads like a form. */
export const looksLikeForm = (text: string): boolean =>
  /^[\w.~%[\]$:+-]{1,100}=[^\s<>"{}]*(?:&|$)/.test(text);

/** The boundary of a multipart media type, or null. */
export function boundaryOf(contentType: string): string | null {
  const m = /;\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType);
  return m?.[1] ?? m?.[2] ?? null;
}

/** What to do with the content of a part that has no secret name. `type` is its media type in lower case, or null. */
export type PartText = (text: string, type: string | null) => string;

/** A multipart body, part by part. */
export function maskMultipart(
  text: string,
  boundary: string,
  names: SecretNames,
  found: Found,
  view: View,
  other: PartText,
): string {
  const mark = markOf(view);
  const line = `--${boundary}`;
  let out = '';
  let at = text.indexOf(line);
  if (at === -1) return other(text, null);
  out += other(text.slice(0, at), null);
  for (;;) {
    const next = text.indexOf(`\n${line}`, at + line.length);
    const end = next === -1 ? text.length : next + 1;
    out += part(text.slice(at, end));
    if (next === -1) return out;
    at = end;
  }

  function part(whole: string): string {
    const m = /\r?\n\r?\n/.exec(whole);
    if (m === null) return whole;
    const start = m.index + m[0].length;
    // The line break before a boundary belongs to the boundary.
    const tail = /\r?\n$/.exec(whole.slice(-2));
    const end = Math.max(start, whole.length - (tail?.[0].length ?? 0));
    const head = whole.slice(line.length, m.index);
    const content = whole.slice(start, end);
    const masked = partContent(head, content);
    return whole.slice(0, start) + masked + whole.slice(end);
  }

  function partContent(head: string, content: string): string {
    const disposition = /^content-disposition\s*:(.*)$/im.exec(head)?.[1] ?? '';
    const name = /[;\s]name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/i.exec(disposition);
    const file = /[;\s]filename\*?\s*=/i.test(disposition);
    if (!file && names.has(name?.[1] ?? name?.[2] ?? '')) {
      if (content === '' || content === mark) return content;
      found('form');
      return mark;
    }
    if (file && isBinary(content)) return content;
    return other(content, /^content-type\s*:\s*([^\s;]+)/im.exec(head)?.[1]?.toLowerCase() ?? null);
  }
}

/** Whether a text of octets is none: controls that no text has, among its first 1,024. */
export function isBinary(octets: string): boolean {
  return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(octets.slice(0, 1024));
}
