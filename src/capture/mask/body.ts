/**
 * A captured body before it is stored: decoded when it came compressed, walked by what it is (form, multipart, JSON, text),
 * and stored as it came when nothing was found, masked when something was, and not at all when nobody can tell.
 *
 * What was found in a compressed body leaves it decoded: the octets of the wire would hold the secret, and coding it again
 * would pretend that they are the wire's. Bounds: `MAX_TEXT` octets of a body are looked at and kept, a coded one may
 * decode to `MAX_DECODED`; beyond that it is withheld, because a prefix of it cannot be had in one bounded step.
 *
 * Digests: see `digestOf`. It does not promise anything for a binary body that is a file (a picture, an archive).
 */
import { codingsOf, decoderOf } from '../../core/content-coding.ts';
import type { MaskingProfile, BodyForm } from '../../core/masking.ts';
import { WITHHELD } from '../../core/masking.ts';
import type { BodyFacts } from '../../core/records.ts';
import type { TapResult } from '../body.ts';
import { boundaryOf, isBinary, looksLikeForm, maskForm, maskMultipart } from './form.ts';
import { maskJson } from './json.ts';
import type { SecretNames } from './names.ts';
import type { Found, TextScanner, View } from './text.ts';
import { CHARACTERS, OCTETS } from './text.ts';

/** Octets of a body that are walked; what lies behind is not kept. At some 100 MB/s this is 80 ms. */
export const MAX_TEXT = 8 * 1024 * 1024;
/** Octets a coded body may decode to. */
export const MAX_DECODED = 4 * 1024 * 1024;
/** Content codings one over the other that are undone. */
const MAX_LAYERS = 2;
/** The digest of a shorter body that is withheld could be guessed from its form. */
const MIN_DIGEST = 1024;

export interface BodyHead {
  /** Values of Content-Type and Content-Encoding as they stood in the head. */
  contentType: string | null;
  contentEncoding: string | null;
  /** The octets are those of another protocol (WebSocket and its like). */
  upgraded: boolean;
}

/** What a profile applies to bodies. */
export interface BodyTools {
  readonly profile: MaskingProfile;
  readonly names: SecretNames;
  readonly scanner: TextScanner;
}

/** The body as it may be stored, with its facts. */
export function maskBody(tap: TapResult, head: BodyHead, tools: BodyTools, found: Found): TapResult {
  const { kept, facts } = tap;
  if (kept === null || tools.profile.originals !== null) return tap;
  const raw = decode(kept, head.contentEncoding);
  if (typeof raw === 'string') return withheld(facts, raw);
  const coded = raw.data !== kept;
  const long = raw.data.length > MAX_TEXT;
  const data = long ? raw.data.subarray(0, MAX_TEXT) : raw.data;
  const text = textOf(data, head);
  if (text === null) {
    const file = !head.upgraded && tools.profile.binary === 'files' && isFile(head.contentType);
    return file ? tap : withheld(facts, 'binary');
  }
  const cut = facts.truncated || long;
  const masked = maskText(text.text, head.contentType, tools, found, text.view, cut);
  if (masked === text.text) {
    if (!long) return tap;
    return { kept: data, facts: { ...facts, kept: data.length, truncated: true } };
  }
  const stored = text.write(masked);
  const form: BodyForm = coded ? 'decoded' : 'masked';
  return { kept: stored, facts: { ...facts, kept: stored.length, truncated: cut, sha256: null, form } };
}

