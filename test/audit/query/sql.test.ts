/**
 * SQL is never built from user text: every statement that hostile queries cause is one of those that harmless queries of the same
 * shape cause, all that the user wrote is bound; and hostile values find exactly the rows that hold them.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { conditionOf } from '../../../src/audit/query/sql.ts';
import { parseQuery } from '../../../src/audit/query/parse.ts';
import { DayReader } from '../../../src/audit/store/day-reader.ts';
import { DayWriter } from '../../../src/audit/store/day-writer.ts';
import { openDayForReading, openDayForWriting } from '../../../src/audit/store/schema.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { exchange, flowId, HOSTILE, NOON, query, scratch } from '../sample.ts';
import { randomQuery } from './generate.ts';
import type { Kind } from '../../../src/audit/query/ast.ts';
import type { Param } from '../../../src/audit/query/fragment.ts';

const INJECTIONS = [
  `'; DROP TABLE exchange; --`,
  `' OR '1'='1`,
  `") OR 1=1 --`,
  `x' UNION SELECT sql FROM sqlite_schema --`,
  `\\' OR 1=1 --`,
  `%' OR 1 --`,
  `" MATCH "x`,
  `NEAR(a b)`,
  `a" OR "b`,
  `col:a`,
  `^a`,
  `{path} : a`,
  `?1`,
  `:x`,
  `\u0000' OR 1`,
];

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

describe('statements', () => {
  /** All SQL that a query causes, with what was bound, over look-ups that find something each time. */
  function caused(text: string, kind: Kind): { sql: string[]; params: Param[] } {
    const sql: string[] = [];
    const params: Param[] = [];
    const note = (s: string, p: Param[]): void => {
      sql.push(s);
      params.push(...p);
    };
    const condition = conditionOf(
      kind,
      query(text, kind).root,
      { since: 1, until: 2 },
      {
        rows(s, p) {
          note(s, p);
          return [{ id: 1, first: 1, run: 0, bits: Buffer.alloc(4000, 255), start: '' }];
        },
        ids(s, p) {
          note(s, p);
          return [0];
        },
      },
    );
    return { sql: [...sql, condition.sql], params: [...params, ...condition.params] };
  }

  it('are the same for hostile values as for harmless ones', () => {
    for (const value of [...INJECTIONS, ...HOSTILE.filter(h => /[a-z]/i.test(h))])
      for (const [field, kind] of [
        ['host', 'exchanges'],
        ['sni', 'exchanges'],
        ['user', 'exchanges'],
        ['method', 'exchanges'],
        ['path', 'exchanges'],
        ['type', 'exchanges'],
        ['rule', 'exchanges'],
        ['policy', 'exchanges'],
        ['reason', 'exchanges'],
        ['fault', 'exchanges'],
        ['protocol', 'exchanges'],
        ['header', 'exchanges'],
        ['', 'exchanges'],
        ['', 'flows'],
        ['', 'events'],
        ['ja4', 'flows'],
        ['alpn', 'flows'],
        ['ingress', 'flows'],
        ['event', 'events'],
      ] as [string, Kind][]) {
        const prefix = field === '' ? '' : `${field}:`;
        const hostile = caused(prefix + quoted(value), kind);
        // Short pieces ask the filter for other bits.
        const harmless = caused(`${prefix}"${value.length < 3 ? 'ab' : 'harmless'}"`, kind);
        assert.deepEqual(hostile.sql, harmless.sql, `${prefix}${value}`);
        assert.equal(hostile.params.length, harmless.params.length);
      }
  });

  it('hold nothing but this program’s words, whatever the query', () => {
    const rng = makeRng(31);
    const words = new Set<string>();
    for (let i = 0; i < 3000; i++)
      for (const kind of ['exchanges', 'flows'] as const)
        for (const sql of caused(randomQuery(rng, kind), kind).sql)
          for (const word of sql.match(/[A-Za-z_]+|[^\sA-Za-z_]+/g) ?? []) words.add(word);
    // Every literal in quotes is one of these two, every number a constant of the program.
    const literals = [...words].filter(w => w.includes(`'`));
    assert.deepEqual([...new Set(literals.flatMap(l => l.match(/'[^']*'/g) ?? []))].sort(), [`'\\'`]);
    assert.ok(words.size < 180, `${words.size} different words`);
    for (const stranger of ['login', 'example', 'DROP', 'nginx', 'alice'])
      assert.ok(!words.has(stranger), stranger);
  });
});

describe('hostile values', () => {
  it('find exactly the rows that hold them', t => {
    const dir = scratch(t);
    const writer = new DayWriter(
      openDayForWriting(dir, '2026-11-20', () => undefined),
      '2026-11-20',
      new Map(),
    );
    const values = [...new Set<string>([...INJECTIONS, ...HOSTILE])].filter(v => !v.includes('\ud800'));
    writer.begin();
    values.forEach((value, i) =>
      writer.exchange(
        exchange({ flow: flowId(1, i + 1), user: value, path: `/${value}`, faultDetail: value }),
      ),
    );
    writer.commit();
    const db = openDayForReading(dir, '2026-11-20');
    assert.ok(db !== null);
    const reader = new DayReader(db, '2026-11-20');
    const fold = (s: string): string => s.replace(/[A-Z]/g, c => c.toLowerCase());
    values.forEach((value, i) => {
      const byUser = reader.find('exchanges', query(`user:${quoted(value)}`), {}, null, 100).ids;
      assert.deepEqual(byUser, [i + 1], `user ${JSON.stringify(value)}`);
      const holders = values
        .flatMap((v, j) => (fold(`/${v}`).includes(fold(value)) ? [j + 1] : []))
        .reverse();
      assert.deepEqual(reader.find('exchanges', query(`path:${quoted(value)}`), {}, null, 100).ids, holders);
      // As free text they are words or an error, and never a syntax error of the index.
      const parsed = parseQuery(quoted(value), { kind: 'exchanges', now: NOON });
      if (parsed.ok)
        assert.ok(reader.find('exchanges', parsed.query, {}, null, 100).ids.includes(i + 1), value);
    });
    assert.equal(reader.stats().exchanges, values.length, 'nothing was dropped');
    reader.close();
    writer.db.close();
  });
});
