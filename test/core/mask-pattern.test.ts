/** The subset of patterns that policy authors may write: what is in it, what is not, and that it cannot run away. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPattern } from '../../src/core/mask-pattern.ts';

describe('allowed', () => {
  for (const text of [
    'E-[0-9]{6}',
    '\\bKD\\d{8}\\b',
    'case [A-Z]{2}-?\\d{4,8}',
    'a\\.b\\/c\\[d',
    '[a-z\\^]{4}',
    '[\\]\\-x]{5}',
  ])
    test(text, () => {
      const read = readPattern(text);
      assert.ok(read.ok);
      assert.doesNotThrow(() => new RegExp(read.source, 'g'));
    });
});

describe('refused', () => {
  for (const [text, why] of [
    ['(a+)+b', /not allowed here/],
    ['a|bcde', /not allowed here/],
    ['abcd*', /not allowed here/],
    ['abcd+', /not allowed here/],
    ['....', /not allowed here/],
    ['^abcd$', /not allowed here/],
    ['\\1abcd', /not allowed here/],
    ['[a-', /not allowed here/],
    ['[^a]{5}', /not allowed here/],
    ['abc', /fewer than 4/],
    ['', /fewer than 4/],
    ['a{5}?b', /not allowed here/],
    ['a{9,3}bbbb', /backwards/],
    ['a{100}b{100}', /more than 128/],
    ['a{0,20}a{0,20}bbbb', /too many ways/],
    ['[z-a]{4}', /no valid pattern/],
    ['ü{4}', /printable ASCII/],
    ['x'.repeat(300), /longer than/],
  ] as const)
    test(text.slice(0, 30), () => {
      const read = readPattern(text);
      assert.ok(!read.ok);
      assert.match(read.problem, why);
      assert.notEqual(read.hint, '');
    });
});
