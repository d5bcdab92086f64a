import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACTIONS, mannerOf, sameWay, stricter } from '../../src/core/verdict.ts';
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

test('what is decided late goes the way that was chosen first, and no other', () => {
  const corp = { group: 'corp', via: ['p.test:3128'] };
  const other = { group: 'other', via: ['q.test:3128'] };
  const first: Verdict = { ...verdict('inspect', 'one'), tls: 'tls13', parent: corp };
  const late: Verdict = { ...verdict('inspect', 'two'), tls: 'compatible', parent: other };
  assert.deepEqual(sameWay(late, first), { ...verdict('inspect', 'two'), tls: 'tls13', parent: corp });
  assert.deepEqual(sameWay(late, verdict('inspect', 'one')), verdict('inspect', 'two'));
  assert.deepEqual(sameWay(verdict('passthrough', 'two'), first), {
    ...verdict('passthrough', 'two'),
    parent: corp,
  });
  assert.deepEqual(sameWay(verdict('block', 'two'), first), verdict('block', 'two'));
  assert.equal(sameWay(late, null), late);
});

test('the manner has its defaults written out, and only where they mean something', () => {
  const corp = { group: 'corp', via: ['p.test:3128'] };
  const plain = verdict('inspect', 'one');
  assert.deepEqual(mannerOf(plain, 'https'), { mask: 'standard', tls: 'modern', parent: null });
  assert.deepEqual(mannerOf(plain, 'http'), { mask: 'standard', tls: null, parent: null });
  assert.deepEqual(mannerOf({ ...plain, mask: 'strict', tls: 'tls13', parent: corp }, 'https'), {
    mask: 'strict',
    tls: 'tls13',
    parent: 'corp',
  });
  assert.deepEqual(mannerOf({ ...verdict('passthrough', 'one'), parent: corp }, 'https'), {
    mask: null,
    tls: null,
    parent: 'corp',
  });
  assert.deepEqual(mannerOf(verdict('block', 'one'), null), { mask: null, tls: null, parent: null });
});

test('of two equal verdicts the one that masks more wins, and keeping originals loses', () => {
  const one = verdict('inspect', 'one');
  const strict = { ...verdict('inspect', 'two'), mask: 'strict' };
  const open = { ...verdict('inspect', 'three'), mask: 'open', originals: true as const };
  assert.equal(stricter(one, strict).rule, 'two');
  assert.equal(stricter(open, one).rule, 'one');
  assert.equal(stricter(one, open).rule, 'one');
  assert.equal(stricter(open, strict).rule, 'two');
});
