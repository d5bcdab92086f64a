/**
 * What differs between two policies: as lines of text (unified, as `diff -u` and git write it) and as changes of rules,
 * lists and answers in words. Pure.
 *
 * Bound: texts that differ in more than `MAX_EDITS` lines are told as one replaced block between their common beginning
 * and end; that is a valid difference, only not the shortest.
 */
import { isDeepStrictEqual } from 'node:util';
import { conditionText } from './condition.ts';
import type { MaskingProfile } from '../core/masking.ts';
import type { ListDelta } from './list-delta.ts';
import type { Outcome, ParentGroup, PolicyDocument, Rule } from './rule.ts';

/** What is known of a list's contents: digest of the compiled set, the number of its patterns, and the text if it was kept. */
export interface ListContents {
  digest: string;
  size: number;
  kept?: KeptText;
}

/** A list's text as it was, and the signature that lay beside its file. */
export interface KeptText {
  /** SHA-256 of the text, hex; its name among the kept texts (policy/versions-lists). */
  sha256: string;
  /** The signature file, where the list has to be signed. */
  signature?: string;
}

const MAX_EDITS = 1_000;
const CONTEXT = 3;
const MAX_CHANGES = 200;

type Edit = { kind: ' ' | '-' | '+'; line: string };

/** A unified diff; empty when the texts are equal. `from` and `to` name the sides. */
export function unifiedDiff(a: string, b: string, from: string, to: string): string {
  if (a === b) return '';
  const edits = editsOf(linesOf(a), linesOf(b));
  const out = [`--- ${from}`, `+++ ${to}`];
  for (const [start, end] of hunks(edits)) {
    const part = edits.slice(start, end);
    const before = edits.slice(0, start);
    const aStart = before.filter(e => e.kind !== '+').length;
    const bStart = before.filter(e => e.kind !== '-').length;
    const aCount = part.filter(e => e.kind !== '+').length;
    const bCount = part.filter(e => e.kind !== '-').length;
    out.push(`@@ -${range(aStart, aCount)} +${range(bStart, bCount)} @@`);
    for (const { kind, line } of part) out.push(kind + line);
  }
  return `${out.join('\n')}\n`;
}

function range(start: number, count: number): string {
  return `${count === 0 ? start : start + 1}${count === 1 ? '' : `,${count}`}`;
}

/** Lines without their ends; a last line without a newline is marked, as diff does. */
function linesOf(text: string): string[] {
  if (text === '') return [];
  if (text.endsWith('\n')) return text.slice(0, -1).split('\n');
  const lines = text.split('\n');
  lines.push(`${lines.pop() ?? ''}\n\\ No newline at end of file`);
  return lines;
}

function hunks(edits: readonly Edit[]): [number, number][] {
  const out: [number, number][] = [];
  for (const [i, { kind }] of edits.entries()) {
    if (kind === ' ') continue;
    const start = Math.max(0, i - CONTEXT);
    const end = Math.min(edits.length, i + 1 + CONTEXT);
    const last = out.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = end;
    else out.push([start, end]);
  }
  return out;
}

function editsOf(a: readonly string[], b: readonly string[]): Edit[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  )
    tail++;
  const same = (line: string): Edit => ({ kind: ' ', line });
  const left = a.slice(head, a.length - tail);
  const right = b.slice(head, b.length - tail);
  const middle = shortest(left, right) ?? [
    ...left.map((line): Edit => ({ kind: '-', line })),
    ...right.map((line): Edit => ({ kind: '+', line })),
  ];
  return [...a.slice(0, head).map(same), ...middle, ...a.slice(a.length - tail).map(same)];
}

/** Myers' greedy algorithm (1986) with the frontier of each step kept for the way back; null beyond MAX_EDITS. */
function shortest(a: readonly string[], b: readonly string[]): Edit[] | null {
  const most = Math.min(a.length + b.length, MAX_EDITS);
  const middle = most + 1;
  const furthest = new Int32Array(2 * most + 3);
  const trail: Int32Array[] = [];
  for (let d = 0; d <= most; d++) {
    trail.push(furthest.slice(middle - d - 1, middle + d + 2));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (furthest[middle + k - 1] ?? 0) < (furthest[middle + k + 1] ?? 0));
      let x = down ? (furthest[middle + k + 1] ?? 0) : (furthest[middle + k - 1] ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest[middle + k] = x;
      if (x >= a.length && x - k >= b.length) return wayBack(a, b, trail);
    }
  }
  return null;
}

