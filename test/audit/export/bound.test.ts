/** A record always gets small enough, stays well-formed, and says what was taken away. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bounded, fitting, shortened } from '../../../src/audit/export/bound.ts';
import { body, fedEvent, fedExchange, nasty, nastyFed } from './fed.ts';

describe('a bounded record', () => {
  it('is untouched while it fits', () => {
    const fed = fedExchange();
    const { fed: same, cut } = bounded(fed, 10_000);
    assert.deepEqual(same, fed);
    assert.deepEqual(cut, []);
  });

  it('names the fields that were shortened, and by how much', () => {
    const { fed, cut } = bounded(fedExchange({ path: `/${'x'.repeat(500)}` }), 100);
    assert.deepEqual([...new Set(cut)], ['path']);
    assert.equal(fed.kind === 'exchange' && fed.row.path, `/${'x'.repeat(99)}…[+401]`);
  });

  it('turns details of an event that are too long into one text', () => {
    const { fed, cut } = bounded(
      fedEvent({ detail: { list: Array.from({ length: 9000 }, (_, i) => i) } }),
      100,
    );
    assert.deepEqual(cut, ['detail']);
    assert.ok(fed.kind === 'event' && JSON.stringify(fed.row.detail).length < 200);
  });

  it('cuts bodies too', () => {
    const fed = fedExchange({}, { req: null, res: body(Buffer.alloc(5000, 1)) });
    const { fed: small, cut } = bounded(fed, 100);
    assert.equal(small.kind === 'exchange' && small.bodies?.res?.data.length, 100);
    assert.deepEqual(cut, ['body']);
  });

  it('holds no half of a surrogate pair, whatever goes in', () => {
    fc.assert(
      fc.property(nasty, fc.integer({ min: 2, max: 50 }), (path, allowance) => {
        const { fed } = bounded(fedExchange({ path }), allowance);
        assert.doesNotMatch(JSON.stringify(fed), /\\ud[89a-f]/i);
        assert.doesNotMatch(shortened('\u{1f600}'.repeat(30), allowance), /\p{Cs}/u);
      }),
      { numRuns: 300 },
    );
  });

  it('fits, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fed => {
        const text = fitting(fed, 7000, b => JSON.stringify(b.fed));
        assert.ok(Buffer.byteLength(text) <= 7000, String(Buffer.byteLength(text)));
      }),
      { numRuns: 300 },
    );
  });
});
