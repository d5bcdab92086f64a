import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalHost, splitHostPort } from '../../src/core/host-name.ts';

describe('canonicalHost', () => {
  for (const [given, name] of [
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['ＥＸＡＭＰＬＥ.com', 'example.com'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['localhost', 'localhost'],
    ['a'.repeat(63) + '.test', 'a'.repeat(63) + '.test'],
    ['1.2.3.4.example', '1.2.3.4.example'],
  ] as const)
    it(`reads ${JSON.stringify(given)} as the name ${name}`, () => {
      assert.deepEqual(canonicalHost(given), { kind: 'name', name });
    });

  for (const [given, name, family] of [
    ['192.0.2.1', '192.0.2.1', 4],
    ['[2001:DB8:0:0:0:0:0:1]', '2001:db8::1', 6],
    ['::1', '::1', 6],
  ] as const)
    it(`reads ${given} as an address`, () => {
      assert.deepEqual(canonicalHost(given), { kind: 'ip', name, family });
    });

  for (const given of [
    '',
    '.',
    '..',
    'a..b',
    '.example.com',
    'example.com..',
    'a b',
    'a\0b',
    'a\nb',
    'a/b',
    'user@host',
    'host:80',
    '*.example.com',
    '-a.example',
    'a-.example',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '127.1',
    '0177.0.0.1',
    '127.0.0.01',
    '256.1.1.1',
    '1.2.3.4.5',
    '[::1',
    '::1%eth0',
    '[fe80::1%25eth0]',
    'xn--\u00fc.test',
    'xn--a.test',
    'xn--a-.test',
    'xn--.test',
    'xn--99999.test',
    'a.xn--zzzzzzzz--.test',
    'a'.repeat(64) + '.test',
    ('a'.repeat(60) + '.').repeat(5) + 'test',
    'x'.repeat(100_000),
  ])
    it(`refuses ${JSON.stringify(given.length > 40 ? `${given.slice(0, 40)}…` : given)}`, () => {
      assert.equal(canonicalHost(given).kind, 'invalid');
    });

  it('never throws, and a canonical name is its own canonical form', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.stringMatching(/^[a-zA-Z0-9._\-[\]:%*]{0,80}$/),
      fc.domain(),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(text, given => {
        const first = canonicalHost(given);
        if (first.kind === 'invalid') return;
        assert.deepEqual(canonicalHost(first.name), first);
        assert.match(first.name, /^[a-z0-9._:-]+$/);
      }),
      { seed: 20_261_120, numRuns: 2000 },
    );
  });
});

describe('splitHostPort', () => {
  it('separates host and port and knows brackets', () => {
    assert.deepEqual(splitHostPort('example.com:443', null), { host: 'example.com', port: 443 });
    assert.deepEqual(splitHostPort('[::1]:8080', null), { host: '[::1]', port: 8080 });
    assert.deepEqual(splitHostPort('example.com', 80), { host: 'example.com', port: 80 });
  });

  it('refuses what has no port when there is no default, and what is neither', () => {
    for (const text of [
      'example.com',
      '',
      ':80',
      '::1',
      '[::1]x:80',
      'a:b',
      'a:65536',
      'a:-1',
      'a:80:90',
      'a:080000',
    ])
      assert.equal(splitHostPort(text, null), null, text);
  });
});
