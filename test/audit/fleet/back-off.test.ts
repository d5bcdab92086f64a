/** Waits grow, are bounded, and do not meet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOff } from '../../../src/audit/fleet/back-off.ts';

test('waits double from half a second to half a minute, by chance between half and all of it', () => {
  assert.deepEqual(
    [1, 2, 3, 7, 100].map(n => backOff(n, 0.999999)),
    [500, 1000, 2000, 30_000, 30_000],
  );
  assert.deepEqual(
    [0, 1, 2, 100].map(n => backOff(n, 0)),
    [250, 250, 500, 15_000],
  );
});
