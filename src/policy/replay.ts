/**
 * What another policy would have done with recorded flows: each is decided again by the very `decide` that serves traffic,
 * and whatever comes out differently is counted by change, host, user and rule. Pure: flows come in, a summary comes out.
 *
 * A flow is judged as of its own time, so time windows and expiries hold as they would have then. What it does not know:
 * the contents that lists had then (it uses those of the candidate), and what a client would have done after another
 * answer.
 *
 * Bounds: `KEYS` hosts, users and clients each per change are counted one by one; beyond that the rarest half is let go, and
 * counts are then told as approximate (`exact: false`). Hits per rule are bounded by the rules.
 */
import type { FlowFacts } from '../core/facts.ts';
import { mannerOf } from '../core/verdict.ts';
import type { Action, Verdict } from '../core/verdict.ts';
import type { CompiledPolicy } from './compile.ts';
import { decide } from './decide.ts';

/** A recorded flow as far as a replay needs it. */
export interface RecordedFlow {
  /** ms since epoch. */
  time: number;
  facts: FlowFacts | null;
  verdict: Verdict | null;
  /** Requests inside; 0 when not told. */
  exchanges?: number;
}

export interface Counted {
  value: string;
  flows: number;
}

/** All flows that would change from one outcome to the same other one. */
export interface Change {
  from: Action;
  to: Action;
  flows: number;
  /** Different hosts, users and clients among them. */
  hosts: number;
  users: number;
  clients: number;
  /** Most flows first. Hosts are the SNI, without one the host that was asked for. */
  topHosts: Counted[];
  /** Authenticated users; empty when none were known. */
  topUsers: Counted[];
  topClients: Counted[];
  /** Rule that decided then → rule that would decide. */
  topRules: { from: string; to: string; flows: number }[];
  /** False when there were too many different values to count each. */
  exact: boolean;
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
  unchanged: number;
  changed: number;
  /** Unchanged in action, but another capture level, masking or TLS profile, parent group or kind of block. */
  otherManner: number;
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

const KEYS = 20_000;
const TOP = 20;

/** Counts values, most frequent first; bounded by letting go of the rarest half. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #bound: number;
  #dropped = 0;

  constructor(bound = KEYS) {
    this.#bound = bound;
  }

  add(value: string): void {
    const count = this.#counts.get(value);
    if (count === undefined && this.#counts.size >= this.#bound) this.#shed();
    this.#counts.set(value, (count ?? 0) + 1);
  }

  /** Different values seen; a lower bound once some were let go. */
  get size(): number {
    return Math.max(this.#counts.size, this.#dropped > 0 ? this.#bound : 0);
  }

  get exact(): boolean {
    return this.#dropped === 0;
  }

  top(limit = TOP): Counted[] {
    return [...this.#counts]
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([value, flows]) => ({ value, flows }));
  }

  #shed(): void {
    const rarest = [...this.#counts].sort(([, x], [, y]) => x - y).slice(0, Math.ceil(this.#bound / 2));
    for (const [value] of rarest) this.#counts.delete(value);
    this.#dropped += rarest.length;
  }
}

interface Bin {
  from: Action;
  to: Action;
  flows: number;
  hosts: Tally;
  users: Tally;
  clients: Tally;
  rules: Tally;
}

/** Takes flows one by one; `summary` may be asked at any time. */
export class Replay {
  readonly #policy: CompiledPolicy;
  readonly #bins = new Map<string, Bin>();
  readonly #hits = new Map<string, number>();
  readonly #recorded = new Tally();
  readonly #bound: number;
  #flows = 0;
  #undecided = 0;
  #changed = 0;
  #otherManner = 0;
  #byRequests = 0;
  #requestsUnknown = 0;
  #from = Infinity;
  #to = -Infinity;

  /** `bound` lowers the number of values counted one by one. */
  constructor(candidate: CompiledPolicy, bound = KEYS) {
    this.#policy = candidate;
    this.#bound = bound;
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
    if (is.action === was.action) {
      if (!sameManner(was, is, facts.scheme)) this.#otherManner++;
      return;
    }
    this.#changed++;
    const bin = this.#binOf(was.action, is.action);
    bin.flows++;
    bin.hosts.add(facts.hello?.sni ?? facts.host);
    if (facts.user !== null) bin.users.add(facts.user);
    bin.clients.add(facts.client);
    bin.rules.add(`${was.rule}\n${is.rule}`);
  }

  summary(): ReplaySummary {
    const changes = [...this.#bins.values()]
      .sort((a, b) => b.flows - a.flows)
      .map((bin): Change => ({
        from: bin.from,
        to: bin.to,
        flows: bin.flows,
        hosts: bin.hosts.size,
        users: bin.users.size,
        clients: bin.clients.size,
        topHosts: bin.hosts.top(),
        topUsers: bin.users.top(),
        topClients: bin.clients.top(),
        topRules: bin.rules.top().map(({ value, flows }) => {
          const [from = '', to = ''] = value.split('\n');
          return { from, to, flows };
        }),
        exact: bin.hosts.exact && bin.users.exact && bin.clients.exact && bin.rules.exact,
      }));
    return {
      policy: this.#policy.version,
      flows: this.#flows,
      undecided: this.#undecided,
      byRequests: this.#byRequests,
      requestsUnknown: this.#requestsUnknown,
      unchanged: this.#flows - this.#changed,
      changed: this.#changed,
      otherManner: this.#otherManner,
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
      const tally = (): Tally => new Tally(this.#bound);
      bin = { from, to, flows: 0, hosts: tally(), users: tally(), clients: tally(), rules: tally() };
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

/** Whether two verdicts of the same action are also recorded, told and carried out alike. */
function sameManner(a: Verdict, b: Verdict, scheme: FlowFacts['scheme']): boolean {
  if (a.action === 'block') return a.block === b.block;
  const was = mannerOf(a, scheme);
  const is = mannerOf(b, scheme);
  return (
    (a.action === 'passthrough' || a.capture === b.capture) &&
    was.mask === is.mask &&
    was.tls === is.tls &&
    was.parent === is.parent
  );
}