/** A text of this media type masked; what a body, a part of one or a message of a WebSocket goes through. */
export function maskText(
  text: string,
  contentType: string | null,
  tools: BodyTools,
  found: Found,
  view: View,
  cut: boolean,
): string {
  const { names, scanner } = tools;
  const on = new Set<string>(tools.profile.detectors);
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? null;
  if (type?.startsWith('multipart/') === true && on.has('form')) {
    const boundary = boundaryOf(contentType ?? '');
    // A part is walked by its own type; multipart inside multipart as text.
    if (boundary !== null)
      return maskMultipart(text, boundary, names, found, view, (content, partType) =>
        one(content, partType?.startsWith('multipart/') === true ? 'text/plain' : partType),
      );
  }
  return one(text, type);

  function one(content: string, its: string | null): string {
    const form =
      its === 'application/x-www-form-urlencoded' ||
      ((its === null || its === 'text/plain') && looksLikeForm(content));
    const fields = form && on.has('form') ? maskForm(content, names, found, view) : content;
    // Keys in double quotes are looked for everywhere: JSON stands in scripts, pages, forms and event streams, too.
    const keys = on.has('json') ? maskJson(fields, names, found, view) : fields;
    const json = /[/+]json|ndjson|json-seq/.test(its ?? '') || /^\s*[[{]/.test(content.slice(0, 64));
    return scanner.scan(keys, found, { view, cut, json });
  }
}

/**
 * A body that is not stored keeps the digest of its octets, so that a copy found elsewhere can be recognised; not a short
 * one, whose few unknown characters could be tried one after the other. A masked body never keeps the digest of the
 * original: with everything else known, a card number or PIN could be tried, too.
 */
function digestOf(facts: BodyFacts): string | null {
  return facts.size >= MIN_DIGEST ? facts.sha256 : null;
}

function withheld(facts: BodyFacts, form: BodyForm): TapResult {
  if (!WITHHELD.has(form)) throw new Error(`${form} is stored`);
  return {
    kept: null,
    facts: { size: facts.size, kept: 0, sha256: digestOf(facts), truncated: false, form },
  };
}

// ── codings ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The body without its content codings, or why it cannot be had. */
function decode(data: Buffer, contentEncoding: string | null): { data: Buffer } | BodyForm {
  const codings = codingsOf(contentEncoding);
  if (codings.length > MAX_LAYERS) return 'coding';
  let current = data;
  for (const coding of codings) {
    const undo = decoderOf(coding, current);
    if (undo === null) return 'coding';
    try {
      current = undo(current, MAX_DECODED);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'size' : 'broken';
    }
  }
  return { data: current };
}

// ── text or not ────────────────────────────────────────────────────────────────────────────────────────────────

interface BodyText {
  text: string;
  view: View;
  write: (text: string) => Buffer;
}

/** The body as text: octets where ASCII stands for itself, characters for UTF-16; null when it is no text. */
function textOf(data: Buffer, head: BodyHead): BodyText | null {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(head.contentType ?? '')?.[1]?.toLowerCase() ?? '';
  if (head.upgraded) return null;
  const little = (data[0] === 0xff && data[1] === 0xfe) || charset === 'utf-16le';
  const big = (data[0] === 0xfe && data[1] === 0xff) || charset === 'utf-16be';
  if (little || big || charset === 'utf-16') return utf16(data, big);
  const text = data.toString('latin1');
  // UTF-7, UTF-32 and EBCDIC do not show ASCII as itself.
  if (isBinary(text) || /^(?:utf-?7|utf-?32|ebcdic|cp037|ibm)/.test(charset)) return null;
  return { text, view: OCTETS, write: masked => Buffer.from(masked, 'latin1') };
}

function utf16(data: Buffer, big: boolean): BodyText {
  const even = data.subarray(0, data.length & ~1);
  const swapped = big ? Buffer.from(even).swap16() : even;
  return {
    text: swapped.toString('utf16le'),
    view: CHARACTERS,
    write: masked => {
      const out = Buffer.from(masked, 'utf16le');
      return big ? out.swap16() : out;
    },
  };
}

/** Media types of files: a picture or archive is shown as it is, and has no fields by name. */
const FILE =
  /^(?:image|audio|video|font|model|chemical)\/|^application\/(?:octet-stream|pdf|zip|gzip|wasm|rtf|epub|ogg|mp4|font|java-archive|postscript|vnd\.(?:openxml|oasis|ms-|android|apple|debian|microsoft|rar)|msword|x-(?:7z|bzip|compress|deb|dosexec|executable|font|gzip|iso|java|lz|msdos|msdownload|ms-|rar|rpm|sharedlib|shockwave|tar|xz|zip))/;

function isFile(contentType: string | null): boolean {
  return contentType === null || FILE.test(contentType.trim().toLowerCase());
}
