/**
 * What link and collector say to each other, beside the batches: the greeting and the answers, as JSON, read strictly on both
 * sides. Pure.
 *
 *   POST /v1/hello   what the proxy has        → where the store is
 *   POST /v1/batch   a batch, gzip-compressed  → where the store is now, or that dictionaries are needed
 *
 * Both carry the spool's identity and the proxy's name, which must be the certificate's.
 */
import { CodecError } from '../bytes.ts';
import { SEGMENT } from '../producer.ts';
import type { Answer, Arrival } from './intake.ts';
import type { SegmentCursor } from './spool-source.ts';

export const HELLO_PATH = '/v1/hello';
export const BATCH_PATH = '/v1/batch';
export const NAME_HEADER = 'x-sightglass-proxy';
export const SPOOL_HEADER = 'x-sightglass-spool';

/** Segments of one greeting at most: 2 GiB of segments are 128, and small ones may be more. */
const MAX_SEGMENTS = 100_000;

export const encodeArrival = (arrival: Arrival): string => JSON.stringify(arrival);

/** Read a greeting. Throws CodecError. */
export function decodeArrival(text: string): Arrival {
  const { segments, producers } = objectOf(text);
  if (!Array.isArray(segments) || segments.length > MAX_SEGMENTS || !segments.every(isSegment))
    throw new CodecError('the segments of the greeting are none');
  if (!Array.isArray(producers) || producers.length > MAX_SEGMENTS || !producers.every(isCount))
    throw new CodecError('the producers of the greeting are none');
  return { segments, producers };
}

export function encodeAnswer(answer: Answer): string {
  return JSON.stringify(
    answer.kind === 'prelude'
      ? { kind: 'prelude' }
      : { kind: 'taken', segments: [...answer.segments].map(([s, c]) => [s, c.at, c.done, c.bad]) },
  );
}

/** Read an answer. Throws CodecError. */
export function decodeAnswer(text: string): Answer {
  const { kind, segments } = objectOf(text);
  if (kind === 'prelude') return { kind };
  if (kind !== 'taken' || !Array.isArray(segments)) throw new CodecError('the answer is none');
  const found = new Map<string, SegmentCursor>();
  for (const entry of segments as unknown[]) {
    const [segment, at, done, bad] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (!isSegment(segment) || !isCount(at) || typeof done !== 'boolean' || typeof bad !== 'boolean')
      throw new CodecError('the answer is none');
    found.set(segment, { at, done, bad });
  }
  return { kind, segments: found };
}

function objectOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CodecError('no JSON');
  }
  if (typeof value !== 'object' || value === null) throw new CodecError('no object');
  return value as Record<string, unknown>;
}

const isSegment = (value: unknown): value is string => typeof value === 'string' && SEGMENT.test(value);
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
