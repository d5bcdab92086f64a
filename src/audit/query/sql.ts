/**
 * From the meaning of a query to a condition on rows of one day file. Every piece of SQL here is a constant of this file;
 * what the user wrote travels as bound values only. Pure but for `Look`, which runs the look-ups in the shared tables.
 *
 * Terms about shared tables (`what`, `who`, `lane`, `url` …) are answered there first: the result is a set of ids, usually
 * small, and with it the blocks of rows in which any of them occurs (`mark`). Neighbouring terms of one table are
 * joined before they are asked. All conditions are two-valued: a missing value makes a test false, never NULL, so that
 * NOT finds the row.
 */
import { BLOCK_BITS, KIND, SEEN } from '../store/layout.ts';
import { ALWAYS, and, NEVER, not, onRows, or } from './condition.ts';
import { patternTest, rangeTest, textTest } from './fragment.ts';
import { fold } from './fold.ts';
import { blocksOf, idsCondition } from './look.ts';
import { fits } from './match.ts';
import { BODY_SIDES, isBodyField } from './ast.ts';
import { bodyCondition, freeCondition, headerCondition, pathCondition } from './text.ts';
import type { Field, Kind, Node, Test } from './ast.ts';
import type { Condition } from './condition.ts';
import type { Fragment, Range } from './fragment.ts';
import type { Look } from './look.ts';
import type { StripColumn } from '../store/strip.ts';

/** The condition of a whole query. `since` and `until` are ms since epoch, inclusive and exclusive. */
export function conditionOf(
  kind: Kind,
  root: Node,
  range: { since?: number | undefined; until?: number | undefined },
  look: Look,
): Condition {
  const { since, until } = range;
  if (since === undefined && until === undefined) return compile(kind, root, look);
  const inTime = timeCondition(
    kind,
    { min: since ?? null, minOpen: false, max: until ?? null, maxOpen: true },
    look,
  );
  // A day outside the range is not asked anything else.
  if (inTime.blocks?.size === 0) return NEVER;
  return and([compile(kind, root, look), inTime]);
}

// ------------------------------------------------------------------------------------------------- the tree

/** Which shared table alone can answer a node; null when it takes the rows or several tables. */
type Table = 'what' | 'who' | 'lane' | null;

const WHAT_FIELDS = new Set([
  'host',
  'sni',
  'method',
  'status',
  'type',
  'scheme',
  'port',
  'protocol',
  'verdict',
  'rule',
  'policy',
  'reason',
  'fault',
  'mask',
  'tlsprofile',
  'parent',
  'masked',
]);
const LANE_FIELDS = new Set([
  'host',
  'sni',
  'scheme',
  'port',
  'verdict',
  'rule',
  'policy',
  'reason',
  'fault',
  'mask',
  'tlsprofile',
  'parent',
  'ja4',
  'alpn',
  'ingress',
]);

function tableOf(kind: Kind, node: Node): Table {
  switch (node.kind) {
    case 'field': {
      const { name } = node.field;
      if (kind === 'events') return null;
      if (name === 'client' || name === 'user') return 'who';
      if (kind === 'exchanges') return WHAT_FIELDS.has(name) ? 'what' : null;
      return LANE_FIELDS.has(name) ? 'lane' : null;
    }
    case 'not':
      return tableOf(kind, node.part);
    case 'and':
    case 'or': {
      const [first, ...rest] = node.parts.map(part => tableOf(kind, part));
      return first !== undefined && rest.every(t => t === first) ? first : null;
    }
    default:
      return null;
  }
}

function compile(kind: Kind, node: Node, look: Look): Condition {
  const table = tableOf(kind, node);
  if (table !== null) return sharedCondition(kind, table, node, look);
  switch (node.kind) {
    case 'all':
      return ALWAYS;
    case 'not': {
      const { part } = node;
      // Each exchange has one path: asking for the other paths finds few where nearly all fit.
      if (part.kind === 'field' && part.field.name === 'path' && part.test.op === 'pattern')
        return pathCondition(part.test.pattern, look, true);
      return not(compile(kind, part, look));
    }
    case 'and':
    case 'or': {
      if (node.kind === 'or') return or(grouped(kind, node).map(part => compile(kind, part, look)));
      const parts: Condition[] = [];
      // What an index answers goes first: when it finds nothing, nothing else of the day is asked.
      for (const part of grouped(kind, node).sort((a, b) => effort(kind, a) - effort(kind, b))) {
        const condition = compile(kind, part, look);
        if (condition.blocks?.size === 0) return NEVER;
        parts.push(condition);
      }
      return and(parts);
    }
    case 'field':
      return rowField(kind, node.field, node.test, look);
    case 'free':
      return freeCondition(kind, node.words, node.bodies, look);
  }
}

