/** The bounded map: what is used stays, what is not is forgotten, and it never grows beyond twice its bound. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Recent } from '../../../src/audit/store/recent.ts';

it('keeps what is asked for and forgets the rest', () => {
  const recent = new Recent<number, string>(10);
  recent.set(-1, 'asked for');
  recent.set(-2, 'forgotten');
  for (let i = 0; i < 100; i++) {
    recent.set(i, String(i));
    assert.equal(recent.get(-1), 'asked for');
  }
  assert.equal(recent.get(-2), undefined);
  const kept = Array.from({ length: 100 }, (_, i) => i).filter(i => recent.get(i) !== undefined);
  assert.ok(kept.length <= 20);
  assert.equal(kept.at(-1), 99);
  recent.clear();
  assert.equal(recent.get(-1), undefined);
});
