/**
 * The `masking` of a policy document: named profiles that say what is masked before an exchange is recorded. What a profile
 * leaves out is as in the one it is based on. `originals: keep` is the only way to have unmasked originals stored; it
 * stands alone, with a reason, and only a rule with a reason of its own may use it (parse-outcome).
 *
 * Bounds: 100 profiles; 200 names of a kind and 16 patterns in each.
 */
import { DETECTORS, NATIONAL_SETS, STANDARD_PROFILE, STRICT_PROFILE } from '../core/masking.ts';
import { BUILT_IN_PROFILES } from '../core/masking.ts';
import type { MaskingProfile, NationalSet } from '../core/masking.ts';
import { readPattern } from '../core/mask-pattern.ts';
import { sentence } from './parse-outcome.ts';
import type { Place, YamlReader } from './yaml-reader.ts';

const MAX_PROFILES = 100;
const MAX_NAMES = 200;
const MAX_PATTERNS = 16;
const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const PATTERN_NAME = /^[a-z0-9][a-z0-9-]{0,29}$/;

const KEYS = [
  'based-on',
  'off',
  'national',
  'headers',
  'query',
  'fields',
  'patterns',
  'binary',
  'originals',
  'reason',
] as const;

/** Profiles by name. One with problems is there, so that rules which name it add none of their own. */
export function readMasking(reader: YamlReader, place: Place | undefined): Record<string, MaskingProfile> {
  const profiles: Record<string, MaskingProfile> = {};
  const entries = place === undefined ? null : reader.mapping(place, null);
  if (entries === null || place === undefined) return profiles;
  if (entries.size > MAX_PROFILES) reader.problem(place, `more than ${MAX_PROFILES} masking profiles`);
  for (const [name, item] of entries) {
    if (BUILT_IN_PROFILES.some(builtIn => builtIn === name))
      reader.problem(
        item.offset,
        `"${name}" is built in`,
        'Give the profile a name of its own and say "based-on".',
      );
    else if (!PROFILE_NAME.test(name))
      reader.problem(
        item.offset,
        `"${name}" is no usable profile name`,
        'Use letters, digits, dot, dash and underscore.',
      );
    else profiles[name] = readProfile(reader, item);
  }
  return profiles;
}

function readProfile(reader: YamlReader, place: Place): MaskingProfile {
  const entries = reader.mapping(place, KEYS);
  if (entries === null) return STRICT_PROFILE;
  const base = entries.get('based-on');
  const basedOn = base === undefined ? null : reader.oneOf(base, BUILT_IN_PROFILES);
  const from = basedOn === 'strict' ? STRICT_PROFILE : STANDARD_PROFILE;
  const off = new Set(words(reader, entries.get('off'), DETECTORS));
  const national = entries.get('national');
  const binary = entries.get('binary');
  const names = (key: 'headers' | 'query' | 'fields'): string[] => readNames(reader, entries.get(key));
  return {
    basedOn: from.basedOn,
    detectors: from.detectors.filter(detector => !off.has(detector)),
    national: national === undefined ? from.national : readNational(reader, national),
    headers: names('headers'),
    query: names('query'),
    fields: names('fields'),
    patterns: readPatterns(reader, entries.get('patterns')),
    binary:
      (binary === undefined ? null : reader.oneOf(binary, ['files', 'withhold'] as const)) ?? from.binary,
    originals: readOriginals(reader, place, entries),
  };
}

/** Unmasked originals: nothing else in the profile could then mean anything. */
function readOriginals(reader: YamlReader, owner: Place, entries: Map<string, Place>): string | null {
  const originals = entries.get('originals');
  const reason = entries.get('reason');
  const why = reason === undefined ? null : sentence(reader, reason);
  if (originals === undefined) return null;
  if (reader.oneOf(originals, ['keep'] as const) === null) return null;
  for (const [key, place] of entries)
    if (key !== 'originals' && key !== 'reason')
      reader.problem(
        place,
        `"${key}" means nothing beside "originals: keep"`,
        'Nothing is masked by this profile.',
      );
  if (why === null)
    reader.problem(
      owner,
      `${owner.path} keeps originals without a reason`,
      'Add "reason:" with why unmasked originals must be stored; whoever reviews the policy sees it.',
    );
  return why ?? 'no reason';
}

function readNational(reader: YamlReader, place: Place): NationalSet[] {
  if (!reader.isSequence(place) && reader.isEmpty(place)) return [];
  const all = reader.isSequence(place) ? null : reader.maybeWord(place);
  if (all === 'all') return [...NATIONAL_SETS];
  if (all === 'none') return [];
  return words(reader, place, NATIONAL_SETS);
}

function words<T extends string>(reader: YamlReader, place: Place | undefined, known: readonly T[]): T[] {
  if (place === undefined || reader.isEmpty(place)) return [];
  const found = reader.items(place).flatMap(item => reader.oneOf(item, known) ?? []);
  return [...new Set(found)];
}

function readNames(reader: YamlReader, place: Place | undefined): string[] {
  if (place === undefined || reader.isEmpty(place)) return [];
  const items = reader.items(place);
  if (items.length > MAX_NAMES) reader.problem(place, `more than ${MAX_NAMES} names in ${place.path}`);
  return items.slice(0, MAX_NAMES).flatMap(item => {
    const text = reader.text(item);
    if (text === null) return [];
    if (/^[^\s=&:"<>]{1,128}$/.test(text)) return [text.toLowerCase()];
    reader.problem(item, `"${text}" is no name of a field`, 'Name one field, without its value.');
    return [];
  });
}

function readPatterns(reader: YamlReader, place: Place | undefined): Record<string, string> {
  const patterns: Record<string, string> = {};
  const entries = place === undefined || reader.isEmpty(place) ? null : reader.mapping(place, null);
  if (entries === null || place === undefined) return patterns;
  if (entries.size > MAX_PATTERNS) reader.problem(place, `more than ${MAX_PATTERNS} patterns in one profile`);
  for (const [name, item] of [...entries].slice(0, MAX_PATTERNS)) {
    const text = reader.text(item);
    if (text === null) continue;
    const read = readPattern(text);
    if (!PATTERN_NAME.test(name))
      reader.problem(
        item.offset,
        `"${name}" is no usable name of a pattern`,
        'Up to 30 lower-case letters, digits and dashes: it stands in the mark.',
      );
    else if (!read.ok) reader.problem(item, `the pattern "${name}" ${read.problem}`, read.hint);
    else patterns[name] = text;
  }
  return patterns;
}
