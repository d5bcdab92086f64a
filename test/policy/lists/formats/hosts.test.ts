import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('hosts', () => {
  const text = `# StevenBlack-like
127.0.0.1 localhost
127.0.0.1 localhost.localdomain
255.255.255.255 broadcasthost
::1 ip6-localhost ip6-loopback
fe80::1%lo0 localhost
ff02::1 ip6-allnodes
0.0.0.0 0.0.0.0
0.0.0.0 ads.test # comment
0.0.0.0 a.test B.test
:: c.test
192.168.1.1 router.test
garbage
0.0.0.0
0.0.0.0 bad..name
`;

  it('reads blocks, several names on a line, and leaves the furniture', async () => {
    const { entries, rejects } = await readList(null, text);
    assert.deepEqual(entries, ['deny ads.test', 'deny a.test', 'deny b.test', 'deny c.test']);
    assert.deepEqual(rejects, [
      '12: points to an address, so it is no block',
      '13: does not begin with an address',
      '14: an address without a name',
      '15: empty label',
    ]);
  });

  it('writes single hosts and withholds what covers more, unless told to narrow', () => {
    const written = writeList('hosts', ['a.test', '.b.test', '*.c.test']);
    assert.deepEqual(written.lines, [['0.0.0.0 a.test']]);
    assert.equal(written.withheld.total, 2);
    const narrowed = writeList('hosts', ['a.test', '.b.test', '*.c.test'], { narrow: true });
    assert.deepEqual(narrowed.lines, [['0.0.0.0 a.test', '0.0.0.0 b.test']]);
    assert.deepEqual([narrowed.withheld.total, narrowed.narrowed.total], [1, 1]);
  });

  it('cannot say what passes', () => {
    assert.throws(
      () => writeList('hosts', ['a.test'], { action: 'passthrough' }),
      /cannot say "passthrough"/,
    );
  });
});
