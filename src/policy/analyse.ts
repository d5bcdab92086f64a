/**
 * What `policy check` says about a policy that is valid but perhaps not meant so: rules that an earlier one hides, rules
 * that can never match or have expired, names that two rules decide differently, lists that nobody names. Pure.
 *
 * It does not promise to find every hidden rule (policy/implies), but what it reports is so. Bounds: each rule is
 * compared with the 2,000 before it; 3,000,000 names are looked at for overlaps; 200 findings are told.
 */
import type { CompiledPolicy } from './compile.ts';
import type { DomainSet } from './domain-set.ts';
import { Implication, excludes } from './implies.ts';
import type { Positions } from './parse.ts';
import { parsePattern, patternText } from './pattern.ts';
import type { Pattern } from './pattern.ts';
import { lateFactsOf } from './rule.ts';
import type { Condition, ListSource, Rule } from './rule.ts';

export type FindingKind =
  /** An earlier rule decides all of its flows, with the same action. */
  | 'shadowed'
  /** The same with another action: one of the two is not meant so. */
  | 'contradictory'
  /** Some names are decided before, with another action. */
  | 'overlap'
  | 'never-matches'
  | 'expired'
  | 'expires-soon'
  /** It stores unmasked originals. */
  | 'originals'
  /** A parent group names credentials that cannot be read (control/secret-check). */
  | 'parent-secret'
  /** Recorded traffic never met it (policy/unused). */
  | 'unused'
  | 'unused-list'
  | 'empty-list';

export interface Finding {
  kind: FindingKind;
  /** `warning`: very likely not meant so. `note`: worth knowing. */
  severity: 'warning' | 'note';
  rule: string | null;
  list: string | null;
  /** Line in the policy file. */
  line: number;
  message: string;
  hint: string;
}

const MAX_FINDINGS = 200;
const LOOK_BACK = 2_000;
const MAX_NAMES = 3_000_000;
const SOON = 14 * 86_400_000;
const EXAMPLES = 3;

type Tell = (
  kind: FindingKind,
  at: { rule: number } | { list: string },
  message: string,
  hint: string,
) => void;

const WARNINGS: ReadonlySet<FindingKind> = new Set([
  'shadowed',
  'contradictory',
  'never-matches',
  'expired',
  'originals',
]);

/** Look a valid policy over. `now` in ms since epoch. */
export function analyse(policy: CompiledPolicy, positions: Positions, now: number): Finding[] {
  const { rules, lists } = policy.document;
  const findings: Finding[] = [];
  const tell: Tell = (kind, at, message, hint) => {
    if (findings.length >= MAX_FINDINGS) return;
    const rule = 'rule' in at ? (rules[at.rule]?.name ?? null) : null;
    const list = 'list' in at ? at.list : null;
    const line = ('rule' in at ? positions.rules[at.rule] : positions.lists[at.list]) ?? 0;
    findings.push({
      kind,
      severity: WARNINGS.has(kind) ? 'warning' : 'note',
      rule,
      list,
      line,
      message,
      hint,
    });
  };
  const sets = new Map([...policy.lists].map(([name, l]) => [name, l.set]));
  expiries(rules, now, tell);
  originals(policy, tell);
  const hidden = hiddenRules(rules, sets, positions, now, tell);
  overlaps(rules, sets, hidden, now, tell);
  unusedLists(rules, lists, sets, tell);
  return findings.sort((a, b) => a.line - b.line);
}

/** The only rules whose records hold what is masked everywhere else: whoever checks the policy is told each time. */
function originals({ document: { rules, masking = {} } }: CompiledPolicy, tell: Tell): void {
  for (const [i, { mask }] of rules.entries()) {
    const why = mask === undefined ? null : (masking[mask]?.originals ?? null);
    if (why !== null)
      tell(
        'originals',
        { rule: i },
        `the rule stores unmasked originals (profile ${mask ?? ''}): ${why}`,
        'Passwords, cards and tokens stand in its records. Narrow the rule, and give it an expiry.',
      );
  }
}

