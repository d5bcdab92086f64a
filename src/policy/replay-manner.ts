/**
 * What a replay finds that keeps its action and is carried out in another manner: capture level, masking, TLS profile,
 * parent group, kind of block, each from what to what. Pure. Something that changes in two ways is counted under both.
 *
 * The members of a parent group are not compared, only its name, since records hold no more of it that counts.
 * Bound: `WAYS` different changes are held apart; what comes beyond is counted in the sum of the replay only.
 */
import type { FlowFacts } from '../core/facts.ts';
import { mannerOf } from '../core/verdict.ts';
import type { Verdict } from '../core/verdict.ts';
import { AffectedTally, KEYS } from './tally.ts';
import type { Affected, AffectedCounts } from './tally.ts';

/** A key of a rule that says how its action is carried out. */
export const MANNERS = ['capture', 'mask', 'tls', 'parent', 'block'] as const;
export type MannerKey = (typeof MANNERS)[number];

/** All that would keep its action and change one key of its manner from one value to the same other one. */
export interface MannerChange extends AffectedCounts {
  what: MannerKey;
  /** Null where the key says nothing: of `parent`, straight to the origin. */
  from: string | null;
  to: string | null;
  /** Flows, or requests where requests are replayed. */
  count: number;
}

/** One difference between two verdicts of the same action. */
export type MannerStep = Pick<MannerChange, 'what' | 'from' | 'to'>;

const WAYS = 100;

/** How two verdicts about a flow of the same action differ in manner; empty for alike. */
export function flowSteps(was: Verdict, is: Verdict, scheme: FlowFacts['scheme']): MannerStep[] {
  const said = (v: Verdict): Partial<Record<MannerKey, string | null>> => {
    if (v.action === 'block') return { block: v.block };
    return { ...(v.action === 'inspect' ? { capture: v.capture } : {}), ...mannerOf(v, scheme) };
  };
  return stepsOf(said(was), said(is));
}

/** The same of verdicts about one request, whose way to the origin was the flow's. */
export function requestSteps(was: Verdict, is: Verdict): MannerStep[] {
  const said = (v: Verdict): Partial<Record<MannerKey, string | null>> => {
    if (v.action === 'block') return { block: v.block };
    return v.action === 'inspect' ? { capture: v.capture, mask: v.mask ?? 'standard' } : {};
  };
  return stepsOf(said(was), said(is));
}

function stepsOf(
  was: Partial<Record<MannerKey, string | null>>,
  is: Partial<Record<MannerKey, string | null>>,
): MannerStep[] {
  return MANNERS.map(what => ({ what, from: was[what] ?? null, to: is[what] ?? null })).filter(
    step => step.from !== step.to,
  );
}

/** Takes what was found one by one. */
export class MannerTally {
  readonly #bins = new Map<string, { step: MannerStep; count: number; affected: AffectedTally }>();
  readonly #bound: number;

  constructor(bound = KEYS) {
    this.#bound = bound;
  }

  add(steps: readonly MannerStep[], affected: Affected): void {
    for (const step of steps) {
      const key = JSON.stringify([step.what, step.from, step.to]);
      let bin = this.#bins.get(key);
      if (bin === undefined) {
        if (this.#bins.size >= WAYS) continue;
        bin = { step, count: 0, affected: new AffectedTally(this.#bound) };
        this.#bins.set(key, bin);
      }
      bin.count++;
      bin.affected.add(affected);
    }
  }

  /** Most first. */
  changes(): MannerChange[] {
    return [...this.#bins.values()]
      .sort((a, b) => b.count - a.count)
      .map(({ step, count, affected }) => ({ ...step, count, ...affected.counts() }));
  }
}
