/**
 * What a checkpoint says: that the rows `first` … `last` of the chain, which began at the link `before`, led to the link `link` and
 * to the tree root `root`, at the time the clock showed; and which checkpoint came before it. Pure.
 */
import { digestOf, GENESIS } from './chain.ts';
import { makeStatement, parseStatement } from './statement.ts';
import type { Signed, Signer } from './statement.ts';

export interface Checkpoint {
  /** UTC day of the file that holds the rows; `trail` for the trail of control.db. */
  day: string;
  /** Counted over all days, from 1. */
  number: number;
  /** Digest of the statement of the checkpoint before, GENESIS for the first. */
  previous: string;
  /** Numbers of the first and last row it covers. */
  first: number;
  last: number;
  /** Link before `first`, and of `last`. */
  before: string;
  link: string;
  /** Root of the tree over the digests of these rows (merkle.ts). */
  root: string;
  /** ms since epoch. */
  time: number;
}

const TITLE = 'sightglass checkpoint 1';

export function signCheckpoint(signer: Signer, c: Checkpoint): Signed {
  const { time, ...rest } = c;
  return makeStatement(signer, TITLE, { ...rest, time: new Date(time).toISOString() });
}

/** The checkpoint that a statement is; null when it is another statement or none. Says nothing of its signature. */
export function readCheckpoint(statement: string): (Checkpoint & { key: string }) | null {
  const parsed = parseStatement(statement);
  if (parsed?.title !== TITLE) return null;
  const text = (name: string): string => parsed.fields.get(name) ?? '';
  const number = (name: string): number => (/^\d{1,15}$/.test(text(name)) ? Number(text(name)) : NaN);
  const c = {
    day: text('day'),
    number: number('number'),
    previous: text('previous'),
    first: number('first'),
    last: number('last'),
    before: text('before'),
    link: text('link'),
    root: text('root'),
    time: Date.parse(text('time')),
    key: text('key'),
  };
  const digests = [c.previous, c.before, c.link, c.root, c.key];
  const whole = [c.number, c.first, c.last, c.time].every(Number.isFinite) && c.first <= c.last;
  return whole && digests.every(d => /^[0-9a-f]{64}$/.test(d)) ? c : null;
}

/** How the next checkpoint names this one. */
export const checkpointDigest = (statement: string | null): string =>
  statement === null ? GENESIS : digestOf(statement);
