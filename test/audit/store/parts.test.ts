/** The parts that records share have exactly the fields of the canonical form, in its order: the chain hashes them so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANE_FIELDS, WHAT_FIELDS } from '../../../src/audit/canon.ts';
import { laneOf, laneWords, whatOf } from '../../../src/audit/store/parts.ts';
import { exchange, flow } from '../sample.ts';

test('fields stand in the order that is hashed', () => {
  assert.deepEqual(Object.keys(whatOf(exchange(), 'sni.test')), [...WHAT_FIELDS]);
  assert.deepEqual(Object.keys(laneOf(flow())), [...LANE_FIELDS]);
});

test('values come from record, verdict and hello', () => {
  const what = whatOf(exchange({ status: 404, masked: 'cookie=1' }), 'sni.test');
  assert.deepEqual([what.status, what.sni, what.masked], [404, 'sni.test', 'cookie=1']);
  assert.equal(whatOf(exchange(), null).masked, null);
  const bare = laneOf(flow({ facts: null, verdict: null, fault: 'worker-died' }));
  assert.deepEqual(
    Object.values(bare).filter(value => value !== null),
    ['worker-died'],
  );
  assert.deepEqual(laneWords(bare), [null, null, null, 'worker-died']);
});
