import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ENTRY_FIELDS, MATCH_WORDS, entryFields, entryOf } from '../../../src/policy/lists/entry.ts';
import { MATCHES } from '../../../src/policy/pattern.ts';

it('fields carry everything an entry knows, under the names of the interchange format', () => {
  const entry = {
    ...entryOf({ name: 'a.test', match: 'both' }, 'deny'),
    source: 's',
    category: 'c',
    comment: 'm',
    addedBy: 'b',
    expires: '2027-01-01',
  };
  const fields = entryFields(entry);
  assert.deepEqual(Object.keys(fields), [...ENTRY_FIELDS]);
  assert.deepEqual(Object.values(fields), ['a.test', 'both', 'deny', 's', 'c', 'm', 'b', '2027-01-01']);
  assert.ok(
    Object.values(entryFields(entryOf({ name: 'a.test', match: 'exact' }, null)))
      .slice(2)
      .every(v => v === ''),
  );
});

it('every kind has its words', () => {
  for (const match of MATCHES) assert.ok(MATCH_WORDS[match].length > 5);
});
