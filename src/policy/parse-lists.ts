/**
 * The `lists` of a policy document: where each named list comes from. Inline patterns are checked here; files, URLs and
 * what is learned are only named, and read by policy/load and policy/sources.
 *
 * Bounds: 1,000 lists, 100,000 inline domains per list (more belongs into a file), 8 signing keys per list.
 */
import { parseSigningKey } from './minisign.ts';
import { parsePattern, patternText } from './pattern.ts';
import { LEARNED_KINDS } from './rule.ts';
import type { ListSource, SignedBy } from './rule.ts';
import type { Place, YamlReader } from './yaml-reader.ts';

const MAX_LISTS = 1_000;
const MAX_INLINE = 100_000;
/** List names appear as `list:NAME` and as file names of exports. */
const LIST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Read all lists; `lines` holds the place of each. */
export function readLists(
  reader: YamlReader,
  place: Place | undefined,
): { sources: Record<string, ListSource>; lines: Record<string, number> } {
  const sources: Record<string, ListSource> = {};
  const lines: Record<string, number> = {};
  const entries = place === undefined ? null : reader.mapping(place, null);
  if (entries === null) return { sources, lines };
  if (entries.size > MAX_LISTS && place !== undefined) reader.problem(place, `more than ${MAX_LISTS} lists`);
  for (const [name, item] of entries) {
    if (!LIST_NAME.test(name)) {
      reader.problem(
        item.offset,
        `"${name}" is no usable list name`,
        'Use letters, digits, dot, dash and underscore.',
      );
      continue;
    }
    lines[name] = reader.position({ ...item, node: null }).line;
    const source = readList(reader, item);
    if (source !== null && source.kind !== 'learned' && isDirect(reader, item)) source.pac = 'direct';
    // Even a broken list is known, so that rules which name it do not add problems of their own.
    sources[name] = source ?? { kind: 'inline', domains: [], allowPublicSuffix: false };
  }
  return { sources, lines };
}

/** `pac: direct`. A learned list cannot say so: traffic would decide what is never seen again. */
function isDirect(reader: YamlReader, place: Place): boolean {
  const pac = reader.mapping(place, null)?.get('pac');
  return pac !== undefined && reader.oneOf(pac, ['direct', 'proxy'] as const) === 'direct';
}

const SOURCES = ['file', 'domains', 'url', 'learned'] as const;
/** Keys that belong to one kind of source. */
const KEYS: Record<(typeof SOURCES)[number], readonly string[]> = {
  file: ['allow-public-suffix', 'signed-by', 'signature', 'pac'],
  domains: ['allow-public-suffix', 'pac'],
  url: ['allow-public-suffix', 'pac', 'refresh', 'sha256', 'max-size', 'format', 'signed-by', 'signature'],
  learned: ['min-clients', 'within', 'refresh'],
};

function readList(reader: YamlReader, place: Place): ListSource | null {
  const entries = reader.mapping(place, [...SOURCES, ...new Set(Object.values(KEYS).flat())]);
  if (entries === null) return null;
  const sources = SOURCES.filter(key => entries.has(key));
  const [source] = sources;
  if (source === undefined || sources.length > 1) {
    reader.problem(
      place,
      `${place.path} needs one of "file", "domains", "url" and "learned"`,
      'A list has exactly one source.',
    );
    return null;
  }
  for (const [key, item] of entries)
    if (key !== source && !KEYS[source].includes(key))
      reader.problem(item, `"${key}" means nothing for a list from "${source}"`, 'Leave it out.');
  const at = entries.get(source);
  if (at === undefined) return null;
  const flag = entries.get('allow-public-suffix');
  const allowPublicSuffix = (flag === undefined ? null : reader.flag(flag)) ?? false;
  switch (source) {
    case 'file':
      return readFileSource(reader, at, entries, allowPublicSuffix);
    case 'domains':
      return readInline(reader, at, allowPublicSuffix);
    case 'url':
      return readUrl(reader, at, entries, allowPublicSuffix);
    case 'learned': {
      const what = reader.oneOf(at, LEARNED_KINDS);
      return what === null
        ? null
        : {
            kind: 'learned',
            what,
            minClients: number(reader, entries.get('min-clients'), COUNT, 5),
            within: number(reader, entries.get('within'), DURATION, 30 * DAY_MS),
            refresh: number(reader, entries.get('refresh'), DURATION, DAY_MS),
            allowPublicSuffix: false,
          };
    }
  }
}

function readFileSource(
  reader: YamlReader,
  place: Place,
  entries: ReadonlyMap<string, Place>,
  allowPublicSuffix: boolean,
): ListSource | null {
  const path = reader.text(place);
  if (path === null) return null;
  if (path === '' || path.includes('\0')) {
    reader.problem(place, 'the path of the list is empty');
    return null;
  }
  const signed = readSigned(reader, entries);
  const at = entries.get('signature');
  if (at !== undefined && (signed?.at === '' || signed?.at?.includes('\0') === true))
    reader.problem(at, 'the path of the signature is empty');
  return { kind: 'file', file: path, allowPublicSuffix, ...(signed === null ? {} : { signed }) };
}

