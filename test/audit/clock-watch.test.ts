/** A clock that is set forwards or back is noticed, by how much, once; drift and long pauses are not taken for it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ClockWatch } from '../../src/audit/clock-watch.ts';

it('tells steps both ways and nothing else', () => {
  const watch = new ClockWatch();
  assert.equal(watch.look(1_000_000, 500), null, 'the first look');
  assert.equal(watch.look(1_000_250, 750), null);
  assert.equal(watch.look(4_600_250, 3_600_750), null, 'an hour passed on both');
  assert.equal(watch.look(4_601_900, 3_600_750), null, 'less than two seconds is no step');
  assert.deepEqual(watch.look(4_601_900 - 3_600_000, 3_600_750), { from: 4_601_900, to: 1_001_900 });
  assert.equal(watch.look(1_002_900, 3_601_750), null, 'told once');
  assert.deepEqual(watch.look(9_000_000, 3_601_750), { from: 1_002_900, to: 9_000_000 });
});
