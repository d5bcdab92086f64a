/**
 * The list of hosts that were seen in traffic: counts flows and distinct clients per name and keeps those that pass the
 * thresholds. Fed with rows of the ledger by whoever can read it.
 *
 * Bounds: one million names (further ones are counted, not kept), per name the clients up to the threshold or 1,000.
 */
import { canonicalHost } from '../../core/host-name.ts';
import { entryOf } from './entry.ts';
import type { ListEntry } from './entry.ts';

export interface SeenFlow {
  /** Time of the flow, ms. */
  time: number;
  client: string;
  sni: string | null;
  host: string | null;
  verdict: string | null;
}

export interface SeenOptions {
  minClients: number;
  minFlows: number;
  /** Leave out hosts that were ever blocked in the window. */
  neverBlocked: boolean;
}

interface Seen {
  flows: number;
  clients: Set<string>;
  last: number;
  blocked: boolean;
}

const MAX_NAMES = 1_000_000;
const MAX_CLIENTS = 1_000;

export class SeenHosts {
  readonly #options: SeenOptions;
  readonly #names = new Map<string, Seen>();
  #flows = 0;
  #beyond = 0;

  constructor(options: SeenOptions) {
    this.#options = options;
  }

  /** Flows counted, and flows left out because the bound of names was reached. */
  get counts(): { flows: number; beyond: number } {
    return { flows: this.#flows, beyond: this.#beyond };
  }

  add(flow: SeenFlow): void {
    const host = canonicalHost(flow.sni ?? flow.host ?? '');
    // Addresses are no names, and nothing else came from a host.
    if (host.kind !== 'name') return;
    this.#flows++;
    let seen = this.#names.get(host.name);
    if (seen === undefined) {
      if (this.#names.size >= MAX_NAMES) {
        this.#beyond++;
        return;
      }
      seen = { flows: 0, clients: new Set(), last: 0, blocked: false };
      this.#names.set(host.name, seen);
    }
    seen.flows++;
    if (seen.clients.size < Math.max(MAX_CLIENTS, this.#options.minClients)) seen.clients.add(flow.client);
    seen.last = Math.max(seen.last, flow.time);
    seen.blocked ||= flow.verdict === 'block';
  }

  /** Entries for the names that pass, most flows first; each exact, its counts as comment. */
  entries(): ListEntry[] {
    const { minClients, minFlows, neverBlocked } = this.#options;
    return [...this.#names]
      .filter(([, s]) => s.clients.size >= minClients && s.flows >= minFlows && !(neverBlocked && s.blocked))
      .sort(([a, x], [b, y]) => y.flows - x.flows || (a < b ? -1 : 1))
      .map(([name, s]) => ({
        ...entryOf({ name, match: 'exact' }, null),
        source: 'traffic',
        comment: `${s.flows} flows, ${s.clients.size}${s.clients.size >= MAX_CLIENTS ? ' or more' : ''} clients, last ${new Date(s.last).toISOString()}`,
      }));
  }
}
