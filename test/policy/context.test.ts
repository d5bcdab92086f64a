import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inNetworks, parseAddress, parseNetwork } from '../../src/core/network.ts';
import { NetworkTest, ZoneClock, numericAddress } from '../../src/policy/context.ts';

describe('context', () => {
  it('networks agree with core/network for any address', () => {
    const four = fc.tuple(fc.nat(3), fc.nat(255), fc.nat(255), fc.nat(255)).map(o => o.join('.'));
    const six = fc.ipV6().filter(a => parseAddress(a) !== null);
    const address = fc.oneof(
      four,
      six,
      four.map(a => `::ffff:${a}`),
    );
    const network = fc
      .oneof(fc.tuple(four, fc.nat(32)), fc.tuple(six, fc.nat(128)))
      .map(([a, bits]) => `${a}/${bits}`)
      .filter(text => parseNetwork(text) !== null);
    fc.assert(
      fc.property(address, fc.array(fc.oneof(network, address), { maxLength: 4 }), (a, texts) => {
        const networks = texts.flatMap(t => {
          const n = parseNetwork(t);
          return n === null ? [] : [n];
        });
        assert.equal(new NetworkTest(texts).holds(numericAddress(a)), inNetworks(a, networks));
      }),
    );
  });

  it('what is no address lies in no network', () => {
    for (const text of ['', 'x', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1..2.3', '01234.1.1.1'])
      assert.equal(numericAddress(text), null, text);
    assert.equal(new NetworkTest(['0.0.0.0/0', '::/0']).holds(null), false);
    assert.throws(() => new NetworkTest(['x']), /network/);
  });

  it('a zone tells day and minute, and does not mix its minutes up', () => {
    const nepal = new ZoneClock('Asia/Kathmandu');
    const at = Date.UTC(2026, 10, 20, 18, 14, 59);
    assert.deepEqual(nepal.at(at), { day: 5, minute: 23 * 60 + 59 });
    assert.deepEqual(nepal.at(at + 1000), { day: 6, minute: 0 });
    assert.deepEqual(nepal.at(at), { day: 5, minute: 23 * 60 + 59 });
  });
});
