/**
 * Counts values one by one, most frequent first, for summaries of recorded traffic. Pure. Bounded: when as many different
 * values are held as allowed, the rarest half is let go, and `exact` is false from then on.
 */

export interface Counted {
  value: string;
  /** How often; flows unless whoever counts says otherwise. */
  flows: number;
}

/** Different values that are counted one by one unless told otherwise. */
export const KEYS = 20_000;
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

/** One thing that happened, with what a summary counts of it. */
export interface Affected {
  host: string;
  user: string | null;
  client: string;
  /** Rule that decided then, and rule that would decide. */
  was: string;
  is: string;
}

export interface AffectedCounts {
  /** Different hosts, users and clients among them. */
  hosts: number;
  users: number;
  clients: number;
  /** Most frequent first. */
  topHosts: Counted[];
  /** Authenticated users; empty when none were known. */
  topUsers: Counted[];
  topClients: Counted[];
  /** Rule that decided then → rule that would decide. */
  topRules: { from: string; to: string; flows: number }[];
  /** False when there were too many different values to count each. */
  exact: boolean;
}

/** Hosts, users, clients and rules of everything that changes in the same way; one tally each. */
export class AffectedTally {
  readonly #hosts: Tally;
  readonly #users: Tally;
  readonly #clients: Tally;
  readonly #rules: Tally;

  constructor(bound = KEYS) {
    this.#hosts = new Tally(bound);
    this.#users = new Tally(bound);
    this.#clients = new Tally(bound);
    this.#rules = new Tally(bound);
  }

  add({ host, user, client, was, is }: Affected): void {
    this.#hosts.add(host);
    if (user !== null) this.#users.add(user);
    this.#clients.add(client);
    this.#rules.add(`${was}\n${is}`);
  }

  counts(): AffectedCounts {
    const [hosts, users, clients, rules] = [this.#hosts, this.#users, this.#clients, this.#rules];
    return {
      hosts: hosts.size,
      users: users.size,
      clients: clients.size,
      topHosts: hosts.top(),
      topUsers: users.top(),
      topClients: clients.top(),
      topRules: rules.top().map(({ value, flows }) => {
        const [from = '', to = ''] = value.split('\n');
        return { from, to, flows };
      }),
      exact: hosts.exact && users.exact && clients.exact && rules.exact,
    };
  }
}
