/** Any string becomes text that PostgreSQL stores, and comes back exactly; pieces are found in what was stored. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { restored, restoredRow, storable } from '../../../../src/audit/store/postgres/text.ts';
import { HOSTILE } from '../../sample.ts';

/** Code units at random, and often the ones that matter. */
const units = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }),
  fc.constantFrom(0, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xdbfc, 0xdbfe, 0xdc01, 0xdc02, 0x41),
);
const text = fc.array(units, { maxLength: 30 }).map(codes => String.fromCharCode(...codes));

test('every text comes back, and its stored form is UTF-8 without NUL', () => {
  const check = (value: string): void => {
    const stored = storable(value);
    assert.equal(Buffer.from(stored).toString(), stored);
    assert.ok(!stored.includes('\u0000'));
    assert.equal(restored(stored), value);
  };
  for (const value of HOSTILE) check(value);
  fc.assert(fc.property(text, check), { numRuns: 3000 });
});

test('a text is part of another exactly when its stored form is, but for halves of a pair', () => {
  const whole = fc.array(fc.constantFrom('\u0000', 'a', '\u{10f000}', '\u{10f800}', '0', '\u{1f600}'), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(whole, whole, whole, (before, piece, after) => {
      const stored = storable([...before, ...piece, ...after].join(''));
      assert.ok(stored.includes(storable(piece.join(''))));
    }),
  );
  assert.ok(!storable('a\u0000b').includes('0'));
});

test('plain texts are left alone, and null stays null', () => {
  assert.equal(storable('caf\u00e9 \u{1f600}'), 'caf\u00e9 \u{1f600}');
  const row = { text: storable('\u0000'), none: null, number: 7 };
  assert.deepEqual(restoredRow(row), { text: '\u0000', none: null, number: 7 });
});
