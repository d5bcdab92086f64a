/** Comma-separated lists. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elements } from '../../../src/wire/http1/list.ts';

test('elements lose SP and HTAB around them, nothing else, and their case', () => {
  assert.deepEqual(elements('Close'), ['close']);
  assert.deepEqual(elements(' a ,\tB\t,,  , c d '), ['a', 'b', 'c d']);
  assert.deepEqual(elements(''), []);
  assert.deepEqual(elements(', ,'), []);
  assert.deepEqual(elements('\xa0close'), ['\xa0close']);
  assert.deepEqual(elements('close\x0b,\u2003x'), ['close\x0b', '\u2003x']);
});
