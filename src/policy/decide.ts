/**
 * The decision: facts and a compiled policy → one verdict. Pure, synchronous, never throws.
 *
 * Doubt comes first and is never a fall-through (docs/policy.md holds the table):
 *   1. malformed-hello, hello-timeout   answered without rules
 *   2. not-tls                          block, or passthrough unless the rules block the host
 *   3. ech-front                        the SNI is a mask: the rules look at the host that was asked for
 *   4. no-sni                           the rules look at the host that was asked for
 *   5. sni-mismatch                     block, or the rules on both names, the stricter verdict wins
 *   6. connect-ip                       the rules on the SNI, which nothing proves: no passthrough unless answered `sni`
 * An answer other than `block` never loosens a block that the rules or the default give.
 */
import type { FlowFacts, OriginFacts, RequestFacts } from '../core/facts.ts';
import type { MaskingProfile } from '../core/masking.ts';
import type { PolicySource } from '../core/ports.ts';
import { canonicalHost } from '../core/host-name.ts';
import { stricter } from '../core/verdict.ts';
import type { Action, Doubt, Verdict } from '../core/verdict.ts';
import { ruleMatches } from './compile.ts';
import type { CompiledPolicy, CompiledRule } from './compile.ts';
import { DEFAULT_CAPTURE, DOUBT_BLOCK, DOUBT_REASON } from './rule.ts';

/** One decision with what explains it. */
export interface Evaluation {
  verdict: Verdict;
  /** Condition of doubt that was met, whether or not it decided. */
  doubt: Doubt | null;
  /** The runs through the rules, one per name; empty when doubt decided alone. The deciding one comes first. */
  runs: Run[];
}

/** One run of the rules. */
export interface Run {
  /** Name the rules ran on; null when only an address is known. */
  name: string | null;
  address: string | null;
  /** Index of the rule that matched; the number of rules when none did and the default answered. */
  rule: number;
  verdict: Verdict;
}

/** Decide one flow. */
export function decide(facts: FlowFacts, policy: CompiledPolicy): Verdict {
  return evaluate(facts, policy).verdict;
}

/** Decide one flow and keep what led there; `explain` turns it into words. */
export function evaluate(facts: FlowFacts, policy: CompiledPolicy): Evaluation {
  const answers = policy.document.doubt;
  switch (facts.outcome) {
    case 'malformed':
      return byDoubt(policy, 'malformed-hello', 'block');
    case 'timed-out':
      return byDoubt(policy, 'hello-timeout', 'block');
    case 'not-tls':
      return answers['not-tls'] === 'passthrough'
        ? unlessBlocked(policy, 'not-tls', 'passthrough', askedFor(facts, policy))
        : byDoubt(policy, 'not-tls', 'block');
    case 'none':
      return byRules(null, askedFor(facts, policy));
    case 'hello':
      return evaluateHello(facts, policy);
  }
}

function evaluateHello(facts: FlowFacts, policy: CompiledPolicy): Evaluation {
  const answers = policy.document.doubt;
  const sni = facts.hello?.sni ?? null;
  if (sni === null) {
    const answer = answers['no-sni'];
    if (answer === 'block') return byDoubt(policy, 'no-sni', 'block');
    const run = askedFor(facts, policy);
    if (answer === 'rules' || answer === 'sni') return byRules('no-sni', run);
    return unlessBlocked(policy, 'no-sni', answer, run);
  }
  if (facts.hello?.ech === 'grease-or-real' && policy.echFronts.has(sni)) {
    const answer = answers['ech-front'];
    if (answer === 'block') return byDoubt(policy, 'ech-front', 'block');
    if (answer === 'rules' && facts.hostKind === 'name' && facts.host !== sni)
      return strictestOf('ech-front', askedFor(facts, policy), runRules(facts, policy, sni, null));
    const run =
      facts.hostKind === 'name' ? askedFor(facts, policy) : runRules(facts, policy, sni, facts.host);
    return answer === 'inspect'
      ? unlessBlocked(policy, 'ech-front', 'inspect', run)
      : byRules('ech-front', run);
  }
  if (facts.hostKind === 'ip') {
    const answer = answers['connect-ip'];
    if (answer === 'block') return byDoubt(policy, 'connect-ip', 'block');
    const run = runRules(facts, policy, sni, facts.host);
    if (answer === 'inspect') return unlessBlocked(policy, 'connect-ip', 'inspect', run);
    if (answer === 'rules' && run.verdict.action === 'passthrough')
      return { ...byDoubt(policy, 'connect-ip', 'block'), runs: [run] };
    return byRules('connect-ip', run);
  }
  if (sni === facts.host) return byRules(null, runRules(facts, policy, sni, null));
  if (answers['sni-mismatch'] === 'block') return byDoubt(policy, 'sni-mismatch', 'block');
  return strictestOf('sni-mismatch', askedFor(facts, policy), runRules(facts, policy, sni, null));
}

/**
 * A request inside an inspected flow names `otherHost` (Host field or :authority, any spelling) instead of the host the
 * flow was opened for. Only `inspect` lets it go on. Where the rules would leave that host undecrypted the request is
 * refused too: the client must open a flow of its own for it, which then passes unread.
 */
export function decideHost(policy: CompiledPolicy, facts: FlowFacts, otherHost: string): Verdict {
  return evaluateHost(policy, facts, otherHost).verdict;
}

