/**
 * SQL for PostgreSQL is never built from user text: every statement that hostile queries cause is one that harmless queries of the
 * same shape cause, all that the user wrote is bound. That the conditions are right is the contract's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordsOf } from '../../../src/audit/query/ast.ts';
import { numbered, postgresCondition } from '../../../src/audit/query/postgres.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { HOSTILE, query } from '../sample.ts';
import { randomQuery } from './generate.ts';
import type { Kind } from '../../../src/audit/query/ast.ts';

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
const caused = (text: string, kind: Kind) =>
  postgresCondition(kind, query(text, kind).root, { since: 1, until: 2 }, () => [Buffer.alloc(16)]);

test('statements are the same for hostile values as for harmless ones', () => {
  const values = [
    `'; DROP TABLE exchange; --`,
    `' OR '1'='1`,
    `\\' OR 1=1 --`,
    `$1`,
    `a?b`,
    `x' & !'y`,
    ':*B',
  ];
  for (const value of [...values, ...HOSTILE].filter(v => /[a-z]/i.test(v)))
    for (const [field, kind] of [
      ...['host', 'sni', 'user', 'method', 'path', 'type', 'rule', 'reason', 'fault', 'parent'].map(f => [
        f,
        'exchanges',
      ]),
      ...['header', 'body', 'reqbody', ''].map(f => [f, 'exchanges']),
      ...['', 'ja4', 'alpn', 'ingress'].map(f => [f, 'flows']),
      ...['', 'event'].map(f => [f, 'events']),
    ] as [string, Kind][]) {
      const prefix = field === '' ? '' : `${field}:`;
      const hostile = caused(prefix + quoted(value), kind);
      const harmless = caused(`${prefix}"harmless"`, kind);
      assert.equal(hostile.sql, harmless.sql, `${prefix}${value}`);
      assert.equal(hostile.params.length, harmless.params.length);
    }
});

test('statements hold nothing but this program’s words, and one place for each value', () => {
  const rng = makeRng(31);
  const words = new Set<string>();
  for (let i = 0; i < 2000; i++)
    for (const kind of ['exchanges', 'flows'] as const) {
      const { sql, params } = caused(randomQuery(rng, kind), kind);
      assert.equal(sql.split('?').length - 1, params.length);
      for (const word of sql.match(/[A-Za-z_]+/g) ?? []) words.add(word);
      assert.deepEqual(
        [...new Set(sql.match(/'[^']*'/g) ?? [])].filter(l => l !== `'\\'`),
        [],
      );
    }
  assert.ok(words.size < 100, `${words.size} words`);
  for (const stranger of ['login', 'example', 'nginx', 'alice']) assert.ok(!words.has(stranger), stranger);
});

test('places are numbered on from the caller’s own; words are found wherever they stand', () => {
  assert.equal(numbered('a = ? AND b = ?', 3), 'a = $3 AND b = $4');
  const found = wordsOf('exchanges', query('a -(header:b OR resbody:c) host:d').root);
  assert.deepEqual(
    found.map(({ place, words }) => `${words.text} in ${place}`),
    ['a in heads', 'a in bodies', 'b in heads', 'c in bodies'],
  );
  assert.deepEqual(wordsOf('flows', query('a', 'flows').root), []);
});
