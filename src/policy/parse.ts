/**
 * The policy file: YAML text → PolicyDocument, or all its problems with line, column and hint.
 *
 * Pure: list files are only named here, policy/store reads them. An unknown key is a problem, never ignored: a
 * misspelled condition that silently matched everything would be the worst kind of rule.
 *
 * Bounds: 10,000 rules, 1,000 lists, 100,000 inline domains per list (more belongs into a file).
 */
import { DOUBTS } from '../core/verdict.ts';
import type { Doubt } from '../core/verdict.ts';
import { canonicalHost } from '../core/host-name.ts';
import { YamlReader } from './yaml-reader.ts';
import type { Place, Problem } from './yaml-reader.ts';
import { readCondition } from './parse-condition.ts';
import { readLists } from './parse-lists.ts';
import { readMasking } from './parse-masking.ts';
import { readParents } from './parse-parents.ts';
import { OUTCOME_KEYS, readDefault, readOutcome, sentence } from './parse-outcome.ts';
import type { OutcomeNames } from './parse-outcome.ts';
import { DOUBT_ANSWERS, KNOWN_ECH_FRONTS, lateFactsOf } from './rule.ts';
import type { Condition, DoubtAnswer, Outcome, PolicyDocument, Rule } from './rule.ts';

export type { Problem } from './yaml-reader.ts';

/** Where things stand in the text, for messages about them later. */
export interface Positions {
  /** Line of each rule, by index. */
  rules: number[];
  /** Line of each list, by name. */
  lists: Record<string, number>;
  /** Line of each parent group, by name. */
  parents: Record<string, number>;
}

export type ParsedPolicy =
  { ok: true; document: PolicyDocument; positions: Positions } | { ok: false; problems: Problem[] };

/** What rules may refer to. */
interface Names extends OutcomeNames {
  lists: ReadonlySet<string>;
}

const MAX_RULES = 10_000;

const TOP_KEYS = [
  'version',
  'default',
  'doubt',
  'ech-fronts',
  'lists',
  'parents',
  'masking',
  'rules',
] as const;
const RULE_KEYS = ['name', 'when', ...OUTCOME_KEYS, 'owner', 'expires', 'rollout', 'apply', 'pac'] as const;

/** Read a policy document. Never throws. */
export function parsePolicy(text: string): ParsedPolicy {
  const reader = new YamlReader(text);
  const root = reader.root();
  if (root === null) return { ok: false, problems: reader.sorted() };
  if (root.node === null) {
    reader.problem(
      root,
      'the policy file is empty',
      'A policy starts with "version: 1" and "default: block".',
    );
    return { ok: false, problems: reader.sorted() };
  }
  const top = reader.mapping(root, TOP_KEYS);
  if (top === null) return { ok: false, problems: reader.sorted() };
  for (const [key, place] of top) if (reader.isEmpty(place)) top.delete(key);

  const version = top.get('version');
  if (version === undefined)
    reader.problem(root, 'the key "version" is missing', 'Add the line "version: 1".');
  else if (reader.text(version) !== '1')
    reader.problem(version, 'this program reads policy version 1 only', 'Write "version: 1".');

  const lists = readLists(reader, top.get('lists'));
  const { groups: parents, lines: parentLines } = readParents(reader, top.get('parents'));
  const masking = readMasking(reader, top.get('masking'));
  const names: Names = {
    lists: new Set(Object.keys(lists.sources)),
    parents: new Set(Object.keys(parents)),
    masking,
  };
  const rules = readRules(reader, top.get('rules'), names);
  const document: PolicyDocument = {
    version: 1,
    default: readDefault(reader, top.get('default'), names),
    doubt: readDoubt(reader, top.get('doubt')),
    echFronts: readFronts(reader, top.get('ech-fronts')),
    lists: lists.sources,
    ...(names.parents.size === 0 ? {} : { parents }),
    ...(Object.keys(masking).length === 0 ? {} : { masking }),
    rules: rules.rules,
  };
  if (reader.problems.length > 0) return { ok: false, problems: reader.sorted() };
  return { ok: true, document, positions: { rules: rules.lines, lists: lists.lines, parents: parentLines } };
}

function readDoubt(reader: YamlReader, place: Place | undefined): Record<Doubt, DoubtAnswer> {
  const answers = Object.fromEntries(DOUBTS.map(d => [d, DOUBT_ANSWERS[d][0]])) as Record<Doubt, DoubtAnswer>;
  const entries = place === undefined ? null : reader.mapping(place, DOUBTS);
  for (const doubt of DOUBTS) {
    const answer = entries?.get(doubt);
    if (answer !== undefined) answers[doubt] = reader.oneOf(answer, DOUBT_ANSWERS[doubt]) ?? answers[doubt];
  }
  return answers;
}

function readFronts(reader: YamlReader, place: Place | undefined): string[] {
  if (place === undefined) return [...KNOWN_ECH_FRONTS];
  const fronts: string[] = [];
  for (const item of reader.items(place)) {
    const text = reader.text(item);
    if (text === null) continue;
    const host = canonicalHost(text);
    if (host.kind === 'name') fronts.push(host.name);
    else
      reader.problem(item, `"${text}" is not a host name`, 'Name the public name as it stands in the SNI.');
  }
  return fronts;
}

