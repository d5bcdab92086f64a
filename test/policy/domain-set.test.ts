import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalHost } from '../../src/core/host-name.ts';
import {
  DomainSetBuilder,
  compileDomainSet,
  compileDomainSetAsync,
  openDomainSet,
} from '../../src/policy/domain-set.ts';
import { MATCHES, parsePattern, patternCovers, patternText } from '../../src/policy/pattern.ts';
import type { Pattern } from '../../src/policy/pattern.ts';

function setOf(...texts: string[]): ReturnType<typeof openDomainSet> {
  return openDomainSet(compileDomainSet(texts.map(pattern)));
}

function pattern(text: string): Pattern {
  const parsed = parsePattern(text, { allowPublicSuffix: true });
  assert.ok(parsed.ok, `${text}: ${parsed.error}`);
  return parsed.ok;
}

/** A small alphabet, so that names meet, contain and end in each other often. */
const label = fc.stringMatching(/^[ab]{1,2}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map(l => `${l.join('.')}.t`);
const anyPattern = fc.record({ name, match: fc.constantFrom(...MATCHES) });

describe('domain set', () => {
  /** The truth table that every format of lists is held to as well. */
  const table: [name: string, exact: boolean, subdomains: boolean, both: boolean][] = [
    ['example.com', true, false, true],
    ['www.example.com', false, true, true],
    ['a.b.example.com', false, true, true],
    ['notexample.com', false, false, false],
    ['example.com.evil.test', false, false, false],
    ['badads.test', false, false, false],
    ['WWW.EXAMPLE.COM', false, true, true],
    ['EXAMPLE.com.', true, false, true],
  ];
  for (const [raw, exact, subdomains, both] of table) {
    it(`${raw}: exact ${exact}, subdomains ${subdomains}, both ${both}`, () => {
      const host = canonicalHost(raw);
      assert.equal(host.kind, 'name');
      if (host.kind !== 'name') return;
      assert.equal(setOf('example.com', 'ads.test').match(host.name), exact);
      assert.equal(setOf('*.example.com', 'ads.test').match(host.name), subdomains);
      assert.equal(setOf('.example.com', 'ads.test').match(host.name), both);
    });
  }

  it('meets both spellings of an internationalised name', () => {
    const set = setOf('.bücher.example');
    for (const raw of [
      'BÜCHER.example',
      'xn--bcher-kva.example',
      'www.bücher.example',
      'WWW.XN--BCHER-KVA.EXAMPLE.',
    ]) {
      const host = canonicalHost(raw);
      assert.ok(host.kind === 'name' && set.match(host.name), raw);
    }
  });

  it('an empty set and an empty name match nothing', () => {
    assert.equal(setOf().match('example.com'), false);
    assert.equal(setOf().size, 0);
    assert.equal(setOf('example.com', '.com').match(''), false);
  });

  it('agrees with the plain meaning of its patterns, for any patterns and names', () => {
    fc.assert(
      fc.property(
        fc.array(anyPattern, { maxLength: 40 }),
        fc.array(name, { maxLength: 40 }),
        (patterns, names) => {
          const set = openDomainSet(compileDomainSet(patterns));
          for (const n of [...names, ...patterns.map(p => p.name)]) {
            const covering = patterns.filter(p => patternCovers(p, n));
            assert.equal(set.match(n), covering.length > 0, n);
            const found = set.find(n);
            assert.equal(found !== null, covering.length > 0);
            if (found !== null)
              assert.ok(patternCovers(found, n), `${patternText(found)} does not cover ${n}`);
          }
        },
      ),
    );
  });

  it('gives its patterns back, merged by name', () => {
    fc.assert(
      fc.property(fc.array(anyPattern, { maxLength: 40 }), patterns => {
        const set = openDomainSet(compileDomainSet(patterns));
        const back = [...set.patterns()];
        assert.equal(back.length, set.size);
        const again = openDomainSet(compileDomainSet(back));
        assert.deepEqual([...again.patterns()], back);
        assert.equal(new Set(back.map(p => p.name)).size, back.length);
        for (const p of patterns)
          assert.ok(back.some(b => b.name === p.name && (b.match === 'both' || b.match === p.match)));
      }),
    );
  });

  it('is the same buffer in one go and in pieces, from memory or as a stream', async () => {
    const patterns = Array.from({ length: 50_000 }, (_, i) => pattern(`${i % 2 ? '.' : ''}h${i}.example`));
    const whole = compileDomainSet(patterns);
    let breaths = 0;
    const breathe = async (): Promise<void> => void breaths++;
    assert.ok(whole.equals(await compileDomainSetAsync(patterns, breathe)));
    const stream = (async function* () {
      yield* patterns;
    })();
    assert.ok(whole.equals(await compileDomainSetAsync(stream, breathe)));
    assert.ok(breaths > 4, `${breaths} breaths`);
    assert.ok([...patterns.keys()].every(i => openDomainSet(whole).match(`h${i}.example`)));
  });

  it('works from any place in a larger buffer', () => {
    const set = compileDomainSet([pattern('.example.com')]);
    const larger = Buffer.concat([Buffer.from('x'), set]);
    assert.ok(openDomainSet(larger.subarray(1)).match('www.example.com'));
  });

  it('refuses what is no set, was cut short or carries more', () => {
    const set = compileDomainSet([pattern('.example.com')]);
    for (const bad of [Buffer.alloc(0), Buffer.alloc(64), set.subarray(0, -1), Buffer.concat([set, set])])
      assert.throws(() => openDomainSet(bad), /domain set/);
  });

  it('ends every lookup on a damaged buffer', () => {
    const good = compileDomainSet(Array.from({ length: 50 }, (_, i) => pattern(`.h${i}.example`)));
    fc.assert(
      fc.property(fc.nat(good.length - 65), fc.integer({ min: 0, max: 255 }), name, (at, byte, n) => {
        const bad = Buffer.from(good);
        bad[64 + at] = byte;
        const set = openDomainSet(bad);
        assert.equal(typeof set.match(n), 'boolean');
        assert.ok([...set.patterns()].length <= 50);
      }),
    );
  });

  it('refuses names it cannot hold', () => {
    const builder = new DomainSetBuilder();
    assert.throws(() => builder.add({ name: '', match: 'exact' }), RangeError);
    assert.throws(() => builder.add({ name: 'a'.repeat(254), match: 'exact' }), RangeError);
  });
});
