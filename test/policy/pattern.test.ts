import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalHost } from '../../src/core/host-name.ts';
import { isPublicSuffix, parsePattern, patternOf, patternText } from '../../src/policy/pattern.ts';

describe('pattern', () => {
  it('reads the three kinds', () => {
    assert.deepEqual(parsePattern('example.com').ok, { name: 'example.com', match: 'exact' });
    assert.deepEqual(parsePattern('*.Example.COM.').ok, { name: 'example.com', match: 'subdomains' });
    assert.deepEqual(parsePattern('.bücher.example').ok, { name: 'xn--bcher-kva.example', match: 'both' });
  });

  for (const bad of [
    '',
    '*',
    '*.',
    '.',
    '..',
    'a..b',
    '*.*.com',
    'www.*.com',
    '*example.com',
    '10.0.0.1',
    '*.10.0.0.1',
    '::1',
    'a b.test',
    'http://a.test',
    'a.test/x',
    'a.test:443',
    '-a.test',
    'a-.test',
    `${'a'.repeat(64)}.test`,
    `${'a.'.repeat(130)}test`,
    '1',
    '*.1',
    '0x7f.1',
    'xn--a.test',
    'a\u0000.test',
  ])
    it(`refuses ${JSON.stringify(bad.slice(0, 30))}`, () => {
      const { ok, error } = parsePattern(bad);
      assert.equal(ok, undefined);
      assert.ok(error !== undefined && error.length > 5);
    });

  it('refuses a wildcard over a public suffix unless told to', () => {
    for (const text of ['*.co.uk', '.com', '*.de', '.gov.uk', '*.ck', '.foo.ck']) {
      assert.match(parsePattern(text).error ?? '', /public suffix/, text);
      assert.ok(parsePattern(text, { allowPublicSuffix: true }).ok, text);
    }
    // The exact name covers nobody else; hosting services and private tops are sensible wildcards.
    for (const text of ['co.uk', '*.github.io', '.internal', '*.corp', '*.example.co.uk', '.www.ck'])
      assert.ok(parsePattern(text).ok, text);
    assert.equal(isPublicSuffix('a.b.c.d.co.uk'), false);
  });

  it('round-trips through its text', () => {
    for (const text of ['example.com', '*.example.com', '.example.com', '.xn--bcher-kva.example'])
      assert.equal(patternText(parsePattern(text).ok ?? { name: '', match: 'exact' }), text);
  });

  it('takes the short way only where it gives what the canonical form gives', () => {
    const char = fc.constantFrom(...'abz019-_.AXxn', 'ü', '*');
    const near = fc.array(char, { maxLength: 12 }).map(c => c.join(''));
    fc.assert(
      fc.property(fc.oneof(near, fc.domain(), fc.string()), raw => {
        const host = canonicalHost(raw);
        const { ok } = patternOf(raw, 'exact');
        assert.equal(ok?.name, host.kind === 'name' ? host.name : undefined, raw);
      }),
      { numRuns: 2000 },
    );
  });
});
