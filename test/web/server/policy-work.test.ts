import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiFailure } from '../../../web/server/answer.ts';
import { failureOf, problemsOf } from '../../../web/server/policy-work.ts';
import { DeskError } from '../../../web/server/desk.ts';

test('what the desk refuses becomes an answer, other errors stay what they are; problems lose their folders', () => {
  const failure = failureOf(new DeskError({ code: 'conflict', message: 'No.', hint: 'Look.' }));
  assert.ok(failure instanceof ApiFailure);
  assert.deepEqual([failure.code, failure.message, failure.hint], ['conflict', 'No.', 'Look.']);
  const other = new Error('disk');
  assert.equal(failureOf(other), other);
  const problem = { file: '/etc/sightglass/policy.yaml', line: 0, column: 0, message: 'gone', hint: '' };
  assert.deepEqual(problemsOf([problem, { ...problem, line: 3, column: 4, hint: 'Mend it.' }]), [
    { file: 'policy.yaml', line: null, column: null, message: 'gone', hint: null },
    { file: 'policy.yaml', line: 3, column: 4, message: 'gone', hint: 'Mend it.' },
  ]);
});
