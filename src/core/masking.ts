/**
 * The words of masking: which detectors there are, what a profile may say, and how a record tells what was masked. Plain
 * data, because a profile is written in the policy document, checked there, carried to the workers in the snapshot, and
 * applied by `capture/mask`.
 */

/** Detectors that can be switched by name. National numbers are switched by set, patterns by being there. */
export const DETECTORS = ['headers', 'query', 'form', 'json', 'card', 'iban', 'token'] as const;
export type Detector = (typeof DETECTORS)[number];

/** Sets of national numbers; docs/masking.md says what each one is and how it is checked. */
export const NATIONAL_SETS = [
  'at-svnr',
  'be-nrn',
  'br-cpf',
  'ch-ahv',
  'de-idnr',
  'dk-cpr',
  'es-dni',
  'fi-hetu',
  'fr-nir',
  'it-cf',
  'nl-bsn',
  'no-fnr',
  'pl-pesel',
  'se-pnr',
  'uk-nino',
  'us-ssn',
] as const;
export type NationalSet = (typeof NATIONAL_SETS)[number];

/** Names of the profiles that every policy has. */
export const BUILT_IN_PROFILES = ['standard', 'strict'] as const;

/** One profile, complete: what the policy document leaves out is filled in from `standard`. */
export interface MaskingProfile {
  /** The built-in profile it starts from; `strict` masks heads and queries whole and never stores what it cannot read. */
  basedOn: 'standard' | 'strict';
  detectors: readonly Detector[];
  national: readonly NationalSet[];
  /** Further names, lower case: header fields, query keys, names in forms and JSON. */
  headers: readonly string[];
  query: readonly string[];
  fields: readonly string[];
  /** Further patterns by name, in the subset of core/mask-pattern. */
  patterns: Readonly<Record<string, string>>;
  /** What happens to a binary body that is a file (picture, archive, document): stored as it came, or withheld. */
  binary: 'files' | 'withhold';
  /** Set: nothing is masked, for the reason it gives. */
  originals: string | null;
}

export const STANDARD_PROFILE: MaskingProfile = {
  basedOn: 'standard',
  detectors: DETECTORS,
  national: [],
  headers: [],
  query: [],
  fields: [],
  patterns: {},
  binary: 'files',
  originals: null,
};

export const STRICT_PROFILE: MaskingProfile = {
  ...STANDARD_PROFILE,
  basedOn: 'strict',
  national: NATIONAL_SETS,
  binary: 'withhold',
};

/** Where something was masked. */
export const MASK_PLACES = ['path', 'req-head', 'res-head', 'req-body', 'res-body'] as const;
export type MaskPlace = (typeof MASK_PLACES)[number];

/** One line of what was masked in an exchange. */
export interface MaskedItem {
  where: MaskPlace;
  /** A detector, a national set, `pattern:<name>`, `cut` (an end that may be part of a number), `originals` (kept). */
  what: string;
  /** How often, at most `MAX_COUNT`. */
  count: number;
}

/** Beyond it counts are no longer told apart, so that few different texts stand in the store. */
export const MAX_COUNT = 99;

/** Most items a record names: five places with every detector, set and pattern would be more than anybody reads. */
export const MAX_ITEMS = 64;

/**
 * What was masked, as one line: `req-head:headers=2 req-body:card=1`. Bounded by `MAX_ITEMS` entries. It is how records
 * and rows carry it, because the same line repeats for thousands of exchanges.
 */
export function maskedText(items: readonly MaskedItem[]): string {
  return items
    .slice(0, MAX_ITEMS)
    .map(({ where, what, count }) => `${where}:${what}=${Math.min(count, MAX_COUNT)}`)
    .join(' ');
}

/** Inverse of `maskedText`. What does not read as an item is left out: rows of later versions may say more. */
export function maskedItems(text: string | null): MaskedItem[] {
  if (text === null || text === '') return [];
  return text.split(' ', MAX_ITEMS).flatMap(part => {
    const m = /^([a-z-]+):(.+)=(\d+)$/.exec(part);
    const where = MASK_PLACES.find(place => place === m?.[1]);
    return where === undefined || m === null ? [] : [{ where, what: m[2] ?? '', count: Number(m[3]) }];
  });
}

/**
 * In which form a captured body is stored. Absent in a record: `raw`, as it was on the wire.
 * `masked`: with masks in place of what was found; `decoded`: so, and without its content coding; the others are not
 * stored: `coding` cannot be decoded here, `size` decodes to more than is looked at, `binary` cannot be read,
 * `broken` does not decode.
 */
export const BODY_FORMS = ['raw', 'masked', 'decoded', 'coding', 'size', 'binary', 'broken'] as const;
export type BodyForm = (typeof BODY_FORMS)[number];

/** Forms in which a body is not stored although the capture level asked for it. */
export const WITHHELD: ReadonlySet<BodyForm> = new Set(['coding', 'size', 'binary', 'broken']);
