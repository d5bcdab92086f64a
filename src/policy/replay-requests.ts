/**
 * What a candidate's rules on requests would have done with recorded requests: each is decided again in the flow it came in
 * and as of its own time, by the very functions that decide live ones. Pure: requests come in, a summary comes out.
 *
 * A request is judged on its own only where the candidate would inspect its flow; else it shares the flow's fate, which
 * replay.ts tells. It does not know what it was not told: requests whose flow recorded none, paths that were masked,
 * and what a client would have asked next after another answer. `left` counts each of these.
 *
 * Bounds: as replay.ts; distinct flows are counted up to `FLOWS`, beyond that they are at least as many.
 */
import { factsForHost, plainPath } from '../core/request-facts.ts';
import { canonicalHost } from '../core/host-name.ts';
import type { FlowFacts } from '../core/facts.ts';
import type { Action, Verdict } from '../core/verdict.ts';
import type { CompiledPolicy } from './compile.ts';
import { decide, decideHost, decideRequest } from './decide.ts';
import { MannerTally, requestSteps } from './replay-manner.ts';
import type { MannerChange } from './replay-manner.ts';
import type { Condition } from './rule.ts';
import { AffectedTally, Tally } from './tally.ts';
import type { AffectedCounts, Counted } from './tally.ts';

/** A recorded request as far as a replay needs it. */
export interface RecordedRequest {
  /** ms since epoch. */
  time: number;
  /** Which flow it came in. */
  id: number | string;
  client: string;
  user: string | null;
  method: string;
  scheme: 'http' | 'https';
  host: string;
  port: number;
  /** Path with query as recorded. */
  target: string;
  contentType: string | null;
  verdict: Verdict;
  fault: string | null;
  /** Its flow; null when it is not known any more. */
  flow: { facts: FlowFacts | null; verdict: Verdict | null } | null;
}

/** All requests that would change from one outcome to the same other one; the counts are of requests. */
export interface RequestChange extends AffectedCounts {
  from: Action;
  to: Action;
  requests: number;
  /** Different flows among them. */
  flows: number;
  /** Method and path. */
  topRequests: Counted[];
}

export interface RequestSummary {
  /** Decided again. */
  requests: number;
  changed: number;
  /** Unchanged in action, but recorded or told in another manner. */
  otherManner: number;
  /** What these are, most requests first. */
  manners: MannerChange[];
  changes: RequestChange[];
  /** How often each rule on requests of the candidate would decide, in its order. */
  hits: { rule: string; flows: number }[];
  left: {
    /** The candidate would not inspect their flow, so there would be no request to decide. */
    withFlow: number;
    /** Refused or given up before any policy was asked. */
    undecided: number;
    /** The path is masked in the record, and the candidate looks at paths. */
    masked: number;
    /** The record of their flow is not there. */
    flowGone: number;
  };
}

/** What of a request the rules of a policy look at. */
export function requestAsks({ document }: Pick<CompiledPolicy, 'document'>): {
  any: boolean;
  path: boolean;
  contentType: boolean;
} {
  const tests = new Set(document.rules.flatMap(rule => (rule.when === null ? [] : testsOf(rule.when))));
  const [path, contentType] = [tests.has('path'), tests.has('content-type')];
  return { any: path || contentType || tests.has('method'), path, contentType };
}

function testsOf(condition: Condition): Condition['test'][] {
  switch (condition.test) {
    case 'all':
    case 'any':
      return condition.of.flatMap(testsOf);
    case 'not':
      return testsOf(condition.of);
    default:
      return [condition.test];
  }
}

/** What capture writes in place of a secret begins with it (src/capture/mask.ts). */
const MASK = '‹masked';
const FLOWS = 200_000;

interface Bin {
  from: Action;
  to: Action;
  requests: number;
  flows: Set<number | string>;
  asked: Tally;
  affected: AffectedTally;
}

/** Takes requests one by one; `summary` may be asked at any time. */
export class RequestReplay {
  readonly #policy: CompiledPolicy;
  readonly #asksPath: boolean;
  readonly #bins = new Map<string, Bin>();
  readonly #hits = new Map<string, number>();
  readonly #manners = new MannerTally();
  readonly #left = { withFlow: 0, undecided: 0, masked: 0, flowGone: 0 };
  #requests = 0;
  #changed = 0;
  #otherManner = 0;

