import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as der from '../../ca/der.ts';
import { openssl } from './scratch.ts';

const hex = (value: der.Der): string => der.encode(value).toString('hex');

test('values are written as X.690 says', () => {
  assert.equal(hex(der.integer(0)), '020100');
  assert.equal(hex(der.integer(128)), '02020080');
  assert.equal(hex(der.integer(Buffer.from('000080', 'hex'))), '02020080');
  assert.equal(hex(der.integer(Buffer.from('7f', 'hex'))), '02017f');
  assert.equal(hex(der.integer(Buffer.of(0))), '020100');
  assert.equal(hex(der.TRUE), '0101ff');
  assert.equal(hex(der.NULL), '0500');
  assert.equal(hex(der.oid('1.2.840.10045.4.3.2')), '06082a8648ce3d040302');
  assert.equal(hex(der.octets(Buffer.from('0102', 'hex'))), '04020102');
  assert.equal(hex(der.bits(Buffer.of(0x80), 7)), '03020780');
  assert.equal(hex(der.utf8('ä')), '0c02c3a4');
  assert.equal(hex(der.bmp('aé')), '1e04006100e9');
  assert.equal(
    hex(der.sequence(der.set(der.explicit(3, der.implicit(2, Buffer.from('x')))))),
    '30073105a303820178',
  );
});

test('times change their form in 2050 and lose the fraction of a second', () => {
  assert.equal(
    hex(der.time(Date.UTC(2026, 10, 20, 1, 2, 3, 999))),
    `170d${Buffer.from('261120010203Z').toString('hex')}`,
  );
  assert.equal(
    hex(der.time(Date.UTC(2049, 11, 31, 23, 59, 59))),
    `170d${Buffer.from('491231235959Z').toString('hex')}`,
  );
  assert.equal(hex(der.time(Date.UTC(2050, 0, 1))), `180f${Buffer.from('20500101000000Z').toString('hex')}`);
});

test('what is DER already goes in byte for byte, whatever it holds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), content => {
      // Content that may itself look like ASN.1 must not be read and written again.
      for (const value of [
        der.octets(Buffer.from(content)),
        der.bits(Buffer.from(content)),
        der.sequence(der.octets(Buffer.from(content))),
      ]) {
        const bytes = der.encode(value);
        assert.deepEqual(der.encode(der.encoded(bytes)), bytes);
        assert.deepEqual(der.encode(der.decode(bytes)), bytes);
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('any bytes make a minimal, non-negative integer that openssl reads as the same number', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), bytes => {
      const value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
      const written = der.encode(der.integer(Buffer.from(bytes)));
      const content = written.subarray(2);
      assert.equal(BigInt(`0x${content.toString('hex')}`), value);
      assert.ok((content[0] ?? 0) < 0x80, 'non-negative');
      assert.ok(content.length === 1 || content[0] !== 0 || (content[1] ?? 0) >= 0x80, 'minimal');
    }),
    { numRuns: 300, seed: 1 },
  );
  const parsed = openssl(
    ['asn1parse', '-inform', 'DER'],
    der.encode(der.integer(Buffer.from('00ff01', 'hex'))),
  );
  assert.match(parsed, /INTEGER\s+:FF01/);
});

test('damaged or trailing bytes are refused, readers of parts answer null for other kinds', () => {
  assert.throws(() => der.decode(Buffer.from('0201', 'hex')));
  assert.throws(() => der.decode(Buffer.from('02010100', 'hex')));
  assert.equal(der.oidOf(der.NULL), null);
  assert.equal(der.oidOf(undefined), null);
  assert.equal(der.oidOf(der.oid('2.5.29.14')), '2.5.29.14');
  assert.equal(der.content(der.sequence()), null);
  assert.deepEqual(der.children(der.NULL), []);
  assert.equal(der.isTagged(der.explicit(3, der.NULL), 3), true);
  assert.equal(der.isTagged(der.explicit(0, der.NULL), 3), false);
  assert.equal(der.isTagged(der.bits(Buffer.of(1)), 3), false, 'a universal type is no context tag');
});
