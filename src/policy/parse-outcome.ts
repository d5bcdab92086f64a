/**
 * What a rule or the default does with a flow: action, capture level, kind of block, and how an inspected flow is masked
 * and reaches its origin. A combination that could never have an effect is a problem, not a setting that is ignored: who
 * wrote it counts on it.
 */
import { ACTIONS, MASK_PROFILES, TLS_PROFILES } from '../core/verdict.ts';
import type { Action, BlockKind, CaptureLevel } from '../core/verdict.ts';
import { DEFAULT_BLOCK, DEFAULT_CAPTURE } from './rule.ts';
import type { Outcome } from './rule.ts';
import { nearest } from './yaml-reader.ts';
import type { Place, YamlReader } from './yaml-reader.ts';

const CAPTURES: readonly CaptureLevel[] = ['flow', 'headers', 'bodies'];
const BLOCKS: readonly BlockKind[] = ['page', 'alert', 'reset'];

/** Keys of an outcome, in rules and in the default. */
export const OUTCOME_KEYS = ['action', 'capture', 'block', 'reason', 'mask', 'tls', 'parent'] as const;

/** For which actions a key says anything. */
const ONLY_FOR: Partial<Record<(typeof OUTCOME_KEYS)[number], readonly Action[]>> = {
  mask: ['inspect'],
  tls: ['inspect'],
  parent: ['inspect', 'passthrough'],
};

/** The `default` of the document: an action, or a whole outcome. Without it everything is blocked. */
export function readDefault(
  reader: YamlReader,
  place: Place | undefined,
  parents: ReadonlySet<string>,
): Outcome {
  const block: Outcome = { action: 'block', capture: DEFAULT_CAPTURE, block: DEFAULT_BLOCK, reason: null };
  if (place === undefined) return block;
  if (!reader.isMapping(place)) {
    const action = reader.oneOf(place, ACTIONS);
    return action === null ? block : { ...block, action };
  }
  const entries = reader.mapping(place, OUTCOME_KEYS);
  return entries === null ? block : readOutcome(reader, place, entries, parents);
}

/** The outcome among the entries of a rule or the default; `owner` is where complaints about what is missing go. */
export function readOutcome(
  reader: YamlReader,
  owner: Place,
  entries: Map<string, Place>,
  parents: ReadonlySet<string>,
): Outcome {
  const one = <T extends string>(key: string, words: readonly T[]): T | null => {
    const place = entries.get(key);
    return place === undefined ? null : reader.oneOf(place, words);
  };
  const reason = entries.get('reason');
  if (!entries.has('action'))
    reader.problem(owner, `${owner.path} has no action`, `Add "action:" with one of ${ACTIONS.join(', ')}.`);
  const action = one('action', ACTIONS);
  if (action !== null) refuseIdle(reader, action, entries);
  const mask = one('mask', MASK_PROFILES);
  const tls = one('tls', TLS_PROFILES);
  const parent = readParent(reader, entries.get('parent'), parents);
  return {
    action: action ?? 'block',
    capture: one('capture', CAPTURES) ?? DEFAULT_CAPTURE,
    block: one('block', BLOCKS) ?? DEFAULT_BLOCK,
    reason: reason === undefined ? null : sentence(reader, reason),
    ...(mask === null ? {} : { mask }),
    ...(tls === null ? {} : { tls }),
    ...(parent === null ? {} : { parent }),
  };
}

function readParent(
  reader: YamlReader,
  place: Place | undefined,
  parents: ReadonlySet<string>,
): string | null {
  const group = place === undefined ? null : reader.text(place);
  if (place === undefined || group === null || parents.has(group)) return group;
  const near = nearest(group, [...parents]);
  reader.problem(
    place,
    `there is no parent group "${group}"`,
    near === null ? 'Name its proxies under "parents".' : `Did you mean "${near}"?`,
  );
  return null;
}

function refuseIdle(reader: YamlReader, action: Action, entries: Map<string, Place>): void {
  for (const [key, actions] of Object.entries(ONLY_FOR)) {
    const place = entries.get(key);
    if (place !== undefined && !actions.includes(action))
      reader.problem(
        place,
        `"${key}" means nothing for what is ${action === 'block' ? 'blocked' : 'passed through'}`,
        `Leave it out, or use ${actions.join(' or ')}.`,
      );
  }
}

/** Free text that ends in records and on pages: one line, bounded. */
export function sentence(reader: YamlReader, place: Place): string | null {
  const text = reader.text(place)?.trim() ?? null;
  if (text === null || text === '') return null;
  if (text.length > 500) {
    reader.problem(place, `${place.path} is longer than 500 characters`);
    return null;
  }
  return text.replace(/\s+/g, ' ');
}
