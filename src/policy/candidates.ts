/**
 * Which rules can match a name at all. Most rules name hosts, and most names are covered by few of them: the rules whose host
 * test or lists cover the name, and the rules that look at no host, are all that need asking. A thousand rules then cost
 * as much as the few that could match. The order of the rules stays.
 *
 * It never decides: a rule that is left out is one whose condition could not have held.
 */
import type { HostGate } from './condition.ts';
import type { Context } from './context.ts';

/** Short policies are asked in full: picking would cost more than it saves. */
const SHORT = 16;

export class Candidates {
  readonly #all: readonly number[];
  /** Rules without a gate, ascending. */
  readonly #always: readonly number[];
  /** Rules of each host test, and of each list. */
  readonly #byTest: readonly (readonly number[])[];
  readonly #byList: readonly (readonly number[])[];
  /** Lists that any rule is gated by. */
  readonly #lists: readonly number[];

  /** `gates` holds the gate of each rule, null for rules that must always be asked. */
  constructor(gates: readonly (HostGate | null)[], tests: number, lists: number) {
    this.#all = gates.map((_, i) => i);
    this.#always = this.#all.filter(i => gates[i] === null);
    const byTest: number[][] = Array.from({ length: tests }, () => []);
    const byList: number[][] = Array.from({ length: lists }, () => []);
    for (const [i, gate] of gates.entries()) {
      if (gate === null) continue;
      byTest[gate.test]?.push(i);
      for (const list of gate.lists) byList[list]?.push(i);
    }
    this.#byTest = byTest;
    this.#byList = byList;
    this.#lists = byList.flatMap((rules, list) => (rules.length > 0 ? [list] : []));
  }

  /** Rules to ask about the name a context is turned to, ascending; a rule may stand there twice. */
  of(context: Context): readonly number[] {
    if (this.#all.length <= SHORT) return this.#all;
    const picked: number[] = [];
    for (const test of context.covering()) for (const rule of this.#byTest[test] ?? []) picked.push(rule);
    for (const list of this.#lists)
      if (context.inList(list)) for (const rule of this.#byList[list] ?? []) picked.push(rule);
    if (picked.length === 0) return this.#always;
    for (const rule of this.#always) picked.push(rule);
    return picked.sort((a, b) => a - b);
  }
}
