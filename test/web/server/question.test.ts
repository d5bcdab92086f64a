import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request } from 'express';
import type { Permission } from '../../../web/contract.ts';
import { asksBodies } from '../../../src/audit/query/ast.ts';
import { ApiFailure } from '../../../web/server/answer.ts';
import { liveQuestionOf, questionOf } from '../../../web/server/question.ts';
import { row } from './memory-reader.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const AUDITOR = { can: new Set<Permission>(['search', 'body']) };
const VIEWER = { can: new Set<Permission>(['search']) };
const asked = (query: Record<string, string>) => ({ query }) as unknown as Request;

test('kind, query and times; what is absent stays absent', () => {
  const all = questionOf(asked({}), VIEWER, NOW);
  assert.deepEqual(
    [all.kind, all.query.text, 'since' in all, 'until' in all],
    ['exchanges', '', false, false],
  );
  const some = questionOf(
    asked({ kind: 'flows', q: 'host:a.example', since: '24h', until: '2026-11-20T11:00Z' }),
    VIEWER,
    NOW,
  );
  assert.deepEqual(
    [some.kind, some.query.text, some.since, some.until],
    ['flows', 'host:a.example', NOW - 86_400_000, NOW - 3_600_000],
  );
});

test('refused: no time, an empty range, a query with an error, each with a hint', () => {
  for (const query of [
    { since: 'soon' },
    { since: '1h', until: '2h' },
    { q: 'a AND' },
    { q: 'status:abc' },
  ] as Record<string, string>[])
    assert.throws(
      () => questionOf(asked(query), AUDITOR, NOW),
      (error: unknown) => error instanceof ApiFailure && error.hint !== '',
      JSON.stringify(query),
    );
});

test('a live question matches rows of its kind by its query', () => {
  const live = liveQuestionOf(asked({ q: 'host:a.example' }), VIEWER, NOW);
  assert.equal(live.matches({ kind: 'exchange', row: row({ host: 'a.example' }) }), true);
  assert.equal(live.matches({ kind: 'exchange', row: row({ host: 'b.example' }) }), false);
  assert.equal(live.matches({ kind: 'event', row: { time: 0, event: 'a.example', detail: {} } }), false);
});

test('who may not read bodies cannot learn their words by searching', () => {
  const word = asked({ q: 'confidential' });
  assert.equal(asksBodies('exchanges', questionOf(word, AUDITOR, NOW).query.root), true);
  assert.equal(asksBodies('exchanges', questionOf(word, VIEWER, NOW).query.root), false);
  // A row whose heads do not have the word and whose bodies did not come along: only bodies could still tell.
  const unread = { kind: 'exchange', row: row({ host: 'a.example' }) } as const;
  assert.equal(liveQuestionOf(word, AUDITOR, NOW).matches(unread), null);
  assert.equal(liveQuestionOf(word, VIEWER, NOW).matches(unread), false);
  for (const field of ['body', 'reqbody', 'resbody']) {
    const named = asked({ q: `-${field}:confidential` });
    assert.equal(questionOf(named, AUDITOR, NOW).kind, 'exchanges');
    for (const ask of [questionOf, liveQuestionOf])
      assert.throws(
        () => ask(named, VIEWER, NOW),
        (error: unknown) =>
          error instanceof ApiFailure && error.code === 'bad-query' && /bodies/.test(error.message),
      );
  }
});
