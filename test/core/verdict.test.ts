import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACTIONS, stricter } from '../../src/core/verdict.ts';
import type { Action, Verdict } from '../../src/core/verdict.ts';

const verdict = (action: Action, rule: string): Verdict => ({
  action,
  rule,
  policy: '000000000000',
  reason: 'a test',
  capture: 'headers',
  block: 'page',
});

test('block is stricter than inspect, inspect than passthrough, in either order', () => {
  const strictestFirst: Action[] = ['block', 'inspect', 'passthrough'];
  assert.deepEqual([...ACTIONS].sort(), [...strictestFirst].sort());
  for (const [i, a] of strictestFirst.entries())
    for (const [j, b] of strictestFirst.entries()) {
      const wins = strictestFirst[Math.min(i, j)];
      assert.equal(stricter(verdict(a, 'one'), verdict(b, 'two')).action, wins);
    }
});

test('of two equal verdicts the first stays', () => {
  assert.equal(stricter(verdict('block', 'one'), verdict('block', 'two')).rule, 'one');
});
