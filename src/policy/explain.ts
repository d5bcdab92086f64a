/**
 * Why a flow gets its verdict: the same evaluation as `decide`, told in words. Rules before the deciding one each say
 * why they did not match. Pure.
 */
import type { FlowFacts } from '../core/facts.ts';
import { sameWay } from '../core/verdict.ts';
import type { Action, BlockKind, CaptureLevel, Doubt, MaskProfile, TlsProfile } from '../core/verdict.ts';
import { whyNot } from './compile.ts';
import type { CompiledPolicy } from './compile.ts';
import { decide, evaluate, evaluateHost } from './decide.ts';
import type { Evaluation, Run } from './decide.ts';

export interface Skipped {
  rule: string;
  /** One clause: why it did not match. */
  why: string;
}

export interface Explanation {
  verdict: Action;
  rule: string;
  reason: string;
  policy: string;
  capture: CaptureLevel;
  block: BlockKind;
  /** Profiles and parent group of the rule, where it names some. */
  mask?: MaskProfile;
  tls?: TlsProfile;
  parent?: string;
  /** Condition of doubt that was met, whether or not it decided. */
  doubt: Doubt | null;
  /** Names and addresses the rules ran on, the deciding one first. */
  names: string[];
  /** One entry per rule before the one that matched, in order. Empty when doubt decided without rules. */
  skipped: Skipped[];
}

/**
 * Explain the decision about a flow. `verdict`, `rule`, `reason` and `policy` are those of `decide`; where a rule decides that
 * looks at the origin or a request, the TLS profile and the parent are those of the rule that chose the way before.
 */
export function explain(facts: FlowFacts, policy: CompiledPolicy): Explanation {
  const evaluation = evaluate(facts, policy);
  const { origin, request, ...early } = facts;
  if (origin === undefined && request === undefined) return tell(evaluation, facts, policy);
  const verdict = sameWay(evaluation.verdict, decide(early, policy));
  return tell({ ...evaluation, verdict }, facts, policy);
}

/** Explain the decision about another host named inside an inspected flow; see decideHost. */
export function explainHost(policy: CompiledPolicy, facts: FlowFacts, otherHost: string): Explanation {
  return tell(evaluateHost(policy, facts, otherHost), facts, policy);
}

function tell(evaluation: Evaluation, facts: FlowFacts, policy: CompiledPolicy): Explanation {
  const { verdict, doubt, runs } = evaluation;
  const [deciding] = runs;
  return {
    verdict: verdict.action,
    rule: verdict.rule,
    reason: verdict.reason,
    policy: verdict.policy,
    capture: verdict.capture,
    block: verdict.block,
    ...(verdict.mask === undefined ? {} : { mask: verdict.mask }),
    ...(verdict.tls === undefined ? {} : { tls: verdict.tls }),
    ...(verdict.parent === undefined ? {} : { parent: verdict.parent.group }),
    doubt,
    names: runs.map(r => r.name ?? r.address ?? ''),
    skipped: deciding === undefined ? [] : skippedBefore(deciding, facts, policy),
  };
}

function skippedBefore(run: Run, facts: FlowFacts, policy: CompiledPolicy): Skipped[] {
  const { context } = policy;
  context.turnTo(facts, run.name, run.address);
  return policy.rules.slice(0, run.rule).map(r => ({ rule: r.rule.name, why: whyNot(r, context) }));
}
