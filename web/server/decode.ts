/**
 * Content codings taken off for a preview (RFC 9110 §8.4), bounded in every direction: the bytes are hostile and a few
 * kilobytes can claim to be gigabytes.
 *
 * Bounds: at most `MAX_LAYERS` codings; at most `max` bytes out of each of them (so the whole work is at most
 * layers × max); output at most `MAX_RATIO` times the input once that is more than 64 KiB. Whoever passes a bound
 * gets what came out until then and a note that says so. Streams, never a one-shot inflate: memory follows the bound and
 * not the claim, and the work runs on libuv's pool. A body that was captured only in part decodes as far as it goes.
 */
import zlib from 'node:zlib';
import type { Transform } from 'node:stream';

export interface Decoded {
  data: Buffer;
  /** Codings taken off, outermost first. */
  codings: string[];
  /** True when `data` is everything the input holds. */
  whole: boolean;
  /** Why it is not, in a sentence, or null. */
  note: string | null;
}

export const MAX_LAYERS = 5;
/** Deflate reaches 1032:1 on zeros; honest text stays below 100:1. */
export const MAX_RATIO = 250;
const RATIO_FREE = 64 * 1024;

/** Take the codings of a Content-Encoding value off `body`. Never rejects on bad data: it says so in `note`. */
export async function decodeBody(
  body: Buffer,
  contentEncoding: string | null,
  max: number,
): Promise<Decoded> {
  // The field lists codings in the order applied, so the last one is the outermost.
  const layers = (contentEncoding ?? '')
    .slice(0, 500)
    .toLowerCase()
    .split(',')
    .map(coding => coding.trim())
    .filter(coding => coding !== '' && coding !== 'identity')
    .reverse();
  const out: Decoded = { data: body, codings: [], whole: true, note: null };
  const stop = (note: string): Decoded => ({ ...out, data: out.data.subarray(0, max), whole: false, note });
  if (layers.length > MAX_LAYERS)
    return stop(
      `The message claims ${layers.length} content codings; more than ${MAX_LAYERS} are not taken off.`,
    );
  for (const coding of layers) {
    const decoder = decoderOf(coding, out.data);
    if (decoder === null)
      return stop('One of the content codings is not known here; the bytes are shown as captured.');
    const limit = Math.min(max, Math.max(RATIO_FREE, body.length * MAX_RATIO));
    const layer = await run(decoder, out.data, limit);
    out.codings.push(coding);
    out.data = layer.data;
    if (layer.end === 'limit')
      return stop(
        limit < max
          ? `The body expands more than ${MAX_RATIO} times; decoding stopped after ${limit} bytes.`
          : `Only the first ${max} bytes of the decoded body are shown.`,
      );
    if (layer.end === 'broken') {
      out.whole = false;
      out.note = 'The content coding ends early or is damaged; what could be decoded is shown.';
    }
  }
  return out.data.length > max ? stop(`Only the first ${max} bytes of the body are shown.`) : out;
}

function decoderOf(coding: string, data: Buffer): Transform | null {
  // Flushing at the end instead of finishing lets a body that was cut give what it has.
  const deflate = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip(deflate);
    case 'deflate':
      // RFC 9110 means the zlib form; some servers send raw deflate. The first two bytes tell (RFC 1950 §2.2).
      return ((data[0] ?? 0) & 0x0f) === 8 && (((data[0] ?? 0) << 8) | (data[1] ?? 0)) % 31 === 0
        ? zlib.createInflate(deflate)
        : zlib.createInflateRaw(deflate);
    case 'br':
      return zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH });
    case 'zstd':
      // Node has it from 22.15 on; on Node 20 such a body is shown as captured.
      return (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress?.() ?? null;
    default:
      return null;
  }
}

async function run(
  decoder: Transform,
  input: Buffer,
  limit: number,
): Promise<{ data: Buffer; end: 'whole' | 'limit' | 'broken' }> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    decoder.end(input);
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      // Strictly more than the limit, so that a body of just that size counts as whole.
      if (size > limit) return { data: Buffer.concat(chunks).subarray(0, limit), end: 'limit' };
    }
    return { data: Buffer.concat(chunks), end: 'whole' };
  } catch {
    return { data: Buffer.concat(chunks), end: 'broken' };
  } finally {
    decoder.destroy();
  }
}
