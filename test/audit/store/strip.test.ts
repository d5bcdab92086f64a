/** A strip gives back what was packed, in as few bytes as its range allows. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BLOCK_ROWS } from '../../../src/audit/store/layout.ts';
import {
  actOf,
  ACTIONS,
  packStrip,
  stripId,
  stripValues,
  unpackStrip,
} from '../../../src/audit/store/strip.ts';
import { makeRng } from '../../fuzz/rng.ts';

const block = (value: (i: number) => number): Float64Array =>
  Float64Array.from({ length: BLOCK_ROWS }, (_, i) => value(i));

describe('a strip', () => {
  it('comes back as it was, whatever its range and gaps', () => {
    const rng = makeRng(5);
    for (const [base, range, width] of [
      [0, 1, 1],
      [7, 254, 1],
      [7, 255, 2],
      [1_790_000_000_000, 65_534, 2],
      [1_790_000_000_000, 65_535, 4],
      [-500, 2 ** 32 - 2, 4],
      [-500, 2 ** 32 - 1, 8],
      [0, 2 ** 53 - 2, 8],
    ] as const)
      for (const gaps of [false, true]) {
        const values = block(i =>
          gaps && rng.oneIn(3) ? NaN : base + (i === 0 ? 0 : i === 1 ? range : rng.int(2 ** 30) % range),
        );
        values[0] = base;
        values[1] = base + range;
        const packed = packStrip(values);
        assert.equal(packed.data.length, width * BLOCK_ROWS, `${base} + ${range}`);
        assert.deepEqual([packed.lo, packed.hi], [base, base + range]);
        assert.deepEqual(stripValues(unpackStrip(packed)), values);
      }
  });

  it('of one value needs no codes, one of no value has no ends', () => {
    const same = packStrip(block(() => 42));
    assert.deepEqual(same, { lo: 42, hi: 42, data: Buffer.alloc(0) });
    assert.deepEqual(
      stripValues(unpackStrip(same)),
      block(() => 42),
    );
    const none = packStrip(block(() => NaN));
    assert.deepEqual(none, { lo: null, hi: null, data: Buffer.alloc(0) });
    assert.deepEqual(
      stripValues(unpackStrip(none)),
      block(() => NaN),
    );
  });

  it('of another length is refused', () => {
    assert.throws(() => unpackStrip({ lo: 1, hi: 2, data: Buffer.alloc(100) }), /100 bytes/);
  });

  it('has a place of its own for each kind, column and block', () => {
    const places = (['exchanges', 'flows'] as const).flatMap(kind =>
      Array.from({ length: 12 }, (_, column) =>
        [0, 1, 2 ** 24 - 1].map(b => stripId(kind, column, b)),
      ).flat(),
    );
    assert.equal(new Set(places).size, places.length);
    assert.ok(places.every(Number.isSafeInteger));
  });

  it('of verdicts keeps verdict and fault apart', () => {
    const codes = ACTIONS.flatMap(action => [actOf(action, false), actOf(action, true)]);
    assert.deepEqual(codes, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.equal(actOf('of a later version', true), 1);
  });
});
