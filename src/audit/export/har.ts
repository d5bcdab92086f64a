/**
 * HAR 1.2. The file is written piece by piece: `harHead`, an entry per exchange, `harTail`; one entry is one line.
 *
 * Secrets: what was masked before it was recorded stays masked, and credentials and cookies that a rule let through are
 * redacted here. Which fields that are stands in `_redacted` of every entry, so that nobody takes a mark for a value.
 * Bodies come as they were captured: decoded when the whole of them is there (at most `BODY_MAX`), otherwise as the bytes on
 * the wire in base64, with a comment. A body that was not captured has its size only.
 *
 * Connections that were passed through or blocked hold no request and have no entry. Pure (zlib works on memory).
 */
import zlib from 'node:zlib';
import { addressOrNull, headFields, PRODUCT, urlOf } from './facts.ts';
import { isoTime, jsonLine } from './lines.ts';
import type { ExchangeDetail, FedBodies, StoredBody } from '../store/store.ts';

const BODY_MAX = 16 * 1024 * 1024;
/** What a masked value looks like (capture/mask.ts). */
const MASKED = /‹masked/;
const CREDENTIALS = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);
const LONE = /\p{Cs}/gu;

/** Everything before the first entry. */
export function harHead(version: string): string {
  const creator = { name: PRODUCT, version };
  const comment =
    'Values written as ‹masked› were removed before they were recorded; values written as REDACTED were removed by this ' +
    'export. The list _redacted of an entry names the places.';
  return `{"log":{"version":"1.2","creator":${jsonLine(creator)},"comment":${jsonLine([comment]).slice(1, -1)},"entries":[\n`;
}

/** Everything after the last entry. `note` says the truth about completeness. */
export const harTail = (note: Record<string, unknown> | null): string =>
  `\n]${note === null ? '' : `,"_sightglass":${jsonLine(note)}`}}}\n`;

/** One entry as one line. Between two of them stands `,\n`. */
export function harEntry(x: ExchangeDetail, bodies: FedBodies | null, address: string | null): string {
  const redacted: string[] = [];
  const url = urlOf(x);
  if (MASKED.test(url)) redacted.push('request.url');
  const request = fieldsOf(x.reqHeaders, 'request', redacted);
  const response = fieldsOf(x.resHeaders, 'response', redacted);
  const server = addressOrNull(address) ?? addressOrNull(x.host);
  const receive = Math.max(0, x.ms - (x.wait ?? 0));
  return jsonLine(
    wellFormed({
      startedDateTime: isoTime(x.time),
      time: x.ms,
      request: {
        method: x.method,
        url: uri(url),
        httpVersion: x.protocol,
        cookies: [],
        headers: request,
        queryString: queryOf(x.path),
        headersSize: Buffer.byteLength(x.reqHeaders),
        bodySize: x.reqBytes,
        ...postData(x, bodies?.req ?? null),
      },
      response: {
        status: x.status ?? 0,
        statusText: '',
        httpVersion: x.protocol,
        cookies: [],
        headers: response,
        content: content(x, bodies?.res ?? null),
        redirectURL: response.find(f => f.name.toLowerCase() === 'location')?.value ?? '',
        headersSize: Buffer.byteLength(x.resHeaders),
        bodySize: x.resBytes,
      },
      cache: {},
      timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait: x.wait ?? 0, receive },
      ...(server === null ? {} : { serverIPAddress: server }),
      connection: x.flow,
      _redacted: redacted,
      ...(x.fault === null
        ? {}
        : { _error: x.faultDetail === null ? x.fault : `${x.fault}: ${x.faultDetail}` }),
      _sightglass: {
        exchange: x.exchange,
        client: x.client,
        user: x.user,
        verdict: x.verdict,
        rule: x.rule,
        policy: x.policy,
        sni: x.sni,
        requestSha256: x.req.sha256,
        responseSha256: x.res.sha256,
      },
    }) as object,
  );
}

