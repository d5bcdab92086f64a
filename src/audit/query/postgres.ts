/**
 * From the meaning of a query to a condition on rows of one day in PostgreSQL. Every piece of SQL here is a constant of this file;
 * what the user wrote travels as bound values only, in the stored form of texts (store/postgres/text.ts). Pure.
 *
 * Text columns have the collation "C", in which `lower` folds A to Z and nothing else, exactly as the parser's `fold` and as
 * SQLite. All conditions are two-valued: a missing value makes a test false, never NULL, so that NOT finds the row.
 *
 * Words of headers and bodies are looked up in the texts that repeat first (`wordsOf`), because "in the row, or in one of its
 * texts" as one condition would keep PostgreSQL from using any index.
 */
import { BODY_SIDES, isBodyField } from './ast.ts';
import { likeEscape } from './fragment.ts';
import { phraseOf } from '../store/postgres/words.ts';
import { storable } from '../store/postgres/text.ts';
import type { Field, Kind, Node, Pattern, Place, Side, Test, Words } from './ast.ts';
import type { Range } from './fragment.ts';

export type PostgresParam = string | number | Buffer | Buffer[] | string[] | number[];

/** A condition with `?` where its values go. */
export interface PostgresFragment {
  sql: string;
  params: PostgresParam[];
}

/** Texts of a day in which the words stand, by the node's words; 'many' when there are too many to name. */
export type FoundIn = (place: Place, words: Words) => Buffer[] | 'many';

const plain = (sql: string, ...params: PostgresParam[]): PostgresFragment => ({ sql, params });
const TRUE = plain('true');
const FALSE = plain('false');

const TEXTS: Record<Place, string> = { heads: 'block', bodies: 'body_text' };

/** Look-ups of `FoundIn`: the day first, then the phrase. They find one more than is of use. */
export const MAX_FOUND = 500;
const find = (place: Place): string =>
  `SELECT hash FROM ${TEXTS[place]} t WHERE t.day = $1 AND t.words @@ $2::tsquery LIMIT ${MAX_FOUND + 1}`;
export const FIND: Record<Place, string> = { heads: find('heads'), bodies: find('bodies') };

/** The phrase that looks up words in a place; null when they have none. */
export const phraseIn = (place: Place, words: Words): string | null => phraseOf(words, place === 'heads');

/** The condition of a whole query on rows `x`. `since` and `until` are ms since epoch, inclusive and exclusive. */
export function postgresCondition(
  kind: Kind,
  root: Node,
  range: { since?: number | undefined; until?: number | undefined },
  found: FoundIn,
): PostgresFragment {
  const { since, until } = range;
  const parts = [compile(kind, root, found)];
  if (since !== undefined || until !== undefined)
    parts.push(
      rangeTest('x.time', { min: since ?? null, minOpen: false, max: until ?? null, maxOpen: true }, 1),
    );
  return joined(parts, ' AND ');
}

/** `$n` for each `?`, counted from `first`. Constants of this program hold no other question mark. */
export function numbered(sql: string, first: number): string {
  let n = first;
  return sql.replace(/\?/g, () => `$${n++}`);
}

function compile(kind: Kind, node: Node, found: FoundIn): PostgresFragment {
  switch (node.kind) {
    case 'all':
      return TRUE;
    case 'not': {
      const part = compile(kind, node.part, found);
      return plain(`NOT (${part.sql})`, ...part.params);
    }
    case 'and':
    case 'or':
      return joined(
        node.parts.map(part => compile(kind, part, found)),
        node.kind === 'and' ? ' AND ' : ' OR ',
      );
    case 'free':
      return freeText(kind, node.words, node.bodies, found);
    case 'field':
      return fieldTest(kind, node.field, node.test, found);
  }
}

function joined(parts: PostgresFragment[], by: ' AND ' | ' OR '): PostgresFragment {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return { sql: parts.map(p => `(${p.sql})`).join(by), params: parts.flatMap(p => p.params) };
}

// ------------------------------------------------------------------------------------------------- fields

/** Columns by field name where they differ, and numbers with their stored units per unit. */
const TEXT: Record<string, string> = {
  host: 'x.host',
  sni: 'x.sni',
  client: 'x.client',
  user: 'x.account',
  method: 'x.method',
  path: 'x.path',
  type: 'x.type',
  scheme: 'x.scheme',
  protocol: 'x.protocol',
  verdict: 'x.action',
  rule: 'x.rule',
  policy: 'x.policy',
  reason: 'x.reason',
  fault: 'x.fault',
  ja4: 'x.ja4',
  alpn: 'x.alpn',
  ingress: 'x.ingress',
  mask: 'x.mask',
  tlsprofile: 'x.tls',
  parent: 'x.parent',
  masked: 'x.masked',
  event: 'x.name',
};
const NUMBER: Record<string, { sql: string; scale: number }> = {
  status: { sql: 'x.status', scale: 1 },
  port: { sql: 'x.port', scale: 1 },
  ms: { sql: 'x.us', scale: 1000 },
  wait: { sql: 'x.wait', scale: 1000 },
  bytes: { sql: '(x.up + x.down)', scale: 1 },
  up: { sql: 'x.up', scale: 1 },
  down: { sql: 'x.down', scale: 1 },
  exchanges: { sql: 'x.exchanges', scale: 1 },
  time: { sql: 'x.time', scale: 1 },
};
/** Columns with an index on the beginning of their folded text. */
const INDEXED = new Set(['x.host', 'x.account']);

