/**
 * Which names a policy denies, allows or passes through, whoever asks and whenever: the selection that exports write.
 *
 * Rules are walked in order. A rule whose condition is only about hosts gives its names; one that also looks at clients,
 * users or times cannot be said in a list of names and becomes a note. Names that an earlier rule decides otherwise are
 * left out, and names inside a later, wider entry become exceptions to it, so that what is written means what the
 * policy does. Cost: every name once, two maps over all names.
 */
import type { Action } from '../../core/verdict.ts';
import type { CompiledPolicy } from '../compile.ts';
import { conditionText } from '../condition.ts';
import { parsePattern } from '../pattern.ts';
import type { Match, Pattern } from '../pattern.ts';
import type { Condition, Rule } from '../rule.ts';
import type { EntryAction, ListEntry } from './entry.ts';
import type { Selection } from './export.ts';
import { leftOf } from './tidy.ts';
import type { ExportAction } from './writer.ts';

const RULE_ACTION: Record<Exclude<ExportAction, 'seen'>, Action> = {
  deny: 'block',
  allow: 'inspect',
  passthrough: 'passthrough',
};

const ENTRY_ACTION: Record<Action, EntryAction> = {
  block: 'deny',
  inspect: 'allow',
  passthrough: 'passthrough',
};

type HostCondition = Extract<Condition, { test: 'host' }>;

/** Names of the policy for one action. `now` decides which rules have expired. */
export function selectFromPolicy(
  policy: CompiledPolicy,
  action: Exclude<ExportAction, 'seen'>,
  now: number,
): Selection {
  const wanted = RULE_ACTION[action];
  const notes: string[] = [];
  const mine = new NameIndex();
  const others = new NameIndex();
  const entries: ListEntry[] = [];
  const exceptions: { entry: ListEntry; rule: number }[] = [];
  let open = true;
  for (const [i, { rule }] of policy.rules.entries()) {
    if (rule.expires !== null && rule.expires <= now) {
      notes.push(`rule "${rule.name}" has expired and is left out`);
      continue;
    }
    if (rule.when === null && rule.rollout === null) {
      if (rule.action === wanted)
        notes.push(`rule "${rule.name}" holds for every other name, which a list cannot say`);
      open = false;
      break;
    }
    const hosts = rule.rollout === null && rule.when !== null ? hostsOnly(rule.when) : null;
    if (hosts === null) {
      notes.push(conditional(rule, rule.action === wanted));
      continue;
    }
    for (const host of hosts) {
      if (host.networks.length > 0 && rule.action === wanted)
        notes.push(`rule "${rule.name}" names addresses, which are left out of a list of names`);
      const [here, before] = rule.action === wanted ? [mine, others] : [others, mine];
      for (const { pattern, list } of patternsOf(host, policy)) {
        const match = before.leftOf(pattern);
        if (match === null) continue;
        here.add(pattern.name, match, i);
        const entry = entryFrom(rule, { name: pattern.name, match }, list, ENTRY_ACTION[rule.action]);
        if (rule.action === wanted) entries.push(entry);
        else exceptions.push({ entry, rule: i });
      }
    }
  }
  if (open && policy.document.default.action === wanted)
    notes.push('the default holds for every other name, which a list cannot say');
  return {
    action,
    entries,
    exceptions: exceptions.filter(e => mine.coversLater(e.entry.name, e.rule)).map(e => e.entry),
    notes,
  };
}

/** One named list of the policy, whatever rules say about it. */
export function selectList(policy: CompiledPolicy, list: string, action: ExportAction): Selection | null {
  const compiled = policy.lists.get(list);
  if (compiled === undefined) return null;
  const entries = function* (): Generator<ListEntry> {
    for (const p of compiled.set.patterns())
      yield { ...blank(action), ...p, category: list, source: 'policy list' };
  };
  return { action, entries: { [Symbol.iterator]: entries }, exceptions: [], notes: [] };
}

function conditional(rule: Rule, mine: boolean): string {
  const why =
    rule.when === null
      ? `a rollout of ${rule.rollout ?? 100}%`
      : `more than the host (${conditionText(rule.when)})`;
  return mine
    ? `rule "${rule.name}" depends on ${why}; its names are left out`
    : `rule "${rule.name}" depends on ${why} and may decide some flows to listed names otherwise`;
}

/** The host tests whose alternatives a condition is, or null when it looks at anything else. */
function hostsOnly(condition: Condition): HostCondition[] | null {
  if (condition.test === 'host') return [condition];
  if (condition.test === 'any' || (condition.test === 'all' && condition.of.length === 1)) {
    const parts = condition.of.map(hostsOnly);
    return parts.includes(null) ? null : parts.flatMap(p => p ?? []);
  }
  return null;
}

function* patternsOf(
  host: HostCondition,
  policy: CompiledPolicy,
): Generator<{ pattern: Pattern; list: string | null }> {
  for (const text of host.patterns) {
    const parsed = parsePattern(text, { allowPublicSuffix: true });
    if (parsed.ok !== undefined) yield { pattern: parsed.ok, list: null };
  }
  for (const list of host.lists)
    for (const pattern of policy.lists.get(list)?.set.patterns() ?? []) yield { pattern, list };
}

function entryFrom(rule: Rule, pattern: Pattern, list: string | null, action: EntryAction): ListEntry {
  return {
    ...blank(action),
    ...pattern,
    source: `rule ${rule.name}`,
    category: list,
    comment: rule.reason,
    addedBy: rule.owner,
    expires: rule.expires === null ? null : new Date(rule.expires).toISOString(),
  };
}

function blank(action: ExportAction): Omit<ListEntry, 'name' | 'match'> {
  return {
    action: action === 'seen' ? null : action,
    source: null,
    category: null,
    comment: null,
    addedBy: null,
    expires: null,
  };
}

/** Patterns by name with the rule that brought them. */
class NameIndex {
  readonly #exact = new Set<string>();
  /** Latest rule that covers names below. */
  readonly #below = new Map<string, number>();

  add(name: string, match: Match, rule: number): void {
    if (match !== 'subdomains') this.#exact.add(name);
    if (match !== 'exact') this.#below.set(name, rule);
  }

  /** What of a pattern is not covered here. */
  leftOf(pattern: Pattern): Match | null {
    const above = this.#coveredFromAbove(pattern.name, -1);
    return leftOf(
      pattern.match,
      above || this.#exact.has(pattern.name),
      above || this.#below.has(pattern.name),
    );
  }

  /** Whether a rule later than `rule` covers the name from above. */
  coversLater(name: string, rule: number): boolean {
    return this.#coveredFromAbove(name, rule);
  }

  #coveredFromAbove(name: string, rule: number): boolean {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const by = this.#below.get(name.slice(dot + 1));
      if (by !== undefined && by > rule) return true;
    }
    return false;
  }
}
