/** The window against counting anew for every row. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MAX_GROUPS, Window } from '../../../src/control/alerts/window.ts';

describe('a window', () => {
  it('is met exactly when so many rows lie within it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 50 }),
        fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 20 })), { maxLength: 60 }),
        (threshold, width, steps) => {
          const window = new Window(threshold, width);
          const seen: Record<string, number[]> = { a: [], b: [] };
          let now = 0;
          for (const [group, step] of steps) {
            now += step;
            seen[group]?.push(now);
            const within = (seen[group] ?? []).filter(time => now - time <= width).length;
            assert.equal(window.add(group, now) !== null, within >= threshold);
          }
        },
      ),
    );
  });

  it('counts a row that ends late where it belongs', () => {
    const window = new Window(3, 10);
    assert.equal(window.add('', 100), null);
    assert.equal(window.add('', 108), null);
    assert.equal(window.add('', 104), 3);
  });

  it('forgets what was cleared, and the group touched longest ago beyond its bound', () => {
    const window = new Window(2, 1000);
    window.add('first', 1);
    window.clear('first');
    assert.equal(window.add('first', 2), null);
    for (let i = 0; i < MAX_GROUPS; i++) window.add(String(i), 3);
    assert.equal(window.add('first', 4), null);
    assert.equal(window.add(String(MAX_GROUPS - 1), 4), 2);
  });
});
