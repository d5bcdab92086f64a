/**
 * Content codings (RFC 9110 §8.4) of a body that lies in memory: their names in order, and one of them taken off in one step, with a
 * bound on what comes out. Pure. A body that was cut off gives what it has.
 *
 * gzip, deflate and br; a coding that Node 20 cannot take off (zstd) is not known here.
 */
import zlib from 'node:zlib';

/** The codings that a Content-Encoding value names, in the order in which they are taken off; `identity` is none. */
export function codingsOf(contentEncoding: string | null): string[] {
  return (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map(coding => coding.trim())
    .filter(coding => coding !== '' && coding !== 'identity')
    .reverse();
}

/** Takes one coding off. Throws when the octets are none of it, or give more than `most` (code ERR_BUFFER_TOO_LARGE). */
export type Decoder = (data: Buffer, most: number) => Buffer;

/** What takes a coding off these octets; null when the coding is not known. */
export function decoderOf(coding: string, data: Buffer): Decoder | null {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      // Some servers name a coding and send none.
      return data[0] === 0x1f && data[1] === 0x8b ? gunzip : same;
    case 'deflate':
      // The zlib form is meant (RFC 9110 §8.4.1.2), the raw one is also sent. RFC 1950 §2.2 tells them apart.
      return data.length > 1 && ((data[0] ?? 0) & 15) === 8 && data.readUInt16BE(0) % 31 === 0
        ? inflate
        : inflateRaw;
    case 'br':
      return brotli;
    default:
      return null;
  }
}

/** The flush modes let a body that was cut off give what it has. */
const FLUSH = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
const BROTLI_FLUSH = { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH };

const same: Decoder = data => data;
const gunzip: Decoder = (data, most) => zlib.gunzipSync(data, { ...FLUSH, maxOutputLength: most });
const inflate: Decoder = (data, most) => zlib.inflateSync(data, { ...FLUSH, maxOutputLength: most });
const inflateRaw: Decoder = (data, most) => zlib.inflateRawSync(data, { ...FLUSH, maxOutputLength: most });
const brotli: Decoder = (data, most) =>
  zlib.brotliDecompressSync(data, { ...BROTLI_FLUSH, maxOutputLength: most });
