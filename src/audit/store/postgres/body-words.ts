/**
 * A captured body as it is searched: named by its digest and its reading (../body-text.ts), so that the same octets under the same
 * kind of head are stored once a day. Pure.
 */
import { createHash } from 'node:crypto';
import { NOT_READ, searchedText } from '../body-text.ts';
import { Vector } from './words.ts';
import type { Reading } from '../body-text.ts';
import type { Waiting } from './proxy-state.ts';

export interface BodyWords {
  hash: Buffer;
  /** The hash as a key of maps. */
  key: string;
  sha: Buffer;
  reading: Reading;
  /** Day under which the body lies; null when it came with the batch under way. */
  day: string | null;
  /** `tsvector` literal, once it was made. */
  words: string | null;
}

/** What of a body is searched; null when nothing is. */
export function wordsOfBody(body: Waiting | null, reading: Reading): BodyWords | null {
  if (body === null || reading === NOT_READ) return null;
  const { sha, day } = body;
  const hash = createHash('sha256').update(sha).update(reading).digest().subarray(0, 16);
  return { hash, key: hash.toString('latin1'), sha, reading, day, words: null };
}

/** The words of a body as a `tsvector` literal; empty when it is no text. */
export const vectorOfBody = (data: Buffer, reading: Reading): string =>
  new Vector().add(searchedText(data, reading), false).toString();