function expiries(rules: readonly Rule[], now: number, tell: Tell): void {
  for (const [i, { expires, owner }] of rules.entries()) {
    const whose = owner === null ? '' : ` (owner ${owner})`;
    if (expires === null || expires > now + SOON) continue;
    const day = new Date(expires).toISOString().slice(0, 10);
    if (expires <= now)
      tell(
        'expired',
        { rule: i },
        `the rule expired on ${day} and no longer matches${whose}`,
        'Remove it, or give it a new date.',
      );
    else
      tell(
        'expires-soon',
        { rule: i },
        `the rule expires on ${day}${whose}`,
        'Its flows then go on to the rules below.',
      );
  }
}

/** Tell rules that never decide; gives their indexes. */
function hiddenRules(
  rules: readonly Rule[],
  sets: ReadonlyMap<string, DomainSet>,
  positions: Positions,
  now: number,
  tell: Tell,
): Set<number> {
  const implication = new Implication(sets);
  const hidden = new Set<number>();
  for (const [i, rule] of rules.entries()) {
    if (rule.expires !== null && rule.expires <= now) continue;
    // Lists that are still to be filled hide nothing and are hidden by nothing.
    if (rule.when !== null && isUnfilled(rule.when, sets)) continue;
    if (rule.rollout === 0 || (rule.when !== null && contradictsItself(rule.when, implication))) {
      hidden.add(i);
      tell(
        'never-matches',
        { rule: i },
        'no flow can meet this condition',
        'Look at what is required together.',
      );
      continue;
    }
    for (let j = Math.max(0, i - LOOK_BACK); j < i; j++) {
      const earlier = rules[j];
      if (earlier === undefined || hidden.has(j) || !hides(earlier, rule, now, implication)) continue;
      hidden.add(i);
      const same = earlier.action === rule.action;
      tell(
        same ? 'shadowed' : 'contradictory',
        { rule: i },
        `never decides: rule "${earlier.name}" (line ${positions.rules[j] ?? 0}) matches all of it before${same ? '' : `, and says ${earlier.action} instead of ${rule.action}`}`,
        same ? 'Remove one of the two.' : 'Move the narrower rule up, or remove one of the two.',
      );
      break;
    }
  }
  return hidden;
}

function hides(earlier: Rule, later: Rule, now: number, implication: Implication): boolean {
  if (earlier.rollout !== null && earlier.rollout < 100) return false;
  if (
    earlier.expires !== null &&
    (earlier.expires <= now || later.expires === null || earlier.expires < later.expires)
  )
    return false;
  // A rule that needs facts which come later is not asked as long as they are missing; the other one may be.
  const needs = lateFactsOf(earlier.when);
  const has = lateFactsOf(later.when);
  if ((needs.origin && !has.origin) || (needs.request && !has.request)) return false;
  return implication.holds(later.when, earlier.when);
}

/** Whether a condition waits for names: it asks for hosts, and all of its lists are empty. */
function isUnfilled(condition: Condition, sets: ReadonlyMap<string, DomainSet>): boolean {
  switch (condition.test) {
    case 'host':
      return (
        condition.patterns.length + condition.networks.length === 0 &&
        condition.lists.every(l => (sets.get(l)?.size ?? 0) === 0)
      );
    case 'all':
      return condition.of.some(c => isUnfilled(c, sets));
    case 'any':
      return condition.of.every(c => isUnfilled(c, sets));
    default:
      return false;
  }
}

/** Whether two members of an `all` exclude each other. */
function contradictsItself(condition: Condition, implication: Implication): boolean {
  if (condition.test === 'any') return condition.of.every(c => contradictsItself(c, implication));
  if (condition.test !== 'all') return false;
  return condition.of.some(
    (a, i) =>
      contradictsItself(a, implication) ||
      condition.of.some((b, j) => {
        if (i === j) return false;
        return b.test === 'not' ? implication.holds(a, b.of) : i < j && excludes(a, b);
      }),
  );
}

interface Decided {
  rule: number;
  count: number;
  examples: string[];
}

