/**
 * Lists learned from recorded traffic, by thresholds that one client cannot meet alone:
 *
 * * `seen`: names that enough different clients asked for and that no policy ever blocked in that time;
 * * `pinned`: names whose own certificate enough clients accept no substitute for (`client-rejected-leaf`), and that no
 *   client went on with under our leaf in that time: applications with pinned certificates, candidates for passthrough.
 *   Clients without our root certificate look the same; a client that never accepted any leaf therefore does not count;
 * * `broken`: names whose own certificate failed for enough clients and never held.
 *
 * Fed flow by flow, pure. Bounds: one million names (further ones are counted, not kept), 1,000 clients per name, 100,000
 * clients known to accept leaves.
 */
import { canonicalHost } from '../core/host-name.ts';
import type { FlowFacts } from '../core/facts.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Pattern } from './pattern.ts';
import type { LearnedKind } from './rule.ts';

/** A recorded flow as far as learning needs it. */
export interface LessonFlow {
  client: string;
  facts: FlowFacts | null;
  verdict: Verdict | null;
  fault: string | null;
}

export interface Learned extends Pattern {
  /** Flows and different clients that speak for it. */
  flows: number;
  clients: number;
}

interface Name {
  flows: number;
  clients: Set<string>;
  /** Something speaks against it. */
  refuted: boolean;
}

const MAX_NAMES = 1_000_000;
const MAX_CLIENTS = 1_000;
const MAX_ACCEPTING = 100_000;

export class Lessons {
  readonly #what: LearnedKind;
  readonly #names = new Map<string, Name>();
  /** Clients that completed TLS under one of our leaves. */
  readonly #accepting = new Set<string>();
  #beyond = 0;

  constructor(what: LearnedKind) {
    this.#what = what;
  }

  /** Flows left out because the bound of names was reached. */
  get beyond(): number {
    return this.#beyond;
  }

  add(flow: LessonFlow): void {
    const { facts, verdict, fault, client } = flow;
    if (facts === null || verdict === null) return;
    const inspected = verdict.action === 'inspect' && facts.scheme === 'https';
    const accepted = inspected && (fault === null || AFTER_HANDSHAKE.has(fault));
    if (accepted && this.#accepting.size < MAX_ACCEPTING) this.#accepting.add(client);
    const sense = this.#senseOf(verdict, fault, inspected, accepted);
    if (sense === null) return;
    const host = canonicalHost(facts.hello?.sni ?? facts.host);
    if (host.kind !== 'name') return;
    const name = this.#nameOf(host.name);
    if (name === null) return;
    if (sense === 'against') {
      name.refuted = true;
      return;
    }
    name.flows++;
    if (name.clients.size < MAX_CLIENTS) name.clients.add(client);
  }

  /** Names that pass, most flows first. */
  result(minClients: number): Learned[] {
    const counted = (clients: ReadonlySet<string>): number => {
      if (this.#what !== 'pinned') return clients.size;
      let n = 0;
      for (const client of clients) if (this.#accepting.has(client)) n++;
      return n;
    };
    const out: Learned[] = [];
    for (const [name, { flows, clients, refuted }] of this.#names) {
      if (refuted) continue;
      const n = counted(clients);
      if (n >= Math.min(minClients, MAX_CLIENTS)) out.push({ name, match: 'exact', flows, clients: n });
    }
    return out.sort((a, b) => b.flows - a.flows || (a.name < b.name ? -1 : 1));
  }

  #senseOf(
    verdict: Verdict,
    fault: string | null,
    inspected: boolean,
    accepted: boolean,
  ): 'for' | 'against' | null {
    switch (this.#what) {
      case 'seen':
        return verdict.action === 'block' || fault === 'blocked-by-policy' ? 'against' : 'for';
      case 'pinned':
        if (fault === 'client-rejected-leaf') return 'for';
        return accepted ? 'against' : null;
      case 'broken':
        if (fault?.startsWith('cert-') === true) return 'for';
        return inspected && fault === null ? 'against' : null;
    }
  }

  #nameOf(key: string): Name | null {
    let name = this.#names.get(key);
    if (name === undefined) {
      if (this.#names.size >= MAX_NAMES) {
        this.#beyond++;
        return null;
      }
      name = { flows: 0, clients: new Set(), refuted: false };
      this.#names.set(key, name);
    }
    return name;
  }
}

/** Faults that strike when client and origin both stand: the client had accepted our leaf by then. */
const AFTER_HANDSHAKE: ReadonlySet<string> = new Set([
  'blocked-by-policy',
  'host-mismatch',
  'request-malformed',
  'request-head-too-large',
  'request-timeout',
  'request-aborted',
  'response-malformed',
  'response-head-too-large',
  'response-timeout',
  'response-closed',
  'response-truncated',
  'idle-timeout',
]);
