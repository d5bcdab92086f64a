import assert from 'node:assert/strict';
import { conditionOf } from '../../../src/audit/query/sql.ts';
import { liveFilter } from '../../../src/audit/query/match.ts';
import { explainError, parseQuery } from '../../../src/audit/query/parse.ts';
import { FIELDS } from '../../../src/audit/query/ast.ts';
import { exchangeRow, flowRow } from '../../../src/audit/store/rows.ts';
import { randomQuery } from '../../audit/query/generate.ts';
import { exchange, flow, NOON } from '../../audit/sample.ts';
import { makeRng } from '../rng.ts';
import type { Look } from '../../../src/audit/query/look.ts';
import type { Kind } from '../../../src/audit/query/ast.ts';
import type { LiveRow } from '../../../src/audit/store/store.ts';
import type { FuzzTarget } from '../target.ts';

const ROWS: Record<'exchanges' | 'flows', LiveRow> = {
  exchanges: { kind: 'exchange', row: exchangeRow(exchange(), 'www.example.test') },
  flows: { kind: 'flow', row: flowRow(flow()) },
};

const target: FuzzTarget = {
  name: 'query',
  invariant:
    'Any text is a query, whose SQL has as many values as places and none of the text in it, or an error that points into the text; asking again gives the same.',
  seeds: () => {
    const rng = makeRng(1);
    return Array.from({ length: 20 }, () => Buffer.from(randomQuery(rng, 'exchanges')));
  },
  dictionary: [
    ...FIELDS.map(f => `${f.name}:`),
    'AND ',
    'OR ',
    'NOT ',
    '-',
    '(',
    ')',
    '"',
    '\\',
    '*',
    '..',
    '>=',
    '4xx',
    '10.0.0.0/8',
    '::/0',
    '7d',
    '2026-11-20T10:00Z',
  ].map(word => Buffer.from(word)),
  run: bytes => {
    const text = bytes.toString('utf8');
    for (const kind of ['exchanges', 'flows', 'events'] as Kind[]) {
      const parsed = parseQuery(text, { kind, now: NOON });
      assert.deepEqual(parseQuery(text, { kind, now: NOON }), parsed);
      if (!parsed.ok) {
        const { start, end, message } = parsed.error;
        assert.ok(start >= 0 && start <= end && end <= text.length && message !== '');
        assert.equal(explainError(text, parsed.error).split('\n')[2]?.indexOf('^'), start + 2);
        continue;
      }
      const statements: [string, number][] = [];
      const look: Look = {
        rows(sql, params) {
          statements.push([sql, params.length]);
          return [{ id: 1, first: 0, run: 0, bits: Buffer.alloc(4000, 255) }];
        },
        ids(sql, params) {
          statements.push([sql, params.length]);
          return [0];
        },
      };
      const condition = conditionOf(kind, parsed.query.root, {}, look);
      statements.push([condition.sql, condition.params.length]);
      for (const [sql, n] of statements) {
        assert.equal(sql.split('?').length - 1, n, sql);
        // Words that only a user can have written.
        for (const word of text.match(/[A-Za-z]{3,}\d+[A-Za-z0-9]*/g) ?? [])
          assert.ok(!sql.includes(word), `${word} in ${sql}`);
      }
      if (kind === 'events') continue;
      const answer = liveFilter(parsed.query, kind)(ROWS[kind]);
      // Only an exchange has bodies that would have to tell.
      if (answer !== null || kind !== 'exchanges') assert.equal(typeof answer, 'boolean');
    }
  },
};

export default target;