/** How much it takes to find where a node can hold. */
function effort(kind: Kind, node: Node): number {
  switch (node.kind) {
    case 'free':
      return 1;
    case 'field':
      if (node.test.op === 'id' || node.field.name === 'proxy') return 0;
      if (node.test.op === 'words') return 1;
      return node.field.name === 'path' ? 3 : tableOf(kind, node) === 'who' ? 1 : 2;
    case 'and':
    case 'or':
      return Math.max(...node.parts.map(part => effort(kind, part)));
    default:
      return 4;
  }
}

/** Parts of one shared table become one part, so that they are answered together. */
function grouped(kind: Kind, node: { kind: 'and' | 'or'; parts: Node[] }): Node[] {
  const byTable = new Map<Table, Node[]>();
  for (const part of node.parts) {
    const table = tableOf(kind, part);
    byTable.set(table, [...(byTable.get(table) ?? []), part]);
  }
  return [...byTable].flatMap(([table, parts]) =>
    table === null || parts.length === 1 ? parts : [{ kind: node.kind, parts }],
  );
}

// ------------------------------------------------------------------------------------------- shared tables

const SELECT_IDS = {
  what: 'SELECT id FROM what WHERE ',
  who: 'SELECT id FROM who WHERE ',
  lane: 'SELECT id FROM lane WHERE ',
} as const;

function sharedCondition(kind: Kind, table: 'what' | 'who' | 'lane', node: Node, look: Look): Condition {
  const fragment = hostAlone(table, node) ?? inTable(table, node);
  const ids = look.ids(SELECT_IDS[table] + fragment.sql, fragment.params);
  if (ids.length === 0) return NEVER;
  const dim =
    table === 'what' ? SEEN.what : table === 'lane' ? SEEN.lane : kind === 'flows' ? SEEN.flowWho : SEEN.who;
  return idsCondition(table, ids, blocksOf(dim, ids, look));
}

const isHost = (node: Node): boolean =>
  node.kind === 'field' && node.field.name === 'host' && node.test.op !== 'present';

/** A host by itself goes through the index of hosts. */
function hostAlone(table: 'what' | 'who' | 'lane', node: Node): Fragment | null {
  if (table !== 'what' || node.kind !== 'field' || node.field.name !== 'host' || node.test.op === 'present')
    return null;
  const named = textTest('name', node.test);
  return { sql: `host IN (SELECT id FROM host WHERE ${named.sql})`, params: named.params };
}

function inTable(table: 'what' | 'who' | 'lane', node: Node): Fragment {
  switch (node.kind) {
    case 'field':
      return fieldInTable(table, node.field, node.test);
    case 'not': {
      const others = otherVerdicts(table, node.part);
      if (others !== null) return others;
      const part = inTable(table, node.part);
      return { sql: `NOT (${part.sql})`, params: part.params };
    }
    case 'and':
    case 'or': {
      // Few rows have a host, many a method: the plus keeps the other indexes out where hosts can be looked up.
      const byHost = node.kind === 'and' && node.parts.some(isHost);
      const parts = node.parts.map(p => ({ ...inTable(table, p), plus: byHost && !isHost(p) ? '+' : '' }));
      const by = node.kind === 'and' ? ' AND ' : ' OR ';
      return { sql: parts.map(p => `${p.plus}(${p.sql})`).join(by), params: parts.flatMap(p => p.params) };
    }
    default:
      throw new Error('only fields of one table get here');
  }
}

/** Each exchange has one of few verdicts, nearly always the same: the others are looked up in their index, where NOT would read all. */
function otherVerdicts(table: 'what' | 'who' | 'lane', node: Node): Fragment | null {
  if (table !== 'what' || node.kind !== 'field' || node.field.name !== 'verdict') return null;
  const [value, ...more] = node.test.op === 'pattern' ? node.test.pattern : [];
  const values = node.field.values ?? [];
  if (value === undefined || more.length > 0 || !values.includes(value)) return null;
  return {
    sql: 'lower(action) IN (SELECT value FROM json_each(?))',
    params: [JSON.stringify(values.filter(v => v !== value))],
  };
}

/** Columns of the shared tables by field name; the rest is named as the field. */
const COLUMN: Record<string, string> = { verdict: 'action', tlsprofile: 'tls' };
const COLUMNS = new Set([...WHAT_FIELDS, ...LANE_FIELDS, 'client', 'user', 'action', 'tls']);