function wayBack(a: readonly string[], b: readonly string[], trail: readonly Int32Array[]): Edit[] {
  const out: Edit[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = trail.length - 1; d >= 0; d--) {
    const row = trail[d] ?? new Int32Array(0);
    // Row d holds diagonals -d-1 … d+1.
    const at = (k: number): number => row[k + d + 1] ?? 0;
    const k = x - y;
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1));
    const fromK = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : at(fromK);
    const fromY = d === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY && x > 0 && y > 0 && a[x - 1] === b[y - 1]) {
      out.push({ kind: ' ', line: a[--x] ?? '' });
      y--;
    }
    if (d === 0) break;
    if (down) out.push({ kind: '+', line: b[--y] ?? '' });
    else out.push({ kind: '-', line: a[--x] ?? '' });
  }
  return out.reverse();
}

/** One policy to be compared with another. */
export interface Compared {
  document: PolicyDocument;
  lists: Readonly<Record<string, ListContents>>;
}

/**
 * Changes in words, in the order of the document; at most `MAX_CHANGES`, then a line that says how many more. `deltas`: what
 * differs in lists, where that is known.
 */
export function policyChanges(
  before: Compared,
  after: Compared,
  deltas: Readonly<Record<string, ListDelta>> = {},
): string[] {
  const out: string[] = [];
  const [a, b] = [before.document, after.document];
  if (!isDeepStrictEqual(a.default, b.default))
    out.push(`default: ${outcomeText(a.default)} → ${outcomeText(b.default)}`);
  for (const [doubt, answer] of Object.entries(b.doubt)) {
    const was = a.doubt[doubt as keyof typeof a.doubt];
    if (was !== answer) out.push(`doubt ${doubt}: ${was} → ${answer}`);
  }
  if (!isDeepStrictEqual(a.echFronts, b.echFronts))
    out.push(`ech-fronts: ${a.echFronts.join(', ')} → ${b.echFronts.join(', ')}`);
  const [was, is] = [a.parents ?? {}, b.parents ?? {}];
  for (const group of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const [before, after] = [was, is].map(p => (Object.hasOwn(p, group) ? groupText(p[group]) : undefined));
    if (before !== after) out.push(`parents ${group}: ${before ?? 'none'} → ${after ?? 'none'}`);
  }
  const profiles = [a.masking ?? {}, b.masking ?? {}] as const;
  for (const name of new Set(profiles.flatMap(p => Object.keys(p)))) {
    const [old, now] = profiles.map(p => (Object.hasOwn(p, name) ? p[name] : undefined));
    if (old === undefined) out.push(`masking ${name}: added`);
    else if (now === undefined) out.push(`masking ${name}: removed`);
    else if (!isDeepStrictEqual(old, now)) out.push(`masking ${name}: ${profileChanges(old, now)}`);
  }
  out.push(...listChanges(before, after, deltas), ...ruleChanges(a.rules, b.rules));
  if (out.length <= MAX_CHANGES) return out;
  return [...out.slice(0, MAX_CHANGES), `and ${out.length - MAX_CHANGES} more changes`];
}

function groupText(group: ParentGroup | undefined): string | undefined {
  if (group === undefined) return undefined;
  const manner = [
    ...(group.spread === undefined ? [] : [`spread by ${group.spread}`]),
    ...(group.login === undefined ? [] : [`credentials ${group.login}`]),
  ];
  return group.members.join(', ') + (manner.length === 0 ? '' : ` (${manner.join(', ')})`);
}