  constructor(candidate: CompiledPolicy) {
    this.#policy = candidate;
    this.#asksPath = requestAsks(candidate).path;
    for (const { rule, late } of candidate.rules) if (late.request) this.#hits.set(rule.name, 0);
  }

  get requests(): number {
    return this.#requests;
  }

  get changed(): number {
    return this.#changed;
  }

  add(request: RecordedRequest): void {
    const was = request.verdict;
    // The record of what nobody decided carries the fault's code in place of a rule (proxy/undecided.ts).
    if (request.fault !== null && request.fault === was.rule) {
      this.#left.undecided++;
      return;
    }
    const facts = request.flow?.facts ?? null;
    if (facts === null) {
      this.#left.flowGone++;
      return;
    }
    if (this.#asksPath && request.target.split('?', 1)[0]?.includes(MASK) === true) {
      this.#left.masked++;
      return;
    }
    const is = request.scheme === 'http' ? this.#plain(request, facts) : this.#inside(request, facts);
    if (is === null) {
      this.#left.withFlow++;
      return;
    }
    this.#count(request, is);
  }

  /** The verdict about a plain request, which is decided together with its flow. */
  #plain(request: RecordedRequest, facts: FlowFacts): Verdict {
    const host = canonicalHost(request.host);
    return decide(
      {
        ...facts,
        now: request.time,
        user: request.user,
        host: request.host,
        hostKind: host.kind === 'ip' ? 'ip' : 'name',
        port: request.port,
        request: requestOf(request),
      },
      this.#policy,
    );
  }

  /** The verdict about a request inside TLS; null when the candidate would not inspect its flow. */
  #inside(request: RecordedRequest, facts: FlowFacts): Verdict | null {
    const first = decide(facts, this.#policy);
    if (first.action !== 'inspect') return null;
    const about = factsForHost(facts, request.host, request.time);
    let otherwise: Verdict | null = null;
    if (about.host !== facts.host || about.hello?.sni !== facts.hello?.sni) {
      otherwise = decideHost(this.#policy, facts, request.host);
      if (otherwise.action !== 'inspect') return otherwise;
    }
    return decideRequest(this.#policy, about, requestOf(request)) ?? otherwise ?? first;
  }

  #count(request: RecordedRequest, is: Verdict): void {
    const was = request.verdict;
    this.#requests++;
    const hits = this.#hits.get(is.rule);
    if (hits !== undefined) this.#hits.set(is.rule, hits + 1);
    const { host, user, client } = request;
    const affected = { host, user, client, was: was.rule, is: is.rule };
    if (is.action === was.action) {
      const steps = requestSteps(was, is);
      if (steps.length > 0) this.#otherManner++;
      this.#manners.add(steps, affected);
      return;
    }
    this.#changed++;
    const bin = this.#binOf(was.action, is.action);
    bin.requests++;
    if (bin.flows.size < FLOWS) bin.flows.add(request.id);
    bin.asked.add(`${request.method} ${request.target.split('?', 1)[0] ?? ''}`);
    bin.affected.add(affected);
  }

  summary(): RequestSummary {
    return {
      requests: this.#requests,
      changed: this.#changed,
      otherManner: this.#otherManner,
      manners: this.#manners.changes(),
      changes: [...this.#bins.values()].sort((a, b) => b.requests - a.requests).map(changeOf),
      hits: [...this.#hits].map(([rule, flows]) => ({ rule, flows })),
      left: { ...this.#left },
    };
  }

  #binOf(from: Action, to: Action): Bin {
    const key = `${from} ${to}`;
    let bin = this.#bins.get(key);
    if (bin === undefined) {
      bin = {
        ...{ from, to, requests: 0, flows: new Set() },
        ...{ asked: new Tally(), affected: new AffectedTally() },
      };
      this.#bins.set(key, bin);
    }
    return bin;
  }
}

const requestOf = (r: RecordedRequest): FlowFacts['request'] & object => ({
  method: r.method,
  path: plainPath(r.target),
  contentType: r.contentType,
});

function changeOf({ from, to, requests, flows, asked, affected }: Bin): RequestChange {
  const counts = affected.counts();
  return {
    ...{ from, to, requests, flows: flows.size },
    ...counts,
    topRequests: asked.top(),
    exact: counts.exact && asked.exact && flows.size < FLOWS,
  };
}
