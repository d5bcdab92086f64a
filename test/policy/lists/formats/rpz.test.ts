import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('rpz', () => {
  const text = `$TTL 1h
@ IN SOA localhost. root.localhost. (
  1 ; serial
  3600 600 86400 300 )
  IN NS localhost.
ads.test CNAME .
*.ads.test 300 IN CNAME .
 CNAME *.
ok.ads.test CNAME rpz-passthru.
d.test CNAME rpz-drop.
e.test A 0.0.0.0
e.test AAAA ::
f.test A 10.0.0.1
g.test CNAME walled.garden.
32.1.0.0.127.rpz-ip CNAME .
ns.evil.test.rpz-nsdname CNAME .
absolute.test. CNAME .
$ORIGIN zone.example.
h.test CNAME .
i.test.zone.example. CNAME .
$INCLUDE x
bad..name CNAME .
`;

  it('reads triggers on names, with origins, continued owners and parentheses', async () => {
    const { entries, rejects } = await readList(null, text);
    assert.deepEqual(entries, [
      'deny ads.test',
      'deny *.ads.test',
      'deny *.ads.test',
      'allow ok.ads.test',
      'deny d.test',
      'deny e.test',
      'deny e.test',
      'deny h.test',
      'deny i.test',
    ]);
    assert.deepEqual(rejects, [
      '13: answers with another record',
      '14: answers with another record',
      '15: looks at addresses or name servers',
      '16: looks at addresses or name servers',
      '17: outside the zone',
      '21: a directive that is not understood',
      '22: empty label',
    ]);
  });

  it('writes two records for a name with its subdomains, and a serial that grows', () => {
    const written = writeList('rpz', ['.a.test', 'b.test', '*.c.test'], { exceptions: ['.ok.a.test'] });
    assert.deepEqual(written.lines[0]?.slice(4), [
      'a.test CNAME .',
      '*.a.test CNAME .',
      'b.test CNAME .',
      '*.c.test CNAME .',
      'ok.a.test CNAME rpz-passthru.',
      '*.ok.a.test CNAME rpz-passthru.',
    ]);
    assert.match(written.lines[0]?.[2] ?? '', /^@ SOA localhost\. hostmaster\.localhost\. 217339200 /);
  });

  it('keeps wildcards whole around exceptions: names on the way to a record exist, so they need records', () => {
    const written = writeList('rpz', ['.a.test'], { exceptions: ['x.y.a.test', '*.z.a.test'] });
    assert.deepEqual(written.lines[0]?.slice(4), [
      'a.test CNAME .',
      '*.a.test CNAME .',
      'x.y.a.test CNAME rpz-passthru.',
      '*.z.a.test CNAME rpz-passthru.',
      '*.x.y.a.test CNAME .',
      'y.a.test CNAME .',
      '*.y.a.test CNAME .',
      'z.a.test CNAME .',
    ]);
  });
});
