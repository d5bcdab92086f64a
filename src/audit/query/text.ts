/**
 * Conditions on texts: the path of an exchange, its headers and bodies, and free text over all that can be found by words. Pure but for
 * `Look`. What the user wrote travels as bound values only.
 */
import { gramBits, hasGrams, RUN_BITS } from '../store/grams.ts';
import { SEEN } from '../store/layout.ts';
import { NEVER, onRows, or } from './condition.ts';
import { patternTest } from './fragment.ts';
import { blocksOf, found, idsCondition, MAX_IDS } from './look.ts';
import { BODY_SIDES } from './ast.ts';
import type { Kind, Pattern, Side, Words } from './ast.ts';
import type { Condition } from './condition.ts';
import type { Look } from './look.ts';
import type { Flags, Probe } from './sieve.ts';

/** Blocks in which the first row probes of a frequent pattern are made before all URLs are asked. */
const PROBES = 8;

/** Rows whose path fits a pattern: only runs of URLs are read whose filter lets all pieces through. */
export function pathCondition(pattern: Pattern, look: Look): Condition {
  const test = patternTest('u.path', pattern);
  const where = `FROM json_each(?) r CROSS JOIN url u ON u.id >= r.value << ${RUN_BITS} AND u.id < (r.value + 1) << ${RUN_BITS} WHERE ${test.sql}`;
  const runs = JSON.stringify(runsOf(pattern, look));
  const params = [runs, ...test.params];
  const rows = look.rows(`SELECT u.id, u.first ${where} LIMIT ${MAX_IDS + 1}`, params);
  const condition = found(['url'], rows, { sql: `SELECT u.id ${where}`, params }, SEEN.url, look);
  const { sieve } = condition;
  if (rows.length <= MAX_IDS || sieve.op !== 'ids') return condition;
  let known: Flags | null = null;
  const one = `SELECT 1 FROM url u WHERE u.id = ? AND ${test.sql}`;
  const probe: Probe = {
    sql: `EXISTS (SELECT 1 FROM url u WHERE u.id = x.url AND ${test.sql})`,
    params: test.params,
    left: PROBES,
    known: () => known !== null,
    has: id => look.ids(one, [id, ...test.params]).length > 0,
  };
  return { ...condition, sieve: { ...sieve, ids: () => (known ??= sieve.ids()), probe } };
}

/** Runs of URLs in which the pieces of a pattern may occur, newest first. */
function runsOf(pattern: Pattern, look: Look): number[] {
  const newest = (look.rows('SELECT max(id) AS id FROM url', [])[0]?.['id'] ?? -1) as number;
  const runs = Array.from({ length: (newest >> RUN_BITS) + 1 }, (_, i) => (newest >> RUN_BITS) - i);
  const bits = pattern.flatMap(gramBits);
  if (bits.length === 0) return runs;
  const without = new Set<number>();
  // A run without a filter, as the newest one and those of an older version, may hold anything.
  for (const row of look.rows('SELECT run, bits FROM gram', []))
    if (!hasGrams(row['bits'] as Uint8Array, bits)) without.add(row['run'] as number);
  return runs.filter(run => !without.has(run));
}

function urlTextCondition(match: string, look: Look): Condition {
  const all = { sql: 'SELECT rowid FROM url_fts WHERE url_fts MATCH ?', params: [match] };
  const rows = look.rows(
    `SELECT id, first FROM url WHERE id IN (SELECT rowid FROM url_fts WHERE url_fts MATCH ? LIMIT ${MAX_IDS + 1})`,
    [match],
  );
  return found(['url'], rows, all, SEEN.url, look);
}

export function headerCondition(words: Words, look: Look): Condition {
  const match = matchOf(words);
  return or([blockCondition(match, look), restCondition(match, look)]);
}

function blockCondition(match: string, look: Look): Condition {
  const all = { sql: 'SELECT rowid FROM block_fts WHERE block_fts MATCH ?', params: [match] };
  const rows = look.rows(
    `SELECT rowid AS id FROM block_fts WHERE block_fts MATCH ? LIMIT ${MAX_IDS + 1}`,
    all.params,
  );
  return found(['req_block', 'res_block'], rows, all, SEEN.block, look);
}

function restCondition(match: string, look: Look): Condition {
  const all = { sql: 'SELECT rowid FROM rest_fts WHERE rest_fts MATCH ?', params: [match] };
  const rows = look.rows(
    `SELECT id, first FROM rest WHERE id IN (SELECT rowid FROM rest_fts WHERE rest_fts MATCH ? LIMIT ${MAX_IDS + 1})`,
    all.params,
  );
  return found(['req_rest', 'res_rest'], rows, all, SEEN.rest, look);
}

/** Rows whose bodies, of the sides that a field means, hold the words. */
export const bodyCondition = (sides: readonly Side[], words: Words, look: Look): Condition =>
  inBodies(sides, matchOf(words), look);

function inBodies(sides: readonly Side[], match: string, look: Look): Condition {
  const all = { sql: 'SELECT rowid FROM body_fts WHERE body_fts MATCH ?', params: [match] };
  const rows = look.rows(
    `SELECT rowid AS id FROM body_fts WHERE body_fts MATCH ? LIMIT ${MAX_IDS + 1}`,
    all.params,
  );
  return found(
    sides.map(side => `${side}_body` as const),
    rows,
    all,
    SEEN.body,
    look,
  );
}

function hostTextCondition(match: string, look: Look): Condition {
  const ids = look.ids(
    'SELECT id FROM what WHERE host IN (SELECT rowid FROM host_fts WHERE host_fts MATCH ?)',
    [match],
  );
  return ids.length === 0 ? NEVER : idsCondition('what', ids, blocksOf(SEEN.what, ids, look));
}

export function freeCondition(kind: Kind, words: Words, look: Look): Condition {
  const match = matchOf(words);
  switch (kind) {
    case 'exchanges':
      return or([
        hostTextCondition(match, look),
        urlTextCondition(match, look),
        blockCondition(match, look),
        restCondition(match, look),
        inBodies(BODY_SIDES.body, match, look),
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
