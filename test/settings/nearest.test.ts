import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from '../../src/settings/nearest.ts';

const words = ['proxy.listen', 'console.listen', 'timeout.idle', 'workers'];

test('finds the word that was meant', () => {
  assert.equal(nearest('proxy.lisetn', words), 'proxy.listen');
  assert.equal(nearest('WORKER', words), 'workers');
  assert.equal(nearest('idle', words), 'timeout.idle');
  assert.equal(nearest('timeout', words), 'timeout.idle');
});

test('suggests nothing for something else entirely', () => {
  assert.equal(nearest('bananas', words), null);
  assert.equal(nearest('', words), null);
  assert.equal(nearest('x'.repeat(10_000), words), null);
});

test('counts insertions, deletions, replacements and swaps, up to its limit', () => {
  assert.equal(editDistance('abc', 'abc', 9), 0);
  assert.equal(editDistance('abc', 'acb', 9), 1);
  assert.equal(editDistance('abc', 'abcd', 9), 1);
  assert.equal(editDistance('kitten', 'sitting', 9), 3);
  assert.equal(editDistance('abc', 'xyz', 2), 2);
  assert.equal(editDistance('', 'ab', 9), 2);
});
