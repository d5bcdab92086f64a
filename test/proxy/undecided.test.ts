import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../src/core/faults.ts';
import { undecided } from '../../src/proxy/undecided.ts';

test('what policy was never asked about counts as blocked, by the fault that refused it', () => {
  const verdict = undecided('0123456789ab', new Fault('request-malformed', 'two Content-Length'));
  assert.equal(verdict.action, 'block');
  assert.equal(verdict.rule, 'request-malformed');
  assert.equal(verdict.policy, '0123456789ab');
  assert.equal(verdict.reason, 'The request is not valid or ambiguous HTTP/1.1.');
});

test('a client that left before anybody could be asked is named as such', () => {
  const verdict = undecided('0123456789ab', null);
  assert.equal(verdict.action, 'block');
  assert.equal(verdict.rule, 'request-aborted');
});