function readRules(
  reader: YamlReader,
  place: Place | undefined,
  known: Names,
): { rules: Rule[]; lines: number[] } {
  const rules: Rule[] = [];
  const lines: number[] = [];
  if (place === undefined) return { rules, lines };
  if (!reader.isSequence(place)) {
    reader.problem(place, 'rules must be a sequence', 'Each rule starts with a dash: "- name: …".');
    return { rules, lines };
  }
  const items = reader.items(place);
  if (items.length > MAX_RULES) reader.problem(place, `more than ${MAX_RULES} rules`);
  const names = new Map<string, number>();
  for (const item of items.slice(0, MAX_RULES)) {
    const rule = readRule(reader, item, known);
    if (rule === null) continue;
    const { line } = reader.position(item);
    const first = names.get(rule.name);
    if (first !== undefined)
      reader.problem(item, `two rules are called "${rule.name}"`, `The other one stands at line ${first}.`);
    names.set(rule.name, line);
    rules.push(rule);
    lines.push(line);
  }
  return { rules, lines };
}

function readRule(reader: YamlReader, place: Place, known: Names): Rule | null {
  const before = reader.problems.length;
  const entries = reader.mapping(place, RULE_KEYS);
  // A rule with misspelled keys would only repeat itself in complaints about what is missing.
  if (entries === null || reader.problems.length > before) return null;
  const named = entries.get('name');
  const name = named === undefined ? null : reader.text(named);
  if (named === undefined)
    reader.problem(place, `${place.path} has no name`, 'Add "name:", records quote it.');
  else if (name !== null && !/^[^\s:][^\r\n:]{0,99}$/.test(name))
    reader.problem(
      named,
      `"${name}" is no usable rule name`,
      'Up to 100 characters on one line, without a colon.',
    );
  const when = entries.get('when');
  const owner = entries.get('owner');
  const expires = entries.get('expires');
  const rollout = entries.get('rollout');
  const apply = entries.get('apply');
  const condition = when === undefined ? null : readCondition(reader, when, known.lists);
  const outcome = readOutcome(reader, place, entries, known);
  if (outcome.action === 'passthrough' && lateFactsOf(condition).request)
    reader.problem(
      place,
      'a rule that looks at requests cannot pass them through: they are decrypted by then',
      'Use inspect or block, or look at the host instead.',
    );
  refuseTooLate(reader, entries, condition);
  const immediate = apply !== undefined && reader.oneOf(apply, ['immediate', 'new'] as const) === 'immediate';
  if (immediate && outcome.action !== 'block' && apply !== undefined)
    reader.problem(apply, 'only a rule that blocks can end open flows', 'Leave "apply" out, or block.');
  const direct = readDirect(reader, entries.get('pac'), outcome);
  return {
    name: name ?? place.path,
    when: condition,
    ...outcome,
    owner: owner === undefined ? null : sentence(reader, owner),
    expires: expires === undefined ? null : readExpiry(reader, expires),
    rollout: rollout === undefined ? null : readRollout(reader, rollout),
    ...(immediate ? { apply: 'immediate' as const } : {}),
    ...(direct ? { pac: 'direct' as const } : {}),
  };
}

/** Whether clients may go past the proxy: only to what is passed through, and not where a parent is the way. */
function readDirect(reader: YamlReader, place: Place | undefined, outcome: Outcome): boolean {
  if (place === undefined || reader.oneOf(place, ['direct', 'proxy'] as const) !== 'direct') return false;
  if (outcome.action !== 'passthrough' || outcome.parent !== undefined)
    reader.problem(
      place,
      outcome.action === 'passthrough'
        ? 'what goes through a parent proxy cannot go direct'
        : 'only what is passed through may go direct',
      'Leave "pac" out.',
    );
  return true;
}

/** How an origin is reached cannot be told by a rule that is asked after the origin was reached. */
function refuseTooLate(reader: YamlReader, entries: Map<string, Place>, condition: Condition | null): void {
  const late = lateFactsOf(condition);
  if (!late.origin && !late.request) return;
  for (const key of ['tls', 'parent'] as const) {
    const place = entries.get(key);
    if (place !== undefined)
      reader.problem(
        place,
        `"${key}" comes too late in a rule that looks at ${late.request ? 'requests' : "the origin's certificate"}`,
        'The connection to the origin is there by then; say it in a rule that looks at the flow only.',
      );
  }
}

function readExpiry(reader: YamlReader, place: Place): number | null {
  const text = reader.text(place);
  if (text === null) return null;
  // A date alone means its first moment in UTC, so that every node agrees when a rule ends.
  const m = /^(\d{4})-(\d{2})-(\d{2})(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2}))?$/.exec(text);
  const ms = m === null ? NaN : Date.parse(text);
  if (Number.isNaN(ms) || (m !== null && !sameDay(text))) {
    reader.problem(place, `"${text}" is not a date`, 'Write 2027-01-31 or 2027-01-31T18:00:00Z.');
    return null;
  }
  return ms;
}

/** Date.parse rolls 2027-02-31 over into March; a typo must not move an expiry. */
function sameDay(text: string): boolean {
  const day = text.slice(0, 10);
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 10) === day;
}

function readRollout(reader: YamlReader, place: Place): number | null {
  const text = reader.text(place);
  if (text === null) return null;
  const m = /^(\d{1,3}(?:\.\d{1,2})?)%$/.exec(text);
  const percent = m === null ? NaN : Number(m[1]);
  if (Number.isNaN(percent) || percent > 100) {
    reader.problem(place, `"${text}" is no share of clients`, 'Write a percentage: rollout: 5%.');
    return null;
  }
  return percent;
}
