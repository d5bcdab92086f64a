import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cursor, Malformed } from '../../src/wire/bytes.ts';

const over = (hex: string): Cursor => new Cursor(Buffer.from(hex, 'hex'), 'thing');

describe('the cursor', () => {
  test('reads big-endian numbers one after the other', () => {
    const c = over('01020304050607');
    assert.equal(c.u8(), 1);
    assert.equal(c.u16(), 0x0203);
    assert.equal(c.u24(), 0x040506);
    assert.equal(c.left, 1);
    c.skip(1);
    assert.equal(c.left, 0);
    c.done();
  });

  test('every read past the end says by how much, and moves nothing', () => {
    for (const read of [
      (c: Cursor) => c.u16(),
      (c: Cursor) => c.u24(),
      (c: Cursor) => c.skip(2),
      (c: Cursor) => c.slice(0xffff_ffff, 'inner'),
    ]) {
      const c = over('01');
      assert.throws(() => read(c), { name: 'Malformed', message: /^thing ends \d+ bytes too early$/ });
      assert.equal(c.left, 1);
    }
    assert.throws(() => over('').u8(), Malformed);
  });

  test('a slice ends where it was told to, whatever lies behind it', () => {
    const c = over('0102030405');
    const inner = c.slice(2, 'inner');
    assert.equal(inner.u16(), 0x0102);
    assert.throws(() => inner.u8(), /inner ends 1 bytes too early/);
    assert.equal(c.u8(), 3);
  });

  test('latin1 gives one character for each byte', () => {
    const c = over('00418ffe');
    assert.equal(c.latin1(), '\x00A\x8f\xfe');
    assert.equal(c.left, 0);
  });

  test('lists of 16-bit numbers are even, structures are filled', () => {
    assert.deepEqual(over('00010203').u16List(), [1, 0x0203]);
    assert.deepEqual(over('').u16List(), []);
    assert.throws(() => over('000102').u16List(), /thing has an odd length/);
    assert.throws(() => over('0001').done(), /thing has 2 bytes too many/);
  });
});
