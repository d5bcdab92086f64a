import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { coveredFromAbove, joinMatch, leftOf, setOf, tidy } from '../../../src/policy/lists/tidy.ts';
import { MATCHES, patternCovers, patternText } from '../../../src/policy/pattern.ts';
import { entry } from './helper.ts';

const name = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
  .map(l => `${l.join('.')}.test`);
const pattern = fc.record({ name, match: fc.constantFrom(...MATCHES) });

describe('tidy', () => {
  it('means the same as before, holds every name once and nothing that is covered', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 20 }),
        fc.array(name, { maxLength: 20 }),
        (patterns, names) => {
          const { entries, duplicates, covered } = tidy(patterns);
          for (const n of names)
            assert.equal(
              entries.some(p => patternCovers(p, n)),
              patterns.some(p => patternCovers(p, n)),
              n,
            );
          assert.equal(new Set(entries.map(e => e.name)).size, entries.length);
          assert.equal(entries.length + duplicates + covered, patterns.length);
          const set = setOf(entries);
          for (const e of entries) assert.ok(!coveredFromAbove(set, e.name), patternText(e));
        },
      ),
    );
  });

  it('keeps the words of the first, and entries that lie inside an exception', () => {
    const first = { ...entry('a.test'), comment: 'first' };
    assert.deepEqual(tidy([first, { ...entry('*.a.test'), comment: 'second' }]).entries, [
      { ...first, match: 'both' },
    ]);
    const nested = [entry('.a.test'), entry('x.ok.a.test'), entry('y.a.test')];
    assert.deepEqual(
      tidy(nested, [entry('.ok.a.test')]).entries.map(e => e.name),
      ['a.test', 'x.ok.a.test'],
    );
  });

  it('joins and takes apart kinds', () => {
    for (const a of MATCHES) for (const b of MATCHES) assert.equal(joinMatch(a, b), a === b ? a : 'both');
    assert.equal(leftOf('both', true, false), 'subdomains');
    assert.equal(leftOf('both', false, true), 'exact');
    assert.equal(leftOf('both', true, true), null);
    assert.equal(leftOf('exact', false, true), 'exact');
    assert.equal(leftOf('subdomains', true, true), null);
  });
});
