/**
 * A captured body as something a page may show: text, or the first bytes for a hex view. The text goes out inside JSON and
 * is never a document of its own. What counts as text is decided by the bytes first and the claimed type second, because
 * the claim is the sender's.
 */
import { TextDecoder } from 'node:util';
import { HEX_MAX, PREVIEW_MAX } from '../contract.ts';
import type { BodyPreview } from '../contract.ts';
import { decodeBody } from './decode.ts';

/** Preview of a body. `captured` false when the capture kept only its beginning. */
export async function previewBody(
  body: Buffer,
  contentType: string | null,
  contentEncoding: string | null,
  captured: { whole: boolean },
): Promise<BodyPreview> {
  const decoded = await decodeBody(body, contentEncoding, PREVIEW_MAX);
  const whole = decoded.whole && captured.whole;
  const note =
    decoded.note ??
    (captured.whole ? null : 'Only the beginning of the body was captured; see capture.body-limit.');
  return {
    contentType: mediaType(contentType),
    codings: decoded.codings,
    text: textOf(decoded.data, contentType, whole),
    head: decoded.data.subarray(0, HEX_MAX).toString('base64'),
    bytes: decoded.data.length,
    whole,
    note: note === null || !whole ? note : null,
  };
}

/** Media type of a Content-Type value without parameters, lower case; null when there is none that looks like one. */
export function mediaType(contentType: string | null): string | null {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(type) ? type : null;
}

/** Bytes as text, or null when they are none. */
function textOf(data: Buffer, contentType: string | null, whole: boolean): string | null {
  const charset = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec((contentType ?? '').slice(0, 1000))?.[1];
  const utf16 = /^utf-?16/i.test(charset ?? '');
  // NUL stands in no text but UTF-16 and UTF-32.
  if (!utf16 && data.subarray(0, 4096).includes(0)) return null;
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    try {
      return new TextDecoder(charset).decode(data);
    } catch {
      // A charset nobody knows: go on as if none were named.
    }
  }
  try {
    // `stream` forgives a character that the cut went through.
    return new TextDecoder('utf-8', { fatal: true }).decode(data, { stream: !whole });
  } catch {
    return TEXTUAL.test(mediaType(contentType) ?? '') ? new TextDecoder('windows-1252').decode(data) : null;
  }
}

const TEXTUAL = /^text\/|[/+](?:json|xml|javascript|ecmascript|x-www-form-urlencoded|graphql|yaml|toml|csv)$/;