/** The URL in characters of RFC 3986; readers refuse a file for any other. */
const uri = (url: string): string =>
  url.replace(/[^\w\-.~:/?#[\]@!$&'()*+,;=%]+/g, part => encodeURIComponent(part.replace(LONE, '\ufffd')));

function fieldsOf(head: string, side: string, redacted: string[]): { name: string; value: string }[] {
  return headFields(head).map(({ name, value }) => {
    const place = `${side}.headers.${name}`;
    if (MASKED.test(value)) redacted.push(place);
    else if (CREDENTIALS.has(name.toLowerCase()) && value !== '') {
      redacted.push(place);
      return { name, value: 'REDACTED' };
    }
    return { name, value };
  });
}

function queryOf(path: string): { name: string; value: string }[] {
  const at = path.indexOf('?');
  if (at < 0) return [];
  return path
    .slice(at + 1)
    .split('&')
    .filter(pair => pair !== '')
    .map(pair => {
      const equals = pair.indexOf('=');
      return equals < 0
        ? { name: pair, value: '' }
        : { name: pair.slice(0, equals), value: pair.slice(equals + 1) };
    });
}

function postData(x: ExchangeDetail, body: StoredBody | null): Record<string, unknown> {
  if (x.reqBytes === 0) return {};
  const mimeType = body?.contentType ?? headFields(x.reqHeaders).find(isType)?.value ?? '';
  if (body === null) return { postData: { mimeType, params: [], text: '', comment: NOT_CAPTURED } };
  const { text, encoding, comment } = textOf(body);
  // HAR has no place for the encoding of a request's body; its own key says it.
  return {
    postData: {
      mimeType,
      params: [],
      text,
      ...(encoding === null ? {} : { _encoding: encoding }),
      ...(comment === null ? {} : { comment }),
    },
  };
}

const NOT_CAPTURED = 'The body was not captured.';

function content(x: ExchangeDetail, body: StoredBody | null): Record<string, unknown> {
  const mimeType = body?.contentType ?? headFields(x.resHeaders).find(isType)?.value ?? x.contentType ?? '';
  if (body === null)
    return { size: x.resBytes, mimeType, ...(x.resBytes > 0 ? { comment: NOT_CAPTURED } : {}) };
  const { text, encoding, comment, size } = textOf(body);
  return {
    size,
    mimeType,
    text,
    ...(encoding === null ? {} : { encoding }),
    ...(comment === null ? {} : { comment }),
  };
}

const isType = (f: { name: string }): boolean => f.name.toLowerCase() === 'content-type';

function textOf(body: StoredBody): {
  text: string;
  encoding: 'base64' | null;
  comment: string | null;
  size: number;
} {
  const cut = body.facts.truncated
    ? `Only the first ${body.facts.kept} of ${body.facts.size} bytes were captured.`
    : null;
  const decoded = body.facts.truncated ? null : decodedBody(body.data, body.contentEncoding);
  const data = decoded ?? body.data;
  const coded = decoded === null && (body.contentEncoding ?? '') !== '';
  const comment =
    [cut, coded ? `The bytes are as on the wire, coded by ${body.contentEncoding ?? ''}.` : null]
      .filter(part => part !== null)
      .join(' ') || null;
  const text = coded ? null : utf8(data);
  return text === null
    ? { text: data.toString('base64'), encoding: 'base64', comment, size: data.length }
    : { text, encoding: null, comment, size: data.length };
}

/** Valid UTF-8 as text, or null. */
function utf8(data: Buffer): string | null {
  const text = data.toString();
  return Buffer.from(text).equals(data) ? text : null;
}

/** The bytes without their content coding; the bytes themselves without one; null when they cannot be had. */
function decodedBody(data: Buffer, coding: string | null): Buffer | null {
  const options = { maxOutputLength: BODY_MAX };
  try {
    switch ((coding ?? '').trim().toLowerCase()) {
      case '':
      case 'identity':
        return data;
      case 'gzip':
      case 'x-gzip':
        return zlib.gunzipSync(data, options);
      case 'deflate':
        return zlib.inflateSync(data, options);
      case 'br':
        return zlib.brotliDecompressSync(data, options);
      default:
        return null;
    }
  } catch {
    // Damaged, or larger than what one entry may hold.
    return null;
  }
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(LONE, '\ufffd');
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [wellFormed(key), wellFormed(inner)]),
    );
  return value;
}