function fieldInTable(table: 'what' | 'who' | 'lane', field: Field, test: Test): Fragment {
  const column = COLUMN[field.name] ?? field.name;
  if (!COLUMNS.has(column)) throw new Error(`no column ${column}`);
  if (field.name === 'host' && test.op !== 'present') {
    const named = textTest('name', test);
    const sql = `(host IN (SELECT id FROM host WHERE ${named.sql}) AND host IS NOT NULL)`;
    return { sql, params: named.params };
  }
  if (test.op === 'network') return { sql: 'coalesce(ip BETWEEN ? AND ?, 0)', params: [test.from, test.to] };
  if (test.op === 'range') return rangeTest(column, test, 1);
  // Methods and users keep their letters' case; the rest of `what` is written by us.
  const text = textTest(column, test);
  // The plus keeps the index of verdicts out: most rows have the one that is asked for.
  return field.name === 'verdict' ? { ...text, sql: `+${text.sql}` } : text;
}

// --------------------------------------------------------------------------------------------- row columns

/** Fields that stand in the row itself: expression and stored units per unit. */
const ROW_FIELDS: Record<string, { sql: string; scale: number; strips?: readonly StripColumn[] }> = {
  ms: { sql: 'x.us', scale: 1000, strips: ['us'] },
  wait: { sql: 'x.wait', scale: 1000, strips: ['wait'] },
  bytes: { sql: '(x.up + x.down)', scale: 1, strips: ['up', 'down'] },
  up: { sql: 'x.up', scale: 1, strips: ['up'] },
  down: { sql: 'x.down', scale: 1, strips: ['down'] },
  exchanges: { sql: 'x.exchanges', scale: 1, strips: ['exchanges'] },
};

function rowField(kind: Kind, field: Field, test: Test, look: Look): Condition {
  if (field.name === 'proxy') {
    // One answer for all rows: day files are those of one machine.
    const name = look.proxy ?? null;
    return name !== null && test.op === 'pattern' && fits(test.pattern, fold(name)) ? ALWAYS : NEVER;
  }
  switch (test.op) {
    case 'range': {
      if (field.name === 'time') return timeCondition(kind, test, look);
      const row = ROW_FIELDS[field.name];
      if (row === undefined) throw new Error(`no row column for ${field.name}`);
      const fragment = rangeTest(row.sql, test, row.scale);
      if (row.strips === undefined) return onRows(fragment.sql, fragment.params);
      const range = scaled(test, row.scale);
      return onRows(fragment.sql, fragment.params, null, { op: 'range', columns: row.strips, range });
    }
    case 'id': {
      // An id of another store's proxy: none of these rows.
      if (test.proxy !== undefined && test.proxy !== null) return NEVER;
      const blocks =
        kind === 'exchanges' ? blocksOf(SEEN.flow, [test.flow], look) : blocksOfFlowRow(test.flow, look);
      if (test.n === null) return onRows('x.flow = ?', [test.flow], blocks);
      return onRows('x.flow = ? AND x.n = ?', [test.flow, test.n], blocks);
    }
    case 'words':
      return isBodyField(field.name)
        ? bodyCondition(BODY_SIDES[field.name], test.words, look)
        : headerCondition(test.words, look);
    case 'present':
      return onRows('x.wait IS NOT NULL', []);
    case 'pattern':
      if (kind === 'events') {
        const fragment = patternTest('x.name', test.pattern);
        return onRows(fragment.sql, fragment.params);
      }
      return pathCondition(test.pattern, look);
    default:
      throw new Error(`${field.name} is not tested by ${test.op} in rows`);
  }
}

const scaled = ({ min, minOpen, max, maxOpen }: Range, scale: number): Range => ({
  min: min === null ? null : min * scale,
  minOpen,
  max: max === null ? null : max * scale,
  maxOpen,
});

function blocksOfFlowRow(flow: number, look: Look): Set<number> {
  return new Set(look.ids('SELECT id FROM flow WHERE flow = ?', [flow]).map(id => id >> BLOCK_BITS));
}

/** Time of the row, with the blocks whose span overlaps the range. */
function timeCondition(kind: Kind, range: Range, look: Look): Condition {
  const fragment = rangeTest('x.time', range, 1);
  if (kind === 'events') return onRows(fragment.sql, fragment.params);
  const blocks = new Set(
    look.ids('SELECT block FROM span WHERE kind = ? AND hi >= ? AND lo <= ?', [
      kind === 'exchanges' ? KIND.exchange : KIND.flow,
      range.min ?? -(2 ** 53),
      range.max ?? 2 ** 53,
    ]),
  );
  return onRows(fragment.sql, fragment.params, blocks, { op: 'range', columns: ['time'], range });
}
