/**
 * Document and lists → a policy that decides fast, and the snapshot form in which it travels to the workers.
 *
 * All host patterns of all rules share one index, so a name is looked up once however many rules there are. A list is
 * asked at most once per name. Verdicts are made once per rule, deciding allocates almost nothing.
 * It does not promise to read files: whoever loads a snapshot hands in how a compiled list is read.
 */
import { createHash } from 'node:crypto';
import type { FlowFacts } from '../core/facts.ts';
import type { ParentWay, Verdict } from '../core/verdict.ts';
import { Candidates } from './candidates.ts';
import { compileCondition } from './condition.ts';
import type { Surroundings, Test } from './condition.ts';
import { Context, HostIndex } from './context.ts';
import type { ZoneClock } from './context.ts';
import { compileDomainSet, openDomainSet } from './domain-set.ts';
import type { DomainSet } from './domain-set.ts';
import { parsePattern } from './pattern.ts';
import { stableHash } from '../core/stable-hash.ts';
import { lateFactsOf } from './rule.ts';
import type { LateFacts, Outcome, ParentGroup, PolicyDocument, Rule } from './rule.ts';

/** A list in a snapshot: a compiled set in a file, named by its digest, or a few patterns in text form. */
export type ListSnapshot =
  | { kind: 'file'; path: string; digest: string; size: number }
  | { kind: 'inline'; patterns: string[]; digest: string };

/** What the control process sends to the workers: JSON, small however long the lists are. */
export interface PolicySnapshot {
  version: string;
  document: PolicyDocument;
  lists: Record<string, ListSnapshot>;
}

export interface CompiledRule {
  readonly rule: Rule;
  readonly verdict: Verdict;
  /** Null when the rule matches every flow. */
  readonly test: Test | null;
  /** Facts that must be there before the rule is asked. */
  readonly late: LateFacts;
}

export interface CompiledPolicy {
  /** First 12 hex digits of SHA-256 over the document and the digests of its lists. */
  readonly version: string;
  readonly document: PolicyDocument;
  readonly rules: readonly CompiledRule[];
  /** Which rules can match a name at all. */
  readonly candidates: Candidates;
  /** Verdict when no rule matches. */
  readonly fallback: Verdict;
  readonly echFronts: ReadonlySet<string>;
  readonly lists: ReadonlyMap<string, CompiledList>;
  /** Whether any rule looks at origins or requests, or ends open flows: else nobody needs to ask. */
  readonly asks: { readonly origin: boolean; readonly request: boolean; readonly immediate: boolean };
  /** Scratch of the evaluation; see policy/context. */
  readonly context: Context;
}

export interface CompiledList {
  readonly set: DomainSet;
  readonly digest: string;
}

/** Version of a document together with the contents of its lists (digests by list name). */
export function policyVersion(document: PolicyDocument, digests: ReadonlyMap<string, string>): string {
  const lists = [...digests].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(stableJson({ document, lists })).digest('hex').slice(0, 12);
}

/** JSON with sorted keys: the same document always gives the same text. */
function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(',')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${JSON.stringify(k)}:${stableJson(v)}`)
      .join(',')}}`;
  return JSON.stringify(value);
}

/** Compile a document whose lists are all at hand. Throws Error when one is missing. */
export function compilePolicy(
  document: PolicyDocument,
  lists: ReadonlyMap<string, CompiledList>,
  version = policyVersion(document, new Map([...lists].map(([name, l]) => [name, l.digest]))),
): CompiledPolicy {
  const names = Object.keys(document.lists);
  const sets = names.map(name => {
    const list = lists.get(name);
    if (list === undefined) throw new Error(`the contents of list "${name}" are missing`);
    return list.set;
  });
  const around: Surroundings = {
    index: new HostIndex(),
    lists: new Map(names.map((name, i) => [name, i])),
    clocks: new Map<string, ZoneClock>(),
  };
  const rules = document.rules.map(rule => ({
    rule,
    verdict: verdictOf(rule, rule.name, version, document),
    test: rule.when === null ? null : compileCondition(rule.when, around),
    late: lateFactsOf(rule.when),
  }));
  return {
    version,
    document,
    rules,
    candidates: new Candidates(
      rules.map(r => r.test?.gate ?? null),
      around.index.tests,
      names.length,
    ),
    fallback: verdictOf(document.default, 'default', version, document),
    echFronts: new Set(document.echFronts),
    lists,
    asks: {
      origin: rules.some(r => r.late.origin),
      request: rules.some(r => r.late.request),
      immediate: rules.some(r => r.rule.apply === 'immediate'),
    },
    context: new Context(around.index, sets),
  };
}

