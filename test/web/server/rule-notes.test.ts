import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../../src/policy/analyse.ts';
import { findingsOf, listNotes, ruleNotes } from '../../../web/server/rule-notes.ts';

test('findings become sentences beside the rule or list they are about; idle rules are told once', () => {
  const finding = (more: Partial<Finding>): Finding => ({
    kind: 'shadowed',
    severity: 'warning',
    rule: null,
    list: null,
    line: 0,
    message: 'never decides',
    hint: 'Remove it.',
    ...more,
  });
  const findings = findingsOf([
    finding({ rule: 'a', line: 7 }),
    finding({ kind: 'unused-list', severity: 'note', list: 'ads', message: 'no rule names it…' }),
  ]);
  assert.deepEqual(
    findings.map(f => [f.text, f.line]),
    [
      ['Never decides.', 7],
      ['No rule names it…', null],
    ],
  );
  const kinds = (rule: string, hits: number | null) => ruleNotes(rule, hits, findings).map(n => n.kind);
  assert.deepEqual(kinds('a', 0), ['shadowed']);
  assert.deepEqual(kinds('b', 0), ['unused']);
  assert.deepEqual([kinds('b', 1), kinds('b', null)], [[], []]);
  assert.deepEqual(
    listNotes('ads', findings).map(n => n.kind),
    ['unused-list'],
  );
});
