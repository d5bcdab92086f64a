import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('adblock', () => {
  const text = `[Adblock Plus 2.0]
! Title: x
||ads.test^
||B.test^$important
@@||ok.ads.test^
||*.c.test^
||d.test^|
||e.test^$third-party
||f.test
||g.test/banner
||h.test^path
/regex[0-9]+/
|https://i.test/
j.test
k.test##.ad
k.test#@#.ad
##.banner
# comment
`;

  it('reads blocks, exceptions and stars; rejects what looks at more than the name', async () => {
    const { entries, rejects } = await readList(null, text);
    assert.deepEqual(entries, [
      'deny .ads.test',
      'deny .b.test',
      'allow .ok.ads.test',
      'deny *.c.test',
      'deny .d.test',
    ]);
    assert.deepEqual(rejects, [
      '8: a modifier that a pattern cannot express',
      '9: without ^ it also covers longer names',
      '10: looks at the path',
      '11: looks at the path',
      '12: a regular expression',
      '13: not of the form ||name^',
      '14: not of the form ||name^',
    ]);
  });

  it('writes exceptions, and withholds names that lie inside one, because it always wins', () => {
    const written = writeList('adblock', ['.bad.test', '.x.ok.bad.test', 'one.test'], {
      exceptions: ['.ok.bad.test'],
    });
    assert.deepEqual(written.lines, [['[Adblock Plus]', '||bad.test^', '@@||ok.bad.test^']]);
    assert.deepEqual(
      written.withheld.first.map(w => w.pattern),
      ['.x.ok.bad.test', 'one.test'],
    );
  });

  it('writes a list of names to let through as exceptions', () => {
    const { lines } = writeList('adblock', ['.a.test'], { action: 'allow' });
    assert.deepEqual(lines, [['[Adblock Plus]', '@@||a.test^']]);
  });
});
