/** Random captured bodies whose words are known without reading them: every shape, coding and charset that the search undoes. */
import zlib from 'node:zlib';
import type { Rng } from '../fuzz/rng.ts';
import type { BodyRecord, ExchangeRecord } from '../../src/core/records.ts';

export interface KnownBody {
  data: Buffer;
  contentType: string | null;
  contentEncoding: string | null;
  /** What the search finds in it, as plain text. */
  text: string;
}

export type KnownBodies = Partial<Record<'req' | 'res', KnownBody>>;

const WORDS = ['invoice', 'total', 'amount', 'café', 'Überweisung', 'login', 'v1', 'x-ray', '4711', 'NGINX'];
/** Octets that have words under one head and none under another. */
const SHARED = 'the same octets under two heads';

export function randomBody(rng: Rng): KnownBody {
  const words = Array.from({ length: 1 + rng.int(6) }, () => rng.pick(WORDS));
  const spoken = words.join(' ');
  const [data, contentType, text] = rng.pick<() => [Buffer, string | null, string]>([
    () => [Buffer.from(spoken), rng.pick(['text/plain', 'text/html; charset=utf-8', null]), spoken],
    () => [
      Buffer.from(asciiJson({ note: words.join('\n') })),
      rng.pick(['application/json', 'text/html', null]),
      `note ${spoken}`,
    ],
    () => [
      Buffer.from(new URLSearchParams({ q: spoken }).toString()),
      'application/x-www-form-urlencoded',
      `q ${spoken}`,
    ],
    () => [Buffer.from(spoken, 'latin1'), rng.pick(['text/plain; charset=ISO-8859-1', 'text/plain']), spoken],
    () => [Buffer.from(`\ufeff${spoken}`, 'utf16le'), 'text/plain', spoken],
    () => [
      Buffer.from(`--b\r\nContent-Type: text/plain\r\n\r\n${spoken}\r\n--b--\r\n`),
      'multipart/form-data; boundary=b',
      `Content-Type text plain ${spoken}`,
    ],
    () => [Buffer.from(SHARED), 'text/plain', SHARED],
    () => [Buffer.from(SHARED), 'image/png', ''],
    () => [Buffer.from(`\u0000\u0001${spoken}`), 'application/octet-stream', ''],
  ])();
  const coding = rng.pick([null, null, 'gzip', 'deflate', 'br', 'gzip, br', 'zstd']);
  // Nobody here knows zstd: such a body has no words.
  return {
    data: coded(data, coding),
    contentType,
    contentEncoding: coding,
    text: coding === 'zstd' ? '' : text,
  };
}

/** JSON with everything outside ASCII escaped. */
const asciiJson = (value: object): string =>
  JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const FAST = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } };

export function coded(data: Buffer, contentEncoding: string | null): Buffer {
  let out = data;
  for (const coding of contentEncoding?.split(', ') ?? [])
    if (coding === 'gzip') out = zlib.gzipSync(out);
    else if (coding === 'deflate') out = zlib.deflateSync(out);
    else if (coding === 'br') out = zlib.brotliCompressSync(out, FAST);
  return out;
}

/** The record as it is with these bodies, and the bodies' own records, which come before it. */
export function withBodies(
  record: ExchangeRecord,
  bodies: KnownBodies,
): { record: ExchangeRecord; before: BodyRecord[] } {
  const out = { ...record };
  const before: BodyRecord[] = [];
  for (const side of ['req', 'res'] as const) {
    const body = bodies[side];
    if (body === undefined) continue;
    const { data } = body;
    const head = side === 'req' ? 'reqHeaders' : 'resHeaders';
    if (body.contentType !== null) out[head] += `Content-Type: ${body.contentType}\r\n`;
    if (body.contentEncoding !== null) out[head] += `Content-Encoding: ${body.contentEncoding}\r\n`;
    out[side] = { size: data.length, kept: data.length, sha256: null, truncated: false };
    before.push({ kind: 'body', flow: record.flow, n: record.n, side, data });
  }
  return { record: out, before };
}
