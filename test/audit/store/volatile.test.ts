/** Volatile header values come back as they were, dates among them, and dates take a third of their length. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { packVolatile, unpackVolatile } from '../../../src/audit/store/volatile.ts';

const date = fc
  .integer({ min: 0, max: 253_402_300_799 })
  .map(seconds => `: ${new Date(seconds * 1000).toUTCString()}`);
/** A date with one character changed is none, or another one. */
const nearly = fc
  .tuple(date, fc.nat(30), fc.constantFrom('0', '9', ' ', 'x', '\u0004'))
  .map(([text, at, with_]) => text.slice(0, at) + with_ + text.slice(at + 1));
const value = fc.oneof(
  date,
  nearly.filter(text => text.startsWith(':')),
  fc.string().map(text => `:${text.replaceAll('\r\n', '')}`),
);

describe('volatile header values', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), lines => {
        const text = lines.join('\r\n');
        assert.equal(unpackVolatile(packVolatile(text) ?? ''), text);
      }),
      { numRuns: 500 },
    );
  });

  it('keep a date in a third of its length', () => {
    const text = ': Wed, 18 Nov 2026 00:00:06 GMT\r\n: 2362\r\n: "a1"';
    const packed = packVolatile(text) ?? '';
    assert.equal(packed.length, text.length - 31 + 7);
    assert.equal(unpackVolatile(packed), text);
  });

  it('leave dates that are none as they are', () => {
    for (const text of [
      ': Thu, 18 Nov 2026 00:00:06 GMT',
      ': Wed, 31 Feb 2026 00:00:06 GMT',
      ': Wed, 18 Nov 2026 24:00:06 GMT',
      ': Wed, 18 Nov 1926 00:00:06 GMT',
    ])
      assert.equal(packVolatile(text), text);
  });

  it('are nothing where there are none', () => assert.equal(packVolatile(''), null));
});
