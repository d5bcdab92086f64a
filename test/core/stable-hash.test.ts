import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stableHash } from '../../src/core/stable-hash.ts';

test('a text has the same number for ever', () => {
  const numbers = [1_947_474_976, 1_817_065_451, 2_674_790_106, 3_214_234_509];
  assert.deepEqual(['', 'a', 'rule\n10.0.0.1', 'ü'].map(stableHash), numbers);
});

test('numbers spread evenly, of texts that hardly differ too', () => {
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 10_000; i++) {
    const at = stableHash(`10.0.${i >> 8}.${i & 255}`) % 10;
    buckets[at] = (buckets[at] ?? 0) + 1;
  }
  for (const n of buckets) assert.ok(n > 850 && n < 1150, String(buckets));
});
