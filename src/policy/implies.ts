/**
 * Whether one condition implies another: everything that meets `a` meets `b`. Sound but not complete: true is a proof,
 * false means "not shown". Used to find rules that an earlier one hides; wrong proofs would send authors astray, missed
 * ones only stay quiet. Pure.
 *
 * Bound: lists are compared name by name up to a budget of 5,000,000 names per analysis; beyond it nothing is shown.
 */
import { inNetworks, parseNetwork } from '../core/network.ts';
import type { Network } from '../core/network.ts';
import { DomainSetBuilder, openDomainSet } from './domain-set.ts';
import type { DomainSet } from './domain-set.ts';
import { parsePattern } from './pattern.ts';
import type { Pattern } from './pattern.ts';
import type { Condition } from './rule.ts';

type HostCondition = Extract<Condition, { test: 'host' }>;

const BUDGET = 5_000_000;

export class Implication {
  readonly #lists: ReadonlyMap<string, DomainSet>;
  readonly #sets = new WeakMap<HostCondition, DomainSet>();
  #budget = BUDGET;

  constructor(lists: ReadonlyMap<string, DomainSet>) {
    this.#lists = lists;
  }

  /** Whether `a` implies `b`; null stands for the condition that always holds. */
  holds(a: Condition | null, b: Condition | null): boolean {
    if (b === null) return true;
    if (b.test === 'all') return b.of.every(x => this.holds(a, x));
    if (a === null) return false;
    if (a.test === 'any') return a.of.every(x => this.holds(x, b));
    if (b.test === 'any' && b.of.some(x => this.holds(a, x))) return true;
    if (a.test === 'all') return a.of.some(x => this.holds(x, b));
    if (b.test === 'not') return a.test === 'not' ? this.holds(b.of, a.of) : excludes(a, b.of);
    return a.test === b.test && this.#leaf(a, b);
  }

  #leaf(a: Condition, b: Condition): boolean {
    switch (a.test) {
      case 'host':
        return b.test === 'host' && this.#host(a, b);
      case 'client':
        return b.test === 'client' && networksWithin(a.networks, b.networks);
      case 'port':
        return (
          b.test === 'port' && a.ranges.every(([f, t]) => b.ranges.some(([from, to]) => from <= f && t <= to))
        );
      case 'no-sni':
      case 'sni-mismatch':
        return (b.test === 'no-sni' || b.test === 'sni-mismatch') && a.value === b.value;
      case 'time':
        return b.test === 'time' && timeWithin(a, b);
      case 'user':
        return b.test === 'user' && (b.values.includes('*') || subset(a.values, b.values));
      case 'listener':
        return (
          b.test === 'listener' &&
          a.values.every(v => b.values.some(w => w === v || (w.startsWith(':') && v.endsWith(w))))
        );
      case 'ja3':
      case 'ja4':
        return (
          (b.test === 'ja3' || b.test === 'ja4') && a.values.every(v => b.values.some(w => printWithin(v, w)))
        );
      case 'all':
      case 'any':
      case 'not':
        return false;
      default:
        return 'values' in b && subset(a.values, b.values);
    }
  }

  #host(a: HostCondition, b: HostCondition): boolean {
    if (!networksWithin(a.networks, b.networks)) return false;
    const own = this.#ownSet(b);
    const others = b.lists.flatMap(l => this.#lists.get(l) ?? []);
    const covered = (p: Pattern): boolean => coversPattern([own, ...others], p);
    for (const text of a.patterns) {
      const p = parsePattern(text, { allowPublicSuffix: true }).ok;
      if (p === undefined || !covered(p)) return false;
    }
    for (const name of a.lists) {
      if (b.lists.includes(name)) continue;
      const list = this.#lists.get(name);
      if (list === undefined || list.size > this.#budget) return false;
      this.#budget -= list.size;
      for (const p of list.patterns()) if (!covered(p)) return false;
    }
    return true;
  }

  #ownSet(b: HostCondition): DomainSet {
    const known = this.#sets.get(b);
    if (known !== undefined) return known;
    const builder = new DomainSetBuilder();
    for (const text of b.patterns) {
      const p = parsePattern(text, { allowPublicSuffix: true }).ok;
      if (p !== undefined) builder.add(p);
    }
    const set = openDomainSet(builder.finish());
    this.#sets.set(b, set);
    return set;
  }
}

/** Whether every name of a pattern is in one of the sets. A star is no character of names: it asks for wildcards only. */
export function coversPattern(sets: readonly DomainSet[], p: Pattern): boolean {
  if (p.match !== 'subdomains' && !sets.some(s => s.match(p.name))) return false;
  return p.match === 'exact' || sets.some(s => s.match(`*.${p.name}`));
}

/** Whether two conditions can never hold together, as far as can be seen. */
export function excludes(a: Condition, b: Condition): boolean {
  if (b.test === 'all') return b.of.some(x => excludes(a, x));
  if (a.test === 'all') return a.of.some(x => excludes(x, b));
  if (a.test !== b.test) return false;
  switch (a.test) {
    case 'port':
      return (
        b.test === 'port' && a.ranges.every(([f, t]) => b.ranges.every(([from, to]) => t < from || to < f))
      );
    case 'no-sni':
    case 'sni-mismatch':
      return (b.test === 'no-sni' || b.test === 'sni-mismatch') && a.value !== b.value;
    // One flow has exactly one of each of these.
    case 'ingress':
    case 'scheme':
    case 'tls-version':
    case 'ech':
    case 'method':
      return 'values' in b && !(a.values as string[]).some(v => (b.values as string[]).includes(v));
    default:
      return false;
  }
}

function subset(a: readonly string[], b: readonly string[]): boolean {
  return a.every(v => b.includes(v));
}

function printWithin(a: string, b: string): boolean {
  return b.endsWith('*') ? a.replace(/\*$/, '').startsWith(b.slice(0, -1)) : a === b;
}

function networksWithin(a: readonly string[], b: readonly string[]): boolean {
  const wide = b.flatMap(text => parsed(text) ?? []);
  return a.every(text => {
    const network = parsed(text)?.[0];
    return network !== undefined && wide.some(w => w[1] <= network[1] && inNetworks(network[0], [w]));
  });
}

function parsed(text: string): [Network] | null {
  const network = parseNetwork(text);
  return network === null ? null : [network];
}

type TimeCondition = Extract<Condition, { test: 'time' }>;

function timeWithin(a: TimeCondition, b: TimeCondition): boolean {
  if (a.zone !== b.zone || !a.days.every(d => b.days.includes(d))) return false;
  if (a.from === b.from && a.to === b.to) return true;
  // Windows over midnight belong to two days; only the same ones are compared.
  return a.to > a.from && b.to > b.from && b.from <= a.from && a.to <= b.to;
}
