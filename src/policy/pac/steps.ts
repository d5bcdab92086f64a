/**
 * What a PAC file may say of a policy: the names that go past the proxy, as steps that are asked in the order of the rules.
 *
 * Going direct is more than passthrough: nothing of such a flow is seen, not even that it was there. So a name goes direct
 * only if its author marked the rule or the list (`pac: direct`) **and** the policy passes it through for everybody, always.
 * A PAC file knows the name and little else. What a rule asks beyond that (client, user, time, a share of clients, an
 * expiry) cannot be told there, and then the name goes through the proxy, which knows. An earlier rule that might match a
 * name, whatever it says, keeps that name at the proxy. Rules on origins and requests cannot touch what is passed through.
 *
 * Bounds: `DIRECT_BYTES` of direct names, `STEP_BYTES` of all names together (browsers read 1 MiB of a PAC file), and
 * `MAX_SIFTED` names of lists that are held against them. What is beyond goes through the proxy and is counted. Pure but for
 * breathing: long lists are sifted in pieces of 20,000 names.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { CompiledPolicy } from '../compile.ts';
import { DomainSetBuilder, openDomainSet } from '../domain-set.ts';
import type { DomainSet } from '../domain-set.ts';
import { coversPattern } from '../implies.ts';
import { parsePattern } from '../pattern.ts';
import type { Pattern } from '../pattern.ts';
import { lateFactsOf } from '../rule.ts';
import type { Condition, Rule } from '../rule.ts';

/** One step: the first that holds the name tells the way. */
export interface PacStep {
  direct: boolean;
  /** Names that are meant alone. */
  exact: string[];
  /** Names of which everything below is meant. */
  below: string[];
}

export interface PacPlan {
  steps: PacStep[];
  /** Patterns that go direct. */
  direct: number;
  /** Patterns that might have gone direct and are beyond a bound. */
  dropped: number;
  /** Rules whose names stay at the proxy although they are marked, and why. */
  kept: { rule: string; why: string }[];
}

export interface PacLimits {
  directBytes: number;
  stepBytes: number;
  maxSifted: number;
}

export const PAC_LIMITS: PacLimits = { directBytes: 600_000, stepBytes: 900_000, maxSifted: 3_000_000 };

/** Ports that CONNECT may name: `direct` holds for these only. */
export type ConnectPorts = readonly (number | 'any')[];

const NO_STEPS: PacStep[] = [];
const BREATH = 20_000;

/** Names of a condition: written ones and lists; `every` when it may match any name. */
type Names = 'every' | { patterns: Pattern[]; lists: string[] };
const NONE: Names = { patterns: [], lists: [] };

interface Stage {
  direct: boolean;
  names: { patterns: Pattern[]; lists: string[] };
}

/** The steps of a policy. Never rejects. */
export async function pacSteps(
  policy: CompiledPolicy,
  ports: ConnectPorts,
  limits: PacLimits = PAC_LIMITS,
): Promise<PacPlan> {
  const kept: PacPlan['kept'] = [];
  const stages = stagesOf(policy, ports, kept);
  const counted = { direct: 0, dropped: 0 };
  if (!stages.some(stage => stage.direct)) return { steps: NO_STEPS, ...counted, kept };
  const sifter = new Sifter(policy, limits);
  for (const stage of stages) if (stage.direct) await sifter.index(stage);
  const steps: PacStep[] = [];
  let room = limits.stepBytes;
  for (const stage of stages) {
    const patterns = stage.direct ? (sifter.directOf.get(stage) ?? []) : await sifter.near(stage);
    // An unfinished step at the proxy would let names slip into a direct one behind it.
    if (patterns === null || (!stage.direct && bytesOf(patterns) > room)) {
      room = 0;
      counted.dropped += countFrom(stages, stage, sifter);
      break;
    }
    const step = stepAt(steps, stage.direct);
    for (const pattern of patterns) {
      room -= bytesOf([pattern]);
      if (room < 0) {
        counted.dropped++;
        continue;
      }
      if (stage.direct) counted.direct++;
      if (pattern.match !== 'subdomains') step.exact.push(pattern.name);
      if (pattern.match !== 'exact') step.below.push(pattern.name);
    }
  }
  // Nothing follows them: what no step holds goes through the proxy anyway.
  while (steps.length > 0 && steps.at(-1)?.direct === false) steps.pop();
  counted.dropped += sifter.dropped;
  return { steps, ...counted, kept };
}

