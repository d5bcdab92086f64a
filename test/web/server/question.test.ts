import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request } from 'express';
import { ApiFailure } from '../../../web/server/answer.ts';
import { liveQuestionOf, questionOf } from '../../../web/server/question.ts';
import { row } from './memory-reader.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const asked = (query: Record<string, string>) => ({ query }) as unknown as Request;

test('kind, query and times; what is absent stays absent', () => {
  const all = questionOf(asked({}), NOW);
  assert.deepEqual(
    [all.kind, all.query.text, 'since' in all, 'until' in all],
    ['exchanges', '', false, false],
  );
  const some = questionOf(
    asked({ kind: 'flows', q: 'host:a.example', since: '24h', until: '2026-11-20T11:00Z' }),
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
      () => questionOf(asked(query), NOW),
      (error: unknown) => error instanceof ApiFailure && error.hint !== '',
      JSON.stringify(query),
    );
});

test('a live question matches rows of its kind by its query', () => {
  const live = liveQuestionOf(asked({ q: 'host:a.example' }), NOW);
  assert.equal(live.matches({ kind: 'exchange', row: row({ host: 'a.example' }) }), true);
  assert.equal(live.matches({ kind: 'exchange', row: row({ host: 'b.example' }) }), false);
  assert.equal(live.matches({ kind: 'event', row: { time: 0, event: 'a.example', detail: {} } }), false);
});
