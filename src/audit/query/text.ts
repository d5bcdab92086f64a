/**
 * Conditions on texts: the path of an exchange, its headers and bodies, and free text over all that can be found by words. Pure but for
 * `Look`. What the user wrote travels as bound values only.
 */
import { gramBits, hasGrams, RUN_BITS } from '../store/grams.ts';
import { SEEN } from '../store/layout.ts';
import { NEVER, onRows, or } from './condition.ts';
import { BODY_SIDES } from './ast.ts';
import { likeEscape, patternTest } from './fragment.ts';
import { blocksOf, found, idsCondition } from './look.ts';
import type { Kind, Pattern, Side, Words } from './ast.ts';
import type { Condition } from './condition.ts';
import type { Fragment } from './fragment.ts';
import type { Look } from './look.ts';
import type { Flags, Probe } from './sieve.ts';

/** Blocks in which the first row probes of a frequent pattern are made before all URLs are asked. */
const PROBES = 8;

/** Rows whose path fits a pattern, or (`other`) does not: only runs of URLs are read in which there can be some. */
export function pathCondition(pattern: Pattern, look: Look, other = false): Condition {
  const runs = runsOf(pattern, other, look);
  const like = tested({ sql: LIKE, params: [pattern.map(likeEscape).join('%')] }, other);
  const exact = tested(patternTest('u.path', pattern), other);
  const all = {
    sql: `SELECT u.id ${IN_RUNS} WHERE ${like.sql} UNION ALL SELECT u.id ${IN_RUNS} WHERE ${exact.sql}`,
    params: [JSON.stringify(runs.plain), ...like.params, JSON.stringify(runs.others), ...exact.params],
  };
  const condition = found({ columns: ['url'], ...all, dim: SEEN.url, firsts: 'url' }, look);
  const { sieve } = condition;
  if (look.whole === true || condition.blocks !== null || sieve.op !== 'ids') return condition;
  let known: Flags | null = null;
  const one = `SELECT 1 FROM url u WHERE u.id = ? AND ${exact.sql}`;
  const probe: Probe = {
    sql: `EXISTS (SELECT 1 FROM url u WHERE u.id = x.url AND ${exact.sql})`,
    params: exact.params,
    left: PROBES,
    known: () => known !== null,
    has: id => look.ids(one, [id, ...exact.params]).length > 0,
  };
  return { ...condition, sieve: { ...sieve, ids: () => (known ??= sieve.ids()), probe } };
}

const IN_RUNS = `FROM json_each(?) r CROSS JOIN url u ON u.id >= r.value << ${RUN_BITS} AND u.id < (r.value + 1) << ${RUN_BITS}`;
/** Half the price of patternTest, but blind behind a NUL byte. */
const LIKE = `u.path LIKE ? ESCAPE '\\'`;

const tested = ({ sql, params }: Fragment, other: boolean): Fragment => ({
  sql: other ? `NOT (${sql})` : sql,
  params,
});

/** Runs of URLs in which some can fit (or not fit), newest first: those without NUL bytes, and the others. */
function runsOf(pattern: Pattern, other: boolean, look: Look): { plain: number[]; others: number[] } {
  const newest = look.ids('SELECT max(id) FROM url', [])[0] ?? -1;
  const bits = other ? [] : pattern.flatMap(gramBits);
  const start = other && pattern.length === 2 && pattern[1] === '' ? pattern[0] : undefined;
  const without = new Set<number>();
  const plain = new Set<number>();
  for (const row of look.rows('SELECT run, bits, start FROM gram', []) as unknown as GramRow[])
    if (!hasGrams(row.bits, bits) || (start !== undefined && row.start.startsWith(start)))
      without.add(row.run);
    else if (!hasGrams(row.bits, NUL)) plain.add(row.run);
  // A run without a filter, as the newest one and those of an older version, may hold anything.
  const runs = Array.from({ length: (newest >> RUN_BITS) + 1 }, (_, i) => (newest >> RUN_BITS) - i);
  return {
    plain: runs.filter(run => plain.has(run)),
    others: runs.filter(run => !plain.has(run) && !without.has(run)),
  };
}

interface GramRow {
  run: number;
  bits: Uint8Array;
  start: string;
}
const NUL = gramBits('\0');

function urlTextCondition(match: string, look: Look): Condition {
  const sql = 'SELECT rowid FROM url_fts WHERE url_fts MATCH ?';
  return found({ columns: ['url'], sql, params: [match], dim: SEEN.url, firsts: 'url' }, look);
}

export function headerCondition(words: Words, look: Look): Condition {
  const match = matchOf(words);
  return or([blockCondition(match, look), restCondition(match, look)]);
}

function blockCondition(match: string, look: Look): Condition {
  const sql = 'SELECT rowid FROM block_fts WHERE block_fts MATCH ?';
  return found({ columns: ['req_block', 'res_block'], sql, params: [match], dim: SEEN.block }, look);
}

function restCondition(match: string, look: Look): Condition {
  const sql = 'SELECT rowid FROM rest_fts WHERE rest_fts MATCH ?';
  const columns = ['req_rest', 'res_rest'] as const;
  return found({ columns, sql, params: [match], dim: SEEN.rest, firsts: 'rest' }, look);
}

/** Rows whose bodies, of the sides that a field means, hold the words. */
export const bodyCondition = (sides: readonly Side[], words: Words, look: Look): Condition =>
  inBodies(sides, matchOf(words), look);

function inBodies(sides: readonly Side[], match: string, look: Look): Condition {
  const sql = 'SELECT rowid FROM body_fts WHERE body_fts MATCH ?';
  const columns = sides.map(side => `${side}_body` as const);
  return found({ columns, sql, params: [match], dim: SEEN.body }, look);
}

function hostTextCondition(match: string, look: Look): Condition {
  const ids = look.ids(
    'SELECT id FROM what WHERE host IN (SELECT rowid FROM host_fts WHERE host_fts MATCH ?)',
    [match],
  );
  return ids.length === 0 ? NEVER : idsCondition('what', ids, blocksOf(SEEN.what, ids, look));
}

/** Free text, in bodies too only when the asker may read them. */
export function freeCondition(kind: Kind, words: Words, bodies: boolean, look: Look): Condition {
  const match = matchOf(words);
  switch (kind) {
    case 'exchanges':
      return or([
        hostTextCondition(match, look),
        urlTextCondition(match, look),
        blockCondition(match, look),
        restCondition(match, look),
        ...(bodies ? [inBodies(BODY_SIDES.body, match, look)] : []),
      ]);
    case 'flows': {
      const ids = look.ids('SELECT rowid FROM lane_fts WHERE lane_fts MATCH ?', [match]);
      return ids.length === 0 ? NEVER : idsCondition('lane', ids, blocksOf(SEEN.lane, ids, look));
    }
    case 'events':
      // Few rows, no index: the text anywhere in name or details.
      return onRows(`instr(lower(x.name || ' ' || x.detail), lower(?)) > 0`, [words.text]);
  }
}

/** The full-text expression for a phrase: one quoted string, so that nothing in it is an operator. */
export function matchOf(words: Words): string {
  // NUL would end the expression; other controls separate words anyway.
  const quoted = `"${words.text.replace(/[\u0000-\u001f]/g, ' ').replaceAll('"', '""')}"`;
  return words.prefix ? `${quoted} *` : quoted;
}
