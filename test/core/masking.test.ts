/** The line that tells what was masked, there and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_COUNT, MAX_ITEMS, maskedItems, maskedText } from '../../src/core/masking.ts';
import type { MaskedItem } from '../../src/core/masking.ts';

test('items become one line and items again', () => {
  const items: MaskedItem[] = [
    { where: 'path', what: 'query', count: 1 },
    { where: 'req-body', what: 'pattern:staff-no', count: 3 },
    { where: 'res-head', what: 'headers', count: 2 },
  ];
  assert.equal(maskedText(items), 'path:query=1 req-body:pattern:staff-no=3 res-head:headers=2');
  assert.deepEqual(maskedItems(maskedText(items)), items);
});

test('the line is bounded, whatever was found', () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({ where: 'path' as const, what: `p${i}`, count: i }));
  const back = maskedItems(maskedText(many));
  assert.equal(back.length, MAX_ITEMS);
  assert.ok(back.every(i => i.count <= MAX_COUNT));
});

test('what does not read as an item is left out', () => {
  assert.deepEqual(maskedItems(null), []);
  assert.deepEqual(maskedItems(''), []);
  assert.deepEqual(maskedItems('nowhere:card=1 path:card path:card=x'), []);
});
