import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('unbound', () => {
  const text = `server:
  local-zone: "ads.test." always_nxdomain
  local-zone: a.test redirect
  local-zone: "ok.ads.test" transparent
  local-data: "www.b.test A 0.0.0.0"
  local-data: 'www.b.test. 300 IN AAAA ::'
  local-data: "intra.test A 10.0.0.1"
  local-zone: "c.test" sideways
  interface: 0.0.0.0
`;

  it('reads zones as names with subdomains and data as single hosts', async () => {
    const { entries, rejects } = await readList(null, text);
    assert.deepEqual(entries, [
      'deny .ads.test',
      'deny .a.test',
      'allow .ok.ads.test',
      'deny www.b.test',
      'deny www.b.test',
    ]);
    assert.deepEqual(rejects, [
      '7: answers with another record',
      '8: unknown type of zone',
      '9: neither local-zone nor local-data',
    ]);
  });

  it('writes both forms, and lets single hosts through for nobody', () => {
    const written = writeList('unbound', ['.a.test', 'b.test', '*.c.test'], { exceptions: ['.ok.a.test'] });
    assert.deepEqual(written.lines, [
      [
        'server:',
        '  local-zone: "a.test." always_nxdomain',
        '  local-data: "b.test. A 0.0.0.0"',
        '  local-data: "b.test. AAAA ::"',
        '  local-zone: "ok.a.test." always_transparent',
      ],
    ]);
    const passing = writeList('unbound', ['.a.test', 'b.test'], { action: 'allow' });
    assert.deepEqual(passing.lines, [['server:', '  local-zone: "a.test." always_transparent']]);
    assert.equal(passing.withheld.total, 1);
  });
});