function stepAt(steps: PacStep[], direct: boolean): PacStep {
  const last = steps.at(-1);
  if (last?.direct === direct) return last;
  const step: PacStep = { direct, exact: [], below: [] };
  steps.push(step);
  return step;
}

function countFrom(stages: readonly Stage[], from: Stage, sifter: Sifter): number {
  return stages
    .slice(stages.indexOf(from))
    .reduce((n, stage) => n + (sifter.directOf.get(stage)?.length ?? 0), 0);
}

/** The rules in order, each as what may go direct of it and what it may decide. */
function stagesOf(policy: CompiledPolicy, ports: ConnectPorts, kept: PacPlan['kept']): Stage[] {
  const stages: Stage[] = [];
  let closedBy: string | null = null;
  for (const rule of policy.document.rules) {
    const late = lateFactsOf(rule.when);
    // Asked once something is decrypted or the origin was met in an inspection; a passthrough knows neither.
    if (late.origin || late.request) continue;
    const marked = markedNames(rule, policy, ports);
    if (closedBy !== null) {
      if (marked !== null)
        kept.push({ rule: rule.name, why: `rule "${closedBy}" comes first and asks for more than a name` });
      continue;
    }
    const may = mayMatch(rule.when);
    if (typeof marked === 'string') kept.push({ rule: rule.name, why: marked });
    else if (marked !== null) stages.push({ direct: true, names: marked });
    if (may === 'every') closedBy = rule.name;
    else stages.push({ direct: false, names: may });
  }
  return stages;
}

/** What a rule lets go direct; null when nothing of it is marked, a sentence when it is and cannot. */
function markedNames(
  rule: Rule,
  policy: CompiledPolicy,
  ports: ConnectPorts,
): { patterns: Pattern[]; lists: string[] } | string | null {
  if (rule.action !== 'passthrough') return null;
  const { lists } = policy.document;
  const isMarked = (name: string): boolean =>
    lists[name]?.kind !== 'learned' && lists[name]?.pac === 'direct';
  if (rule.pac !== 'direct' && !listsOf(rule.when).some(isMarked)) return null;
  if (rule.parent !== undefined) return 'it goes through a parent proxy';
  if (rule.expires !== null) return 'it expires, and browsers keep a PAC file for longer';
  if (rule.rollout !== null) return 'it holds for a share of the clients only';
  const names = surelyMatches(rule.when, ports);
  if (names === null) return 'it asks for more than the name of the host';
  if (rule.pac === 'direct') return names;
  return { patterns: [], lists: names.lists.filter(isMarked) };
}

function listsOf(condition: Condition | null): string[] {
  if (condition === null) return [];
  if (condition.test === 'host') return condition.lists;
  return condition.test === 'all' || condition.test === 'any' ? condition.of.flatMap(listsOf) : [];
}

const readPatterns = (texts: readonly string[]): Pattern[] =>
  texts.flatMap(text => parsePattern(text, { allowPublicSuffix: true }).ok ?? []);

/** At least the names of which a flow over CONNECT may match: too many is safe, too few is not. */
function mayMatch(condition: Condition | null): Names {
  if (condition === null) return 'every';
  switch (condition.test) {
    case 'host':
      return { patterns: readPatterns(condition.patterns), lists: condition.lists };
    case 'all': {
      const parts = condition.of.map(mayMatch).filter(part => part !== 'every');
      return parts.find(isEmpty) ?? parts[0] ?? 'every';
    }
    case 'any': {
      const parts = condition.of.map(mayMatch);
      if (parts.includes('every')) return 'every';
      const known = parts.filter(part => part !== 'every');
      return {
        patterns: known.flatMap(part => part.patterns),
        lists: known.flatMap(part => part.lists),
      };
    }
    case 'ingress':
      return condition.values.includes('connect') ? 'every' : NONE;
    case 'scheme':
      return condition.values.includes('https') ? 'every' : NONE;
    default:
      return 'every';
  }
}