function verdictOf(
  outcome: Outcome,
  rule: string,
  policy: string,
  { parents = {}, masking = {} }: Pick<PolicyDocument, 'parents' | 'masking'>,
): Verdict {
  const reason =
    outcome.reason ??
    (rule === 'default'
      ? `No rule matches; the default is ${outcome.action}.`
      : `Rule "${rule}" says ${outcome.action}.`);
  return Object.freeze({
    action: outcome.action,
    rule,
    policy,
    reason,
    capture: outcome.capture,
    block: outcome.block,
    ...(outcome.mask === undefined ? {} : { mask: outcome.mask }),
    ...(outcome.mask !== undefined && typeof masking[outcome.mask]?.originals === 'string'
      ? { originals: true as const }
      : {}),
    ...(outcome.tls === undefined ? {} : { tls: outcome.tls }),
    // A document that did not come through the parser may name a group that is not there: nobody can be reached then.
    ...(outcome.parent === undefined ? {} : { parent: wayThrough(outcome.parent, parents[outcome.parent]) }),
  });
}

/** The way through a group as verdicts carry it. A group that is not there has no members, so nobody can be reached. */
export function wayThrough(
  group: string,
  { members = [], spread, login }: Partial<ParentGroup> = {},
): ParentWay {
  return {
    group,
    via: members,
    ...(spread === undefined ? {} : { spread }),
    ...(login === undefined ? {} : { login }),
  };
}

/** Compile patterns in text form (canonical, as documents and snapshots hold them). */
export function listFromPatterns(texts: Iterable<string>): CompiledList {
  const patterns = function* (): Generator<{ name: string; match: 'exact' | 'subdomains' | 'both' }> {
    for (const text of texts) {
      const parsed = parsePattern(text, { allowPublicSuffix: true });
      if (parsed.ok === undefined) throw new Error(`"${text}" is no pattern: ${parsed.error}`);
      yield parsed.ok;
    }
  };
  return listFromBuffer(compileDomainSet(patterns()));
}

/** A compiled list from the buffer of its set. */
export function listFromBuffer(buffer: Buffer): CompiledList {
  return { set: openDomainSet(buffer), digest: setDigest(buffer) };
}

/** Name of a set's contents: first 32 hex digits of SHA-256 over its buffer. */
export function setDigest(buffer: Buffer): string {
  return createHash('sha256').update(buffer).digest('hex').slice(0, 32);
}

/**
 * Make a snapshot usable, in a worker. `readSet` reads and checks one compiled list (policy/set-file has one). Lists
 * that `previous` holds with the same digest are taken over without reading. Rejects with Error when a list is missing
 * or damaged; the caller then stays with what it has.
 */
export async function loadSnapshot(
  snapshot: PolicySnapshot,
  readSet: (path: string, digest: string) => Promise<Buffer>,
  previous: CompiledPolicy | null = null,
): Promise<CompiledPolicy> {
  const known = new Map([...(previous?.lists.values() ?? [])].map(l => [l.digest, l]));
  const lists = new Map<string, CompiledList>();
  for (const [name, source] of Object.entries(snapshot.lists)) {
    const list =
      known.get(source.digest) ??
      (source.kind === 'inline'
        ? { ...listFromPatterns(source.patterns), digest: source.digest }
        : { set: openDomainSet(await readSet(source.path, source.digest)), digest: source.digest });
    known.set(source.digest, list);
    lists.set(name, list);
  }
  return compilePolicy(snapshot.document, lists, snapshot.version);
}

/** Whether a rule matches the flow and name its policy's context is turned to. */
export function ruleMatches(compiled: CompiledRule, context: Context): boolean {
  const { rule, test, late } = compiled;
  if (late.origin && context.facts.origin === undefined) return false;
  if (late.request && context.facts.request === undefined) return false;
  if (rule.expires !== null && context.facts.now >= rule.expires) return false;
  if (test !== null && !test.holds(context)) return false;
  return rule.rollout === null || inRollout(rule.name, context.facts, rule.rollout);
}

/** Why a rule does not match, in one clause; for rules that ruleMatches denies. */
export function whyNot(compiled: CompiledRule, context: Context): string {
  const { rule, test, late } = compiled;
  if (late.request && context.facts.request === undefined)
    return 'it looks at requests, and there is none yet';
  if (late.origin && context.facts.origin === undefined)
    return "it looks at the origin's certificate, which is not known yet";
  if (rule.expires !== null && context.facts.now >= rule.expires)
    return `expired on ${new Date(rule.expires).toISOString().slice(0, 10)}`;
  if (rule.rollout !== null && !inRollout(rule.name, context.facts, rule.rollout))
    return `client ${context.facts.client} is outside the rollout of ${rule.rollout}%`;
  return test === null ? 'matches' : test.why(context);
}

/** Stable per client and rule: a client does not hop in and out, and two rules do not always meet the same clients. */
function inRollout(rule: string, facts: FlowFacts, percent: number): boolean {
  return stableHash(`${rule}\n${facts.client}`) % 10_000 < percent * 100;
}
