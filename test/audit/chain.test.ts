/** The bytes of the chain: one text per value and back, links that an outsider can make with sha256sum, entries as stored. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  canonical,
  digestOf,
  ENTRY_BYTES,
  GENESIS,
  nextLink,
  packEntry,
  readCanonical,
  readEntries,
} from '../../src/audit/chain.ts';
import { exchangeText } from '../../src/audit/canon.ts';
import { HOSTILE } from './sample.ts';
import type { Field } from '../../src/audit/chain.ts';

const sha = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const D = sha('d');

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.constant(null),
  fc.maxSafeInteger(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(...HOSTILE.filter(text => !text.includes('\ud800'))),
  fc.constantFrom('- 5', '#ab', '3:abc', ' ').map(text => text as Field),
  fc.uint8Array({ minLength: 1, maxLength: 32 }).map(bytes => ({ hex: Buffer.from(bytes).toString('hex') })),
);

describe('the canonical form', () => {
  it('is what the documentation shows', () => {
    assert.equal(
      canonical('event', [1795176000000, 'spool.gap', '{"name":"ü"}', null, { hex: 'ab12' }]),
      'event 1795176000000 9:spool.gap 13:{"name":"ü"} - #ab12',
    );
  });

  it('can be taken apart again, whatever the texts hold, so no two values share one', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 12 }), fields => {
        assert.deepEqual(readCanonical(canonical('row', fields)), { kind: 'row', fields });
      }),
      { seed: 1 },
    );
  });

  it('reads nothing but what it writes', () => {
    for (const text of [
      '',
      'row ',
      'row 1 ',
      'row 3:ab',
      'row 01',
      'row -0',
      'row #',
      'row #a',
      'Row 1',
      'row 1.5',
      'row x',
    ])
      assert.equal(readCanonical(text), null, JSON.stringify(text));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const read = readCanonical(`row ${text}`);
        if (read !== null) assert.equal(canonical(read.kind, read.fields), `row ${text}`);
      }),
      { seed: 2 },
    );
  });

  it('of an exchange written by hand is that of the general rule', () => {
    const x = { flow: 1, n: 2, time: 3, us: 4, wait: null, up: 5, down: 6, flags: 7 };
    const parts = { who: D, what: D, url: D, reqHead: D, resHead: D };
    const none = { reqBody: null, resBody: null, reqSha: null, resSha: null, faultDetail: null };
    const h = { hex: D };
    const head: Field[] = [1, 2, 3, 4, null, 5, 6, 7, h, h, h, h, h];
    assert.equal(
      exchangeText({ ...x, ...parts, ...none }),
      canonical('exchange', [...head, null, null, null, null, null]),
    );
    assert.equal(
      exchangeText({ ...x, ...parts, ...none, resBody: D, faultDetail: 'nul\0' }),
      canonical('exchange', [...head, null, h, null, null, 'nul\0']),
    );
  });
});

describe('links and entries', () => {
  it('are SHA-256 of plain text', () => {
    assert.equal(digestOf('a\ud800'), sha('a\ufffd'), 'half a pair counts as what SQLite stores');
    const first = nextLink(GENESIS, D);
    assert.equal(first, sha(`link ${'0'.repeat(64)} ${D}`));
    assert.notEqual(nextLink(first, D), first);
  });

  it('come back from their packed form', () => {
    const packed = Buffer.alloc(ENTRY_BYTES * 2);
    packEntry(packed, 0, 'exchange', 7, D, sha('l1'));
    packEntry(packed, ENTRY_BYTES, 'event', 2 ** 32 - 1, sha('e'), sha('l2'));
    assert.deepEqual(readEntries(packed), [
      { kind: 'exchange', row: 7, digest: D, mark: sha('l1').slice(0, 16) },
      { kind: 'event', row: 2 ** 32 - 1, digest: sha('e'), mark: sha('l2').slice(0, 16) },
    ]);
    assert.equal(readEntries(packed.subarray(1)), null);
    packed[0] = 9;
    assert.equal(readEntries(packed), null);
  });
});