export function evaluateHost(policy: CompiledPolicy, facts: FlowFacts, otherHost: string): Evaluation {
  const host = canonicalHost(otherHost);
  if (policy.document.doubt['host-mismatch'] === 'block' || host.kind === 'invalid')
    return byDoubt(policy, 'host-mismatch', 'block');
  const run =
    host.kind === 'name'
      ? runRules(facts, policy, host.name, null)
      : runRules(facts, policy, null, host.name);
  if (run.verdict.action === 'passthrough')
    return { ...byDoubt(policy, 'host-mismatch', 'block'), runs: [run] };
  return byRules('host-mismatch', run);
}

/**
 * The origin is known now: the verdict of a rule that looks at it, or null when none does or another rule decides first
 * (that one decided already when the flow began). A `passthrough` may still be carried out, the client has seen nothing.
 */
export function decideOrigin(policy: CompiledPolicy, facts: FlowFacts, origin: OriginFacts): Verdict | null {
  if (!policy.asks.origin) return null;
  return byLateRule(policy, { ...facts, origin }, r => r.late.origin && !r.late.request);
}

/** A request came: the verdict of a rule that looks at requests, or null when none does or another decides first. */
export function decideRequest(
  policy: CompiledPolicy,
  facts: FlowFacts,
  request: RequestFacts,
): Verdict | null {
  if (!policy.asks.request) return null;
  return byLateRule(policy, { ...facts, request }, r => r.late.request);
}

/**
 * The block by which this policy ends an open flow: only a rule that says `apply: immediate` does. `facts` are those of
 * the flow with the time of now.
 */
export function ends(policy: CompiledPolicy, facts: FlowFacts): Verdict | null {
  if (!policy.asks.immediate) return null;
  const { verdict, runs } = evaluate(facts, policy);
  const [deciding] = runs;
  const rule = deciding === undefined ? undefined : policy.rules[deciding.rule];
  const immediate = rule?.rule.apply === 'immediate' && rule.verdict === verdict;
  return immediate && verdict.action === 'block' ? verdict : null;
}

function byLateRule(
  policy: CompiledPolicy,
  facts: FlowFacts,
  late: (rule: CompiledRule) => boolean,
): Verdict | null {
  const { verdict, runs } = evaluate(facts, policy);
  const [deciding] = runs;
  const rule = deciding === undefined ? undefined : policy.rules[deciding.rule];
  return rule !== undefined && rule.verdict === verdict && late(rule) ? verdict : null;
}

/** Masking profiles remembered over versions; beyond that only those of the newest are known. */
const MAX_PROFILES = 1000;

/** A policy as the data plane wants it; `apply` puts another one in force for the flows that follow. */
export function policySource(policy: CompiledPolicy): PolicySource & {
  readonly current: CompiledPolicy;
  apply(next: CompiledPolicy): void;
} {
  let current = policy;
  // What was decided under an earlier version is still recorded under its profiles.
  const profiles = new Map<string, MaskingProfile>(Object.entries(policy.document.masking ?? {}));
  return {
    get version() {
      return current.version;
    },
    get current() {
      return current;
    },
    decide: facts => decide(facts, current),
    decideHost: (facts, otherHost) => decideHost(current, facts, otherHost),
    decideOrigin: (facts, origin) => decideOrigin(current, facts, origin),
    decideRequest: (facts, request) => decideRequest(current, facts, request),
    ends: facts => ends(current, facts),
    masking: name => profiles.get(name),
    apply(next) {
      current = next;
      if (profiles.size > MAX_PROFILES) profiles.clear();
      for (const [name, profile] of Object.entries(next.document.masking ?? {})) profiles.set(name, profile);
    },
  };
}

/** Run the rules on the host that was asked for, name or address. */
function askedFor(facts: FlowFacts, policy: CompiledPolicy): Run {
  return facts.hostKind === 'name'
    ? runRules(facts, policy, facts.host, null)
    : runRules(facts, policy, null, facts.host);
}

function runRules(
  facts: FlowFacts,
  policy: CompiledPolicy,
  name: string | null,
  address: string | null,
): Run {
  const { context, rules } = policy;
  context.turnTo(facts, name, address);
  const candidates = policy.candidates.of(context);
  for (let n = 0; n < candidates.length; n++) {
    const i = candidates[n] ?? 0;
    const compiled = rules[i];
    if (compiled !== undefined && ruleMatches(compiled, context))
      return { name, address, rule: i, verdict: compiled.verdict };
  }
  return { name, address, rule: rules.length, verdict: policy.fallback };
}

function byRules(doubt: Doubt | null, run: Run): Evaluation {
  return { verdict: run.verdict, doubt, runs: [run] };
}

function strictestOf(doubt: Doubt, a: Run, b: Run): Evaluation {
  const verdict = stricter(a.verdict, b.verdict);
  return { verdict, doubt, runs: verdict === a.verdict ? [a, b] : [b, a] };
}

/** The doubt's answer holds, except where the rules block, or where they say the same and know how to record it. The way to the origin is the rules' in any case. */
function unlessBlocked(policy: CompiledPolicy, doubt: Doubt, answer: Action, run: Run): Evaluation {
  if (run.verdict.action === 'block' || run.verdict.action === answer) return byRules(doubt, run);
  const { verdict } = byDoubt(policy, doubt, answer);
  const { capture, parent } = run.verdict;
  const manner = parent === undefined ? { capture } : { capture, parent };
  return { verdict: { ...verdict, ...manner }, doubt, runs: [run] };
}

function byDoubt(policy: CompiledPolicy, doubt: Doubt, action: Action): Evaluation {
  const verdict: Verdict = {
    action,
    rule: `doubt:${doubt}`,
    policy: policy.version,
    reason: DOUBT_REASON[doubt],
    capture: DEFAULT_CAPTURE,
    block: DOUBT_BLOCK[doubt],
  };
  return { verdict, doubt, runs: [] };
}
