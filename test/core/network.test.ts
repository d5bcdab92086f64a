import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addressText,
  classifyAddress,
  inNetworks,
  parseAddress,
  parseNetwork,
} from '../../src/core/network.ts';
import type { Network } from '../../src/core/network.ts';

const networks = (...texts: string[]): Network[] =>
  texts.map(text => parseNetwork(text) ?? assert.fail(`${text} is no network`));

describe('addresses', () => {
  it('are the same whichever way IPv4 is mapped', () => {
    assert.equal(addressText('::ffff:10.0.0.1'), '10.0.0.1');
    assert.equal(addressText('::FFFF:0a00:0001'), '10.0.0.1');
    assert.equal(addressText('2001:DB8:0:0::1'), '2001:db8::1');
    assert.equal(addressText('fe80::1%eth0'), 'fe80::1');
  });

  it('in decimal, octal or hexadecimal spelling are none', () => {
    for (const text of ['2130706433', '0x7f000001', '0177.0.0.1', '127.1', '', 'example.com'])
      assert.equal(parseAddress(text), null, text);
  });
});

describe('networks', () => {
  it('contain what lies in them and nothing else', () => {
    const private10 = networks('10.0.0.0/8');
    assert.equal(inNetworks('10.255.255.255', private10), true);
    assert.equal(inNetworks('::ffff:10.1.2.3', private10), true);
    assert.equal(inNetworks('11.0.0.0', private10), false);
    assert.equal(inNetworks('::a00:1', private10), false);
    assert.equal(inNetworks('no address', private10), false);
    assert.equal(inNetworks('10.0.0.1', []), false);
    assert.equal(inNetworks('fd00::1', networks('fc00::/7')), true);
    assert.equal(inNetworks('127.0.0.1', networks('::/0')), false);
    assert.equal(inNetworks('192.0.2.7', networks('192.0.2.7')), true);
  });

  it('refuse host bits, foreign prefixes and other text', () => {
    for (const text of [
      '10.0.0.1/8',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/-1',
      '10.0.0.0/8/8',
      '/8',
      'x/8',
      '::1/0',
    ])
      assert.equal(parseNetwork(text), null, text);
  });

  it('of full length contain exactly their address', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (a, b) => {
        assert.equal(inNetworks(b, networks(a)), a === b);
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe('classes of addresses', () => {
  for (const [text, kind] of [
    ['127.0.0.1', 'loopback'],
    ['127.255.0.9', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['2002:7f00:1::', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['169.254.10.10', 'link-local'],
    ['fe80::1', 'link-local'],
    ['169.254.169.254', 'metadata'],
    ['::ffff:169.254.169.254', 'metadata'],
    ['64:ff9b::a9fe:a9fe', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['10.1.2.3', 'private'],
    ['172.31.0.1', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12::1', 'private'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'multicast'],
    ['ff02::1', 'multicast'],
    ['192.0.2.1', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['no address', 'reserved'],
    ['1.1.1.1', 'public'],
    ['172.32.0.1', 'public'],
    ['2606:4700::1111', 'public'],
  ] as const)
    it(`${text} is ${kind}`, () => {
      assert.equal(classifyAddress(text), kind);
    });
});
