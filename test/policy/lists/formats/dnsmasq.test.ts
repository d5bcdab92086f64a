import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('dnsmasq', () => {
  const text = `# c
address=/ads.test/
address=/a.test/b.test/0.0.0.0
address=/c.test/#
address=/.d.test/::
local=/e.test/
server=/f.test/
server=/ok.ads.test/#
address=/intra.test/10.0.0.1
server=/corp.test/10.0.0.53
address=/#/0.0.0.0
address=/*.g.test/
port=53
address=/bad..name/ # tail
`;

  it('reads refusals and passes; rejects answers and servers', async () => {
    const { entries, rejects } = await readList(null, text);
    assert.deepEqual(entries, [
      'deny .ads.test',
      'deny .a.test',
      'deny .b.test',
      'deny .c.test',
      'deny .d.test',
      'deny .e.test',
      'deny .f.test',
      'allow .ok.ads.test',
    ]);
    assert.deepEqual(rejects, [
      '9: answers with another address or server',
      '10: answers with another address or server',
      '11: covers every name',
      '12: a star inside a name',
      '13: not of the form address=/name/',
      '14: empty label',
    ]);
  });

  it('writes names with their subdomains only', () => {
    const written = writeList('dnsmasq', ['.a.test', 'b.test', '*.c.test'], { exceptions: ['.ok.a.test'] });
    assert.deepEqual(written.lines, [['address=/a.test/', 'server=/ok.a.test/#']]);
    assert.equal(written.withheld.total, 2);
    assert.deepEqual(writeList('dnsmasq', ['.a.test'], { exceptions: ['ok.a.test'] }).lines, [[]]);
  });
});