/** `signed-by` and `signature`; null when nobody needs to have signed the list. */
function readSigned(reader: YamlReader, entries: ReadonlyMap<string, Place>): SignedBy | null {
  const by = entries.get('signed-by');
  const where = entries.get('signature');
  if (by === undefined) {
    if (where !== undefined)
      reader.problem(
        where,
        '"signature" means nothing without "signed-by"',
        'Name the public key of who signs the list.',
      );
    return null;
  }
  const items = reader.items(by);
  if (items.length === 0 || items.length > MAX_KEYS)
    reader.problem(by, `"signed-by" needs one key, or up to ${MAX_KEYS}`, KEY_HINT);
  const keys: string[] = [];
  for (const item of items) {
    const text = reader.text(item);
    if (text === null) continue;
    if (parseSigningKey(text) === null)
      reader.problem(item, `"${text.slice(0, 80)}" is no public key of minisign`, KEY_HINT);
    keys.push(text);
  }
  return { keys, at: where === undefined ? null : reader.text(where) };
}

const MAX_KEYS = 8;
const KEY_HINT = 'Write the second line of its minisign.pub: 56 characters that begin with RW.';

function readInline(reader: YamlReader, place: Place, allowPublicSuffix: boolean): ListSource | null {
  const items = reader.items(place);
  if (items.length > MAX_INLINE) {
    reader.problem(place, `more than ${MAX_INLINE} domains in the document`, 'Put them into a file.');
    return null;
  }
  const patterns: string[] = [];
  for (const item of items) {
    const text = reader.text(item);
    if (text === null) continue;
    const parsed = parsePattern(text, { allowPublicSuffix });
    if (parsed.ok) patterns.push(patternText(parsed.ok));
    else
      reader.problem(
        item,
        `"${text}": ${parsed.error}`,
        'Set "allow-public-suffix: true" if a suffix is meant.',
      );
  }
  return { kind: 'inline', domains: patterns, allowPublicSuffix };
}

function readUrl(
  reader: YamlReader,
  place: Place,
  entries: ReadonlyMap<string, Place>,
  allowPublicSuffix: boolean,
): ListSource | null {
  const text = reader.text(place);
  if (text === null) return null;
  const digestAt = entries.get('sha256');
  const digest = digestAt === undefined ? null : (reader.text(digestAt)?.toLowerCase() ?? null);
  if (digestAt !== undefined && digest !== null && !/^[0-9a-f]{64}$/.test(digest))
    reader.problem(digestAt, `"${digest}" is no SHA-256`, 'Write its 64 hexadecimal digits.');
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== '' || url.password !== '')
    reader.problem(
      place,
      `"${text}" is no usable URL`,
      'Write https://host/path, without user and password.',
    );
  else if (url.protocol !== 'https:' && !(url.protocol === 'http:' && digest !== null))
    reader.problem(
      place,
      'a list is fetched by https, or by http when its sha256 is given',
      'Anybody on the way could change it otherwise.',
    );
  const format = entries.get('format');
  const signed = readSigned(reader, entries);
  const signature = entries.get('signature');
  if (signature !== undefined && signed !== null && signed.at !== null) {
    const at = URL.canParse(signed.at) ? new URL(signed.at) : null;
    const fits = at?.protocol === 'https:' || at?.protocol === url?.protocol;
    if (at === null || at.username !== '' || at.password !== '' || !fits)
      reader.problem(
        signature,
        `"${signed.at}" is no usable URL`,
        'Write https://host/path, without user and password.',
      );
    else signed.at = at.href;
  }
  return {
    kind: 'url',
    url: url?.href ?? text,
    refresh: number(reader, entries.get('refresh'), DURATION, DAY_MS),
    sha256: digest,
    maxSize: number(reader, entries.get('max-size'), SIZE, 64 * MIB),
    format: format === undefined ? null : reader.text(format),
    allowPublicSuffix,
    ...(signed === null ? {} : { signed }),
  };
}

/** How a number is written: its form, what its unit multiplies, and its bounds. */
interface Measure {
  form: RegExp;
  units: Readonly<Record<string, number>>;
  min: number;
  max: number;
  hint: string;
}

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
const DURATION: Measure = {
  form: /^(\d{1,6})(m|h|d)$/,
  units: { m: 60_000, h: 3_600_000, d: DAY_MS },
  min: 60_000,
  max: 3650 * DAY_MS,
  hint: 'Write 30m, 12h or 7d; a minute at least.',
};
const SIZE: Measure = {
  form: /^(\d{1,6})(KiB|MiB|GiB)$/,
  units: { KiB: 1024, MiB: MIB, GiB: 1024 * MIB },
  min: 1024,
  max: 4 * 1024 * MIB,
  hint: 'Write 64MiB; 4GiB at most.',
};
const COUNT: Measure = {
  form: /^(\d{1,6})()$/,
  units: { '': 1 },
  min: 1,
  max: 100_000,
  hint: 'Write a number.',
};

function number(reader: YamlReader, place: Place | undefined, measure: Measure, fallback: number): number {
  const text = place === undefined ? null : reader.text(place);
  if (place === undefined || text === null) return fallback;
  const m = measure.form.exec(text);
  const value = m === null ? NaN : Number(m[1]) * (measure.units[m[2] ?? ''] ?? NaN);
  if (value >= measure.min && value <= measure.max) return value;
  reader.problem(place, `${place.path} cannot be "${text}"`, measure.hint);
  return fallback;
}
