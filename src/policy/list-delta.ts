/**
 * What differs between two contents of a list: how many patterns came and went, and the first of them by name. A pattern whose
 * kind changed (`a.test` to `.a.test`) went and came. Pure; `breathe` is awaited between pieces of a few milliseconds.
 *
 * Bound: `SAMPLE` names of either kind.
 */
import type { DomainSet } from './domain-set.ts';
import { patternText } from './pattern.ts';

export interface ListDelta {
  added: number;
  removed: number;
  /** First changes, as `+ pattern` and `- pattern`; what came stands first. */
  sample: string[];
}

const SAMPLE = 10;
const PIECE = 20_000;

export async function listDelta(
  before: DomainSet,
  after: DomainSet,
  breathe: () => Promise<void>,
): Promise<ListDelta> {
  const came = await missing(after, before, breathe);
  const went = await missing(before, after, breathe);
  return {
    added: came.count,
    removed: went.count,
    sample: [...came.first.map(p => `+ ${p}`), ...went.first.map(p => `- ${p}`)],
  };
}

/** Patterns of `of` that `from` has not. */
async function missing(
  of: DomainSet,
  from: DomainSet,
  breathe: () => Promise<void>,
): Promise<{ count: number; first: string[] }> {
  const first: string[] = [];
  let count = 0;
  let looked = 0;
  for (const p of of.patterns()) {
    if (++looked % PIECE === 0) await breathe();
    if (from.kindOf(p.name) !== p.match && ++count <= SAMPLE) first.push(patternText(p));
  }
  return { count, first };
}
