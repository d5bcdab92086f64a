/**
 * What another policy would have done with recorded flows: each is decided again by the very `decide` that serves traffic,
 * and whatever comes out differently is counted by change, host, user and rule. Pure: flows come in, a summary comes out.
 *
 * A flow is judged as of its own time, so time windows and expiries hold as they would have then. What it does not know:
 * the contents that lists had then (it uses those of the candidate), and what a client would have done after another
 * answer.
 *
 * Bounds: hosts, users and clients of each change are counted one by one up to a bound, beyond it approximately (`exact: false`,
 * see tally.ts). Hits per rule are bounded by the rules.
 */
import type { FlowFacts } from '../core/facts.ts';
import type { Action, Verdict } from '../core/verdict.ts';
import type { CompiledPolicy } from './compile.ts';
import { decide } from './decide.ts';
import { flowSteps, MannerTally } from './replay-manner.ts';
import type { MannerChange } from './replay-manner.ts';
import { AffectedTally, KEYS, Tally } from './tally.ts';
import type { AffectedCounts, Counted } from './tally.ts';

/** A recorded flow as far as a replay needs it. */
export interface RecordedFlow {
  /** ms since epoch. */
  time: number;
  facts: FlowFacts | null;
  verdict: Verdict | null;
  /** Requests inside; 0 when not told. */
  exchanges?: number;
}

/** All flows that would change from one outcome to the same other one. Hosts are the SNI, without one the host that was
 *  asked for. */
export interface Change extends AffectedCounts {
  from: Action;
  to: Action;
  flows: number;
}

export interface ReplaySummary {
  /** Version of the candidate. */
  policy: string;
  /** Flows that were decided again. */
  flows: number;
  /** Connections that ended before a decision: there is nothing to decide again. */
  undecided: number;
  /** Plain HTTP of a candidate that looks at requests: each request is its own decision, see replay-requests.ts. */
  byRequests: number;
  /** What a candidate that looks at requests would decide by requests that nobody recorded: the flow was not inspected
   *  then, or only its ledger row was kept. Flows; they are among `flows`. */
  requestsUnknown: number;
  /** What a candidate that looks at the origin's certificate would inspect, and whose certificate nobody saw then. Flows; they
   *  are among `flows`. */
  originUnknown: number;
  unchanged: number;
  changed: number;
  /** Unchanged in action, but another capture level, masking or TLS profile, parent group or kind of block. */
  otherManner: number;
  /** What these are: from what to what, most flows first; a flow that changes in two ways stands under both. */
  manners: MannerChange[];
  /** Time of the oldest and newest flow, ms; null when there were none. */
  from: number | null;
  to: number | null;
  /** Most flows first. */
  changes: Change[];
  /** How often each rule that looks at no request would decide, in its order; then doubt and default. */
  hits: { rule: string; flows: number }[];
  /** Versions that decided then, most flows first. */
  recorded: Counted[];
}

interface Bin {
  from: Action;
  to: Action;
  flows: number;
  affected: AffectedTally;
}

/** Takes flows one by one; `summary` may be asked at any time. */
export class Replay {
  readonly #policy: CompiledPolicy;
  readonly #bins = new Map<string, Bin>();
  readonly #hits = new Map<string, number>();
  readonly #recorded = new Tally();
  readonly #bound: number;
  readonly #manners: MannerTally;
  #flows = 0;
  #undecided = 0;
  #changed = 0;
  #otherManner = 0;
  #byRequests = 0;
  #requestsUnknown = 0;
  #originUnknown = 0;
  #from = Infinity;
  #to = -Infinity;

  /** `bound` lowers the number of values counted one by one. */
  constructor(candidate: CompiledPolicy, bound = KEYS) {
    this.#policy = candidate;
    this.#bound = bound;
    this.#manners = new MannerTally(bound);
    for (const { rule, late } of candidate.rules) if (!late.request) this.#hits.set(rule.name, 0);
  }

  get flows(): number {
    return this.#flows;
  }

  get changed(): number {
    return this.#changed;
  }

  add({ time, facts, verdict: was, exchanges = 0 }: RecordedFlow): void {
    this.#from = Math.min(this.#from, time);
    this.#to = Math.max(this.#to, time);
    if (facts === null || was === null) {
      this.#undecided++;
      return;
    }
    const recorded = exchanges > 0 && was.action !== 'passthrough' && was.capture !== 'flow';
    if (this.#policy.asks.request && facts.scheme === 'http' && recorded) {
      this.#byRequests++;
      return;
    }
    this.#flows++;
    this.#recorded.add(was.policy);
    const is = decide(facts, this.#policy);
    this.#hits.set(is.rule, (this.#hits.get(is.rule) ?? 0) + 1);
    const silent = was.action !== 'inspect' || (was.capture === 'flow' && exchanges > 0);
    if (this.#policy.asks.request && is.action === 'inspect' && silent) this.#requestsUnknown++;
    const seen = facts.origin !== undefined || facts.scheme === 'http';
    if (this.#policy.asks.origin && is.action === 'inspect' && !seen) this.#originUnknown++;
    const affected = {
      host: facts.hello?.sni ?? facts.host,
      ...{ user: facts.user, client: facts.client, was: was.rule, is: is.rule },
    };
    if (is.action === was.action) {
      const steps = flowSteps(was, is, facts.scheme);
      if (steps.length > 0) this.#otherManner++;
      this.#manners.add(steps, affected);
      return;
    }
    this.#changed++;
    const bin = this.#binOf(was.action, is.action);
    bin.flows++;
    bin.affected.add(affected);
  }

  summary(): ReplaySummary {
    const changes = [...this.#bins.values()]
      .sort((a, b) => b.flows - a.flows)
      .map(({ from, to, flows, affected }): Change => ({ from, to, flows, ...affected.counts() }));
    return {
      policy: this.#policy.version,
      flows: this.#flows,
      undecided: this.#undecided,
      byRequests: this.#byRequests,
      requestsUnknown: this.#requestsUnknown,
      originUnknown: this.#originUnknown,
      unchanged: this.#flows - this.#changed,
      changed: this.#changed,
      otherManner: this.#otherManner,
      manners: this.#manners.changes(),
      from: this.#from === Infinity ? null : this.#from,
      to: this.#to === -Infinity ? null : this.#to,
      changes,
      hits: [...this.#hits].map(([rule, flows]) => ({ rule, flows })),
      recorded: this.#recorded.top(),
    };
  }

  #binOf(from: Action, to: Action): Bin {
    const key = `${from} ${to}`;
    let bin = this.#bins.get(key);
    if (bin === undefined) {
      bin = { from, to, flows: 0, affected: new AffectedTally(this.#bound) };
      this.#bins.set(key, bin);
    }
    return bin;
  }
}

/** Replay any number of flows at once. */
export function replay(flows: Iterable<RecordedFlow>, candidate: CompiledPolicy): ReplaySummary {
  const run = new Replay(candidate);
  for (const flow of flows) run.add(flow);
  return run.summary();
}
