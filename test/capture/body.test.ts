/** Taps: what they keep is a prefix, what they say is true of the whole, and memory has bounds. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BodyTap, CaptureBudget, CountingTap } from '../../src/capture/body.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('any chunks, any limit, any budget: prefix, size, hash and budget are right', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
      fc.integer({ min: 0, max: 120 }),
      fc.integer({ min: 0, max: 120 }),
      fc.boolean(),
      (parts, limit, memory, hash) => {
        const budget = new CaptureBudget(memory);
        const tap = new BodyTap({ limit, hash, budget });
        const whole = Buffer.concat(parts);
        for (const part of parts) {
          const borrowed = Buffer.from(part);
          tap.push(borrowed);
          borrowed.fill(0xee);
          assert.ok(budget.used <= memory);
        }
        const { facts, kept } = tap.finish();
        const held = Math.min(whole.length, limit, memory);
        assert.deepEqual(facts, {
          size: whole.length,
          kept: held,
          sha256: hash && whole.length > 0 ? sha256(whole) : null,
          truncated: held < whole.length,
        });
        assert.deepEqual(kept, held === 0 ? null : whole.subarray(0, held));
        assert.equal(budget.used, 0);
      },
    ),
    { numRuns: 2000, seed: 4 },
  );
});

describe('the budget', () => {
  const tapOf = (budget: CaptureBudget): BodyTap => new BodyTap({ limit: 100, hash: false, budget });

  test('is shared: the second body is cut, the first is not, and room comes back', () => {
    const budget = new CaptureBudget(100);
    const [a, b] = [tapOf(budget), tapOf(budget)];
    a.push(Buffer.alloc(70));
    b.push(Buffer.alloc(70));
    assert.equal(budget.used, 100);
    assert.equal(budget.exhausted, 1);
    assert.equal(a.finish().facts.truncated, false);
    assert.equal(budget.used, 30);
    // What was cut stays cut: a kept body has no holes.
    b.push(Buffer.alloc(10));
    assert.deepEqual(b.finish().facts, { size: 80, kept: 30, sha256: null, truncated: true });
    const c = tapOf(budget);
    c.push(Buffer.alloc(100));
    assert.equal(c.finish().facts.truncated, false);
  });
});

test('a tap that only counts', () => {
  const tap = new CountingTap();
  tap.push(Buffer.alloc(3));
  tap.push(Buffer.alloc(4));
  assert.deepEqual(tap.finish(), {
    facts: { size: 7, kept: 0, sha256: null, truncated: false },
    kept: null,
  });
});
