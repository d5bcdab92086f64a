/**
 * In which order the members of a parent group are tried, and what is remembered of those that took no connection. Pure
 * but for its memory; time comes in.
 *
 * Order: as the policy has them, or spread by rendezvous hashing: each client (or host) has its own stable order, and when
 * a member comes or goes only those whose first choice it was move. Members that failed lately come last, in the same order.
 *
 * A failed member is tried again after `SHUNNED` ms, by one flow: while that one waits, the others go on avoiding it.
 * Bound: `MAX_SHUNNED` members are remembered; policies name fewer. At the bound the memory starts afresh.
 */
import { stableHash } from '../core/stable-hash.ts';
import type { ParentWay } from '../core/verdict.ts';

/** ms for which a member that took no connection is tried last. */
export const SHUNNED = 30_000;
const MAX_SHUNNED = 1_000;

export class MemberOrder {
  readonly #now: () => number;
  /** Until when a member is tried last. */
  readonly #shunned = new Map<string, number>();

  /** `now` gives ms of any clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The members of a group for one flow, first choice first. */
  of(way: ParentWay, client: string, host: string): string[] {
    const now = this.#now();
    const members = [...way.via];
    if (way.spread !== undefined) {
      const key = way.spread === 'client' ? client : host;
      const weight = new Map(members.map(m => [m, stableHash(`${key}\n${m}`)]));
      members.sort((a, b) => (weight.get(b) ?? 0) - (weight.get(a) ?? 0) || (a < b ? -1 : 1));
    }
    const failing = (member: string): number => ((this.#shunned.get(member) ?? 0) > now ? 1 : 0);
    return members.sort((a, b) => failing(a) - failing(b));
  }

  /** A flow is about to try it: the others need not find out what it finds out. */
  trying(member: string): void {
    const until = this.#shunned.get(member);
    if (until !== undefined && until <= this.#now()) this.failed(member);
  }

  failed(member: string): void {
    if (this.#shunned.size >= MAX_SHUNNED && !this.#shunned.has(member)) this.#shunned.clear();
    this.#shunned.set(member, this.#now() + SHUNNED);
  }

  took(member: string): void {
    this.#shunned.delete(member);
  }
}
