import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isGrease, isGreaseAlpn, withoutGrease } from '../../src/wire/grease.ts';

/** The sixteen values of RFC 8701 §2, written out. */
const RESERVED = [
  0x0a0a, 0x1a1a, 0x2a2a, 0x3a3a, 0x4a4a, 0x5a5a, 0x6a6a, 0x7a7a, 0x8a8a, 0x9a9a, 0xaaaa, 0xbaba, 0xcaca,
  0xdada, 0xeaea, 0xfafa,
];

test('exactly the sixteen reserved values are GREASE', () => {
  const found: number[] = [];
  for (let v = 0; v <= 0xffff; v++) if (isGrease(v)) found.push(v);
  assert.deepEqual(found, RESERVED);
});

test('they are left out of lists, the others keep their order', () => {
  assert.deepEqual(withoutGrease([0x1a1a, 5, 0x0a1a, 0xfafa, 3]), [5, 0x0a1a, 3]);
});

test('as protocol names they have two bytes', () => {
  assert.equal(isGreaseAlpn('\x1a\x1a'), true);
  assert.equal(isGreaseAlpn('\x1a\x2a'), false);
  assert.equal(isGreaseAlpn('\x1a'), false);
  assert.equal(isGreaseAlpn('h2'), false);
  assert.equal(isGreaseAlpn('\x1a\x1a\x1a'), false);
});
