/**
 * What a rule or the default does with a flow: action, capture level, kind of block, and how an inspected flow is masked
 * and reaches its origin. A combination that could never have an effect is a problem, not a setting that is ignored: who
 * wrote it counts on it.
 */
import { BUILT_IN_PROFILES } from '../core/masking.ts';
import type { MaskingProfile } from '../core/masking.ts';
import { ACTIONS, TLS_PROFILES } from '../core/verdict.ts';
import type { Action, BlockKind, CaptureLevel } from '../core/verdict.ts';
import { DEFAULT_BLOCK, DEFAULT_CAPTURE } from './rule.ts';
import type { Outcome } from './rule.ts';
import { nearest } from './yaml-reader.ts';
import type { Place, YamlReader } from './yaml-reader.ts';

const CAPTURES: readonly CaptureLevel[] = ['flow', 'headers', 'bodies'];
const BLOCKS: readonly BlockKind[] = ['page', 'alert', 'reset'];

/** Keys of an outcome, in rules and in the default. */
export const OUTCOME_KEYS = ['action', 'capture', 'block', 'reason', 'mask', 'tls', 'parent'] as const;

/** What an outcome may refer to. */
export interface OutcomeNames {
  parents: ReadonlySet<string>;
  /** Masking profiles that the document names. */
  masking: Readonly<Record<string, MaskingProfile>>;
}

/** For which actions a key says anything. */
const ONLY_FOR: Partial<Record<(typeof OUTCOME_KEYS)[number], readonly Action[]>> = {
  mask: ['inspect'],
  tls: ['inspect'],
  parent: ['inspect', 'passthrough'],
};

/** The `default` of the document: an action, or a whole outcome. Without it everything is blocked. */
export function readDefault(reader: YamlReader, place: Place | undefined, known: OutcomeNames): Outcome {
  const block: Outcome = { action: 'block', capture: DEFAULT_CAPTURE, block: DEFAULT_BLOCK, reason: null };
  if (place === undefined) return block;
  if (!reader.isMapping(place)) {
    const action = reader.oneOf(place, ACTIONS);
    return action === null ? block : { ...block, action };
  }
  const entries = reader.mapping(place, OUTCOME_KEYS);
  if (entries === null) return block;
  const outcome = readOutcome(reader, place, entries, known);
  if (keepsOriginals(outcome.mask, known))
    reader.problem(
      entries.get('mask') ?? place,
      'the default cannot keep originals',
      'Write a rule that says for which flows they are needed.',
    );
  return outcome;
}

/** The outcome among the entries of a rule or the default; `owner` is where complaints about what is missing go. */
export function readOutcome(
  reader: YamlReader,
  owner: Place,
  entries: Map<string, Place>,
  known: OutcomeNames,
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
  const mask = one('mask', [...BUILT_IN_PROFILES, ...Object.keys(known.masking)]);
  const tls = one('tls', TLS_PROFILES);
  const parent = readParent(reader, entries.get('parent'), known.parents);
  const named = entries.get('mask');
  if (named !== undefined && keepsOriginals(mask, known) && reason === undefined)
    reader.problem(
      named,
      `${owner.path} stores unmasked originals and gives no reason`,
      'Add "reason:" to the rule; it stands in every record.',
    );
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

const keepsOriginals = (mask: string | null | undefined, { masking }: OutcomeNames): boolean =>
  typeof mask === 'string' && Object.hasOwn(masking, mask) && masking[mask]?.originals !== null;

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
