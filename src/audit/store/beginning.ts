/**
 * The first octets of a coded body: as many as a search looks at, exactly, whatever the rest of it unpacks to. Pure.
 *
 * zlib's one-step decoders either give everything or nothing, so prefixes of the body are tried: longer ones while too little
 * comes out, shorter ones when more than `SURPLUS` times the wanted does. Text comes out in one or two steps.
 * Bound: `TRIES` steps of at most `SURPLUS` × `want` octets per coding, `MAX_CODINGS` codings. A decompression bomb
 * (some thousand octets from each of its own) gives what its beginning gives, or nothing.
 */
import { decoderOf } from '../../core/content-coding.ts';
import type { Decoder } from '../../core/content-coding.ts';

const MAX_CODINGS = 2;
const SURPLUS = 4;
const TRIES = 8;
/** Octets of the body that are tried first: most pages and answers are shorter when they are compressed. */
const FIRST = 8192;

export interface Beginning {
  data: Buffer;
  /** False when there is more, or could be. */
  whole: boolean;
}

/** At most `want` octets of the body without its codings (in the order they are taken off); null when one is not known. */
export function beginningOf(body: Buffer, codings: readonly string[], want: number): Beginning | null {
  if (codings.length > MAX_CODINGS) return null;
  let found: Beginning = { data: body, whole: true };
  for (const coding of codings) {
    const decode = decoderOf(coding, found.data);
    if (decode === null) return null;
    const next = unpacked(found.data, decode, want);
    found = { data: next.data, whole: found.whole && next.whole };
  }
  if (found.data.length <= want) return found;
  return { data: found.data.subarray(0, want), whole: false };
}

function unpacked(body: Buffer, decode: Decoder, want: number): Beginning {
  let data: Buffer = body.subarray(0, 0);
  // Octets of the body that gave too little, and that gave too much or failed.
  let low = 0;
  let high = body.length + 1;
  let next = Math.min(body.length, FIRST);
  for (let tries = 0; tries < TRIES && next > low && next < high; tries++) {
    try {
      data = decode(body.subarray(0, next), want * SURPLUS);
      if (data.length >= want || next === body.length) return { data, whole: next === body.length };
      low = next;
      next = high > body.length ? Math.min(body.length, next * 3) : (low + high) >> 1;
    } catch {
      // Too much, or broken behind its beginning.
      high = next;
      next = low === 0 ? high >> 3 : (low + high) >> 1;
    }
  }
  return { data, whole: false };
}
