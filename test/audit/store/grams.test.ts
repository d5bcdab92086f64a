/** The filter of a run of URLs never turns away a run that holds the piece, and turns away most that do not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fold } from '../../../src/audit/query/fold.ts';
import { addGrams, emptyGrams, gramBits, hasGrams, noPairs } from '../../../src/audit/store/grams.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { HOSTILE } from '../sample.ts';

const rng = makeRng(17);
const WORDS = ['api', 'Orders', 'static', 'v2', 'ünï', '%C3%BC', 'search?q=', 'img', 'x'.repeat(300)];
const path = (): string =>
  `/${Array.from({ length: 1 + rng.int(5) }, () => (rng.oneIn(2) ? rng.pick(WORDS) : rng.int(2 ** 30).toString(16))).join('/')}`;

describe('the filter', () => {
  it('lets every piece of every path pass', () => {
    const paths = [...Array.from({ length: 500 }, path), ...HOSTILE];
    const filter = emptyGrams();
    const known = noPairs();
    for (const p of paths) addGrams(filter, p, known);
    for (const p of paths) {
      const text = fold(p);
      for (let i = 0; i < 20; i++) {
        const start = rng.int(Math.max(1, text.length));
        const piece = text.slice(start, start + 1 + rng.int(12));
        assert.ok(hasGrams(filter, gramBits(piece)), JSON.stringify(piece));
      }
    }
  });

  it('asks little of short pieces', () => {
    assert.deepEqual(gramBits(''), []);
    for (const piece of ['a', 'ab', '\u0000']) assert.equal(gramBits(piece).length, 3);
    assert.equal(gramBits('abc').length, 1);
    assert.equal(gramBits('abcd').length, 3);
  });

  it('turns away nearly all runs without the piece', () => {
    let passed = 0;
    for (let run = 0; run < 50; run++) {
      const filter = emptyGrams();
      for (let i = 0; i < 512; i++) addGrams(filter, path());
      if (hasGrams(filter, gramBits('xylophone-contract'))) passed++;
    }
    assert.ok(passed <= 5, `${passed} of 50 passed`);
  });
});