const isEmpty = (names: Names): boolean =>
  names !== 'every' && names.patterns.length === 0 && names.lists.length === 0;

/** Names of which every flow over CONNECT matches; null when none is sure. */
function surelyMatches(
  condition: Condition | null,
  ports: ConnectPorts,
): { patterns: Pattern[]; lists: string[] } | null {
  if (condition === null) return null;
  switch (condition.test) {
    case 'host':
      return { patterns: readPatterns(condition.patterns), lists: condition.lists };
    case 'any': {
      const parts = condition.of.flatMap(part => surelyMatches(part, ports) ?? []);
      return parts.length === 0
        ? null
        : { patterns: parts.flatMap(p => p.patterns), lists: parts.flatMap(p => p.lists) };
    }
    case 'all': {
      const open = condition.of.filter(part => !alwaysHolds(part, ports));
      const [only] = open;
      return only === undefined || open.length > 1 ? null : surelyMatches(only, ports);
    }
    default:
      return null;
  }
}

/** Whether a condition holds for every https flow that a browser brings by CONNECT. */
function alwaysHolds(condition: Condition, ports: ConnectPorts): boolean {
  switch (condition.test) {
    case 'scheme':
      return condition.values.includes('https');
    case 'ingress':
      return condition.values.includes('connect');
    case 'port':
      return ports.every(
        port => port !== 'any' && condition.ranges.some(([from, to]) => from <= port && port <= to),
      );
    default:
      return false;
  }
}

/** Bytes that patterns cost in the file: the name and a space, twice for a name with everything below. */
const bytesOf = (patterns: readonly Pattern[]): number =>
  patterns.reduce((n, p) => n + (p.name.length + 1) * (p.match === 'both' ? 2 : 1), 0);

/** Knows the direct names, and which names of other stages lie inside them or around them. */
class Sifter {
  readonly directOf = new Map<Stage, Pattern[]>();
  dropped = 0;
  readonly #policy: CompiledPolicy;
  readonly #limits: PacLimits;
  readonly #builder = new DomainSetBuilder();
  /** Every name above a direct one. */
  readonly #above = new Set<string>();
  #set: DomainSet | null = null;
  #room: number;
  #sifted = 0;
  #breath = 0;

  constructor(policy: CompiledPolicy, limits: PacLimits) {
    this.#policy = policy;
    this.#limits = limits;
    this.#room = limits.directBytes;
  }

  /** Takes in the names of a direct stage, as many as there is room for. */
  async index(stage: Stage): Promise<void> {
    const own: Pattern[] = [];
    for (const pattern of this.#all(stage)) {
      if (++this.#breath % BREATH === 0) await breathe();
      this.#room -= bytesOf([pattern]);
      if (this.#room < 0) {
        this.dropped++;
        continue;
      }
      own.push(pattern);
      this.#builder.add(pattern);
      for (let dot = pattern.name.indexOf('.'); dot >= 0; dot = pattern.name.indexOf('.', dot + 1))
        this.#above.add(pattern.name.slice(dot + 1));
    }
    this.directOf.set(stage, own);
  }

  /** The names of a stage that overlap with any direct one; null when there are too many names to look at. */
  async near(stage: Stage): Promise<Pattern[] | null> {
    this.#set ??= openDomainSet(this.#builder.finish());
    const sets = [this.#set];
    const near: Pattern[] = [];
    for (const pattern of this.#all(stage)) {
      if (++this.#sifted > this.#limits.maxSifted) return null;
      if (this.#sifted % BREATH === 0) await breathe();
      const meets =
        this.#set.kindOf(pattern.name) !== null ||
        coversPattern(sets, { name: pattern.name, match: 'exact' }) ||
        coversPattern(sets, { name: pattern.name, match: 'subdomains' }) ||
        (pattern.match !== 'exact' && this.#above.has(pattern.name));
      if (meets) near.push(pattern);
    }
    return near;
  }

  *#all(stage: Stage): Generator<Pattern> {
    yield* stage.names.patterns;
    for (const list of new Set(stage.names.lists)) yield* this.#policy.lists.get(list)?.set.patterns() ?? [];
  }
}