function fieldTest(kind: Kind, field: Field, test: Test, found: FoundIn): PostgresFragment {
  switch (test.op) {
    case 'range': {
      const number = NUMBER[field.name];
      if (number === undefined) throw new Error(`no number column for ${field.name}`);
      return rangeTest(number.sql, test, number.scale);
    }
    case 'network':
      return plain('x.ip IS NOT NULL AND x.ip BETWEEN ? AND ?', test.from, test.to);
    case 'id': {
      const proxy = test.proxy === undefined || test.proxy === null ? null : test.proxy;
      const parts = [plain('x.flow = ?::bigint', test.flow)];
      if (proxy !== null) parts.push(plain('x.proxy = ?::integer', proxy));
      if (test.n !== null) parts.push(kind === 'exchanges' ? plain('x.n = ?::integer', test.n) : FALSE);
      return joined(parts, ' AND ');
    }
    case 'words':
      return isBodyField(field.name)
        ? bodyWords(BODY_SIDES[field.name], test.words, found)
        : headerWords(test.words, found, true);
    default:
      if (field.name === 'proxy') return proxyTest(test);
      return textTest(columnOf(field), test);
  }
}

function columnOf(field: Field): string {
  const column = TEXT[field.name] ?? NUMBER[field.name]?.sql;
  if (column === undefined) throw new Error(`no column for ${field.name}`);
  return column;
}

function proxyTest(test: Test): PostgresFragment {
  if (test.op === 'present') return TRUE;
  const named = textTest('name', test);
  return plain(`x.proxy IN (SELECT id FROM proxy WHERE ${named.sql})`, ...named.params);
}

function textTest(column: string, test: Test): PostgresFragment {
  switch (test.op) {
    case 'present':
      return plain(`${column} IS NOT NULL`);
    case 'below': {
      const name = storable(test.name);
      const sql = `${column} IS NOT NULL AND (lower(${column}) = ? OR lower(${column}) LIKE ? ESCAPE '\\')`;
      return plain(sql, name, `%.${likeEscape(name)}`);
    }
    case 'pattern':
      return patternTest(column, test.pattern);
    default:
      throw new Error(`a text is not tested by ${test.op}`);
  }
}

function patternTest(column: string, pattern: Pattern): PostgresFragment {
  const pieces = pattern.map(storable);
  const [first = '', middle = '', last] = pieces;
  const there = `${column} IS NOT NULL AND`;
  if (pieces.length === 1) {
    if (!INDEXED.has(column)) return plain(`${there} lower(${column}) = ?`, first);
    const begin = [...first].slice(0, 255).join('');
    return plain(`${there} left(lower(${column}), 255) = ? AND lower(${column}) = ?`, begin, first);
  }
  if (pieces.length === 3 && first === '' && last === '')
    return plain(`${there} strpos(lower(${column}), ?) > 0`, middle);
  return plain(`${there} lower(${column}) LIKE ? ESCAPE '\\'`, pieces.map(likeEscape).join('%'));
}

/** Whole numbers are compared with whole numbers: ends that are none move to the next one inside. */
function rangeTest(column: string, range: Range, scale: number): PostgresFragment {
  const sql: string[] = [`${column} IS NOT NULL`];
  const params: PostgresParam[] = [];
  if (range.min !== null) {
    const min = range.min * scale;
    sql.push(range.minOpen ? `${column} > ?::bigint` : `${column} >= ?::bigint`);
    params.push(bounded(range.minOpen ? Math.floor(min) : Math.ceil(min)));
  }
  if (range.max !== null) {
    const max = range.max * scale;
    sql.push(range.maxOpen ? `${column} < ?::bigint` : `${column} <= ?::bigint`);
    params.push(bounded(range.maxOpen ? Math.ceil(max) : Math.floor(max)));
  }
  return plain(sql.join(' AND '), ...params);
}

const bounded = (n: number): number => Math.min(2 ** 53, Math.max(-(2 ** 53), n));

// ------------------------------------------------------------------------------------------------ free text

function freeText(kind: Kind, words: Words, bodies: boolean, found: FoundIn): PostgresFragment {
  switch (kind) {
    case 'exchanges':
      return joined(
        [headerWords(words, found, false), ...(bodies ? [bodyWords(BODY_SIDES.body, words, found)] : [])],
        ' OR ',
      );
    case 'flows': {
      const phrase = phraseOf(words, false);
      return phrase === null ? FALSE : plain('x.words @@ ?::tsquery', phrase);
    }
    case 'events':
      // Few rows, no index: the text anywhere in name or details, as the details were written.
      return plain(`strpos(lower(x.name || ' ' || x.detail), lower(?)) > 0`, storable(words.text));
  }
}

/** Words in the row (`header`: in its headers only) or in one of its header blocks. */
function headerWords(words: Words, found: FoundIn, header: boolean): PostgresFragment {
  const phrase = phraseOf(words, header);
  if (phrase === null) return FALSE;
  return joined(
    [plain('x.words @@ ?::tsquery', phrase), inTexts('heads', words, ['x.req_block', 'x.res_block'], found)],
    ' OR ',
  );
}

const bodyWords = (sides: readonly Side[], words: Words, found: FoundIn): PostgresFragment =>
  inTexts(
    'bodies',
    words,
    sides.map(side => `x.${side}_text`),
    found,
  );

/** The text that one of the row's columns names is among those in which the words stand. */
function inTexts(place: Place, words: Words, columns: readonly string[], found: FoundIn): PostgresFragment {
  const phrase = phraseIn(place, words);
  const texts = found(place, words);
  if (phrase === null || texts.length === 0) return FALSE;
  return joined(
    columns.map(column =>
      texts === 'many'
        ? plain(
            `${column} IS NOT NULL AND ${column} IN (SELECT t.hash FROM ${TEXTS[place]} t WHERE t.day = x.day AND t.words @@ ?::tsquery)`,
            phrase,
          )
        : plain(`${column} IS NOT NULL AND ${column} = ANY (?::bytea[])`, texts),
    ),
    ' OR ',
  );
}