/** Names that rules about hosts alone decide differently from an earlier such rule. */
function overlaps(
  rules: readonly Rule[],
  sets: ReadonlyMap<string, DomainSet>,
  hidden: ReadonlySet<number>,
  now: number,
  tell: Tell,
): void {
  const exact = new Map<string, number>();
  const below = new Map<string, number>();
  let budget = MAX_NAMES;
  for (const [i, rule] of rules.entries()) {
    if (rule.when === null && rule.rollout === null && rule.expires === null) return;
    if (hidden.has(i) || rule.when?.test !== 'host' || rule.rollout !== null) continue;
    if (rule.expires !== null && rule.expires <= now) continue;
    const before = new Map<number, Decided>();
    let total = 0;
    for (const p of patternsOf(rule.when, sets)) {
      if (--budget < 0) return;
      total++;
      const by = decidedBy(p, exact, below);
      if (by === null) {
        if (p.match !== 'subdomains' && !exact.has(p.name)) exact.set(p.name, i);
        if (p.match !== 'exact' && !below.has(p.name)) below.set(p.name, i);
        continue;
      }
      if (by === i || rules[by]?.action === rule.action) continue;
      const entry = before.get(by) ?? { rule: by, count: 0, examples: [] };
      before.set(by, entry);
      entry.count++;
      if (entry.examples.length < EXAMPLES) entry.examples.push(patternText(p));
    }
    for (const { rule: by, count, examples } of before.values()) {
      const other = rules[by];
      if (other === undefined) continue;
      tell(
        'overlap',
        { rule: i },
        `${count} of ${total} names are decided before by rule "${other.name}" as ${other.action}: ${examples.join(', ')}${count > examples.length ? ', …' : ''}`,
        'That is right for exceptions; otherwise take the names out of one of the two.',
      );
    }
  }
}

/** The earlier rule that decides every name of the pattern, or null. */
function decidedBy(p: Pattern, exact: Map<string, number>, below: Map<string, number>): number | null {
  let above: number | undefined;
  for (let dot = p.name.indexOf('.'); dot >= 0 && above === undefined; dot = p.name.indexOf('.', dot + 1))
    above = below.get(p.name.slice(dot + 1));
  const name = p.match === 'subdomains' ? undefined : (exact.get(p.name) ?? above ?? null);
  const rest = p.match === 'exact' ? undefined : (below.get(p.name) ?? above ?? null);
  if (name === null || rest === null) return null;
  return name ?? rest ?? null;
}

function* patternsOf(
  host: Extract<Condition, { test: 'host' }>,
  sets: ReadonlyMap<string, DomainSet>,
): Generator<Pattern> {
  for (const text of host.patterns) {
    const p = parsePattern(text, { allowPublicSuffix: true }).ok;
    if (p !== undefined) yield p;
  }
  for (const list of host.lists) yield* sets.get(list)?.patterns() ?? [];
}

function unusedLists(
  rules: readonly Rule[],
  lists: Readonly<Record<string, ListSource>>,
  sets: ReadonlyMap<string, DomainSet>,
  tell: Tell,
): void {
  const used = new Set<string>();
  const visit = (c: Condition): void => {
    if (c.test === 'host') for (const list of c.lists) used.add(list);
    else if (c.test === 'all' || c.test === 'any') c.of.forEach(visit);
    else if (c.test === 'not') visit(c.of);
  };
  for (const { when } of rules) if (when !== null) visit(when);
  for (const [list, { kind }] of Object.entries(lists)) {
    if (!used.has(list))
      tell(
        'unused-list',
        { list },
        `no rule names the list "${list}"`,
        `Name it:  when: { host: 'list:${list}' }`,
      );
    else if (sets.get(list)?.size === 0) {
      const filled = kind === 'url' ? 'fetched' : 'learned';
      const why = kind === 'url' || kind === 'learned' ? ` here; it is ${filled} where the policy runs` : '';
      tell('empty-list', { list }, `the list "${list}" is empty${why}`, '');
    }
  }
}