function listChanges(
  before: Compared,
  after: Compared,
  deltas: Readonly<Record<string, ListDelta>>,
): string[] {
  const out: string[] = [];
  for (const name of new Set([...Object.keys(before.lists), ...Object.keys(after.lists)])) {
    const was = Object.hasOwn(before.lists, name) ? before.lists[name] : undefined;
    const is = Object.hasOwn(after.lists, name) ? after.lists[name] : undefined;
    if (was === undefined) out.push(`list ${name}: added, ${is?.size ?? 0} names`);
    else if (is === undefined) out.push(`list ${name}: removed, ${was.size} names`);
    else if (was.digest !== is.digest) {
      const delta = Object.hasOwn(deltas, name) ? deltas[name] : undefined;
      out.push(`list ${name}: ${contentsText(was.size, is.size, delta)}`);
    }
  }
  return out;
}

/** Which parts of a profile changed, with their values while these are short. */
function profileChanges(was: MaskingProfile, is: MaskingProfile): string {
  const keys = Object.keys(is) as (keyof MaskingProfile)[];
  return keys
    .filter(key => !isDeepStrictEqual(was[key], is[key]))
    .map(key => `${key} ${few([JSON.stringify(was[key])])} → ${few([JSON.stringify(is[key])])}`)
    .join(', ');
}

function contentsText(was: number, is: number, delta: ListDelta | undefined): string {
  const sizes = `${was} → ${is} names`;
  if (delta === undefined) return `other contents, ${sizes}`;
  const more = delta.added + delta.removed - delta.sample.length;
  const names = [...delta.sample, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
  return `${delta.added} added, ${delta.removed} removed, ${sizes}: ${names}`;
}

function ruleChanges(before: readonly Rule[], after: readonly Rule[]): string[] {
  const out: string[] = [];
  const old = new Map(before.map(r => [r.name, r]));
  const now = new Map(after.map(r => [r.name, r]));
  for (const rule of before) if (!now.has(rule.name)) out.push(`rule "${rule.name}": removed`);
  for (const [i, rule] of after.entries()) {
    const was = old.get(rule.name);
    if (was === undefined) out.push(`rule "${rule.name}": added at place ${i + 1}, ${outcomeText(rule)}`);
    else out.push(...changesOf(was, rule).map(text => `rule "${rule.name}": ${text}`));
  }
  // Of the rules in both, those whose neighbours changed order: first match decides, so order is meaning.
  const kept = before.filter(r => now.has(r.name)).map(r => r.name);
  const places = after.filter(r => old.has(r.name)).map(r => r.name);
  if (!isDeepStrictEqual(kept, places)) out.push(`order of rules: ${few(kept)} → ${few(places)}`);
  return out;
}

function changesOf(was: Rule, is: Rule): string[] {
  const out: string[] = [];
  if (outcomeText(was) !== outcomeText(is)) out.push(`${outcomeText(was)} → ${outcomeText(is)}`);
  if (!isDeepStrictEqual(was.when, is.when))
    out.push(
      `when ${was.when === null ? 'always' : conditionText(was.when)} → ${is.when === null ? 'always' : conditionText(is.when)}`,
    );
  for (const [key, value] of Object.entries(is)) {
    if (TOLD.has(key) || isDeepStrictEqual((was as unknown as Record<string, unknown>)[key], value)) continue;
    out.push(`${key} changed`);
  }
  for (const key of Object.keys(was)) if (!(key in is)) out.push(`${key} removed`);
  return out;
}

/** Keys that the texts above speak of. */
const TOLD: ReadonlySet<string> = new Set([
  'name',
  'when',
  'action',
  'capture',
  'block',
  'mask',
  'tls',
  'parent',
]);

function outcomeText(o: Outcome): string {
  if (o.action === 'block') return `block (${o.block})`;
  const more = [
    o.mask === undefined ? '' : `, mask ${o.mask}`,
    o.tls === undefined ? '' : `, tls ${o.tls}`,
    o.parent === undefined ? '' : `, parent ${o.parent}`,
  ];
  return `${o.action} (${o.capture}${more.join('')})`;
}

function few(names: readonly string[]): string {
  return names.length <= 12 ? names.join(', ') : `${names.slice(0, 12).join(', ')} …`;
}
