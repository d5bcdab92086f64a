import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('plain', () => {
  it('reads our notation, comments, IDN and bare URLs; tells what it cannot take', async () => {
    const text =
      '# head\nexample.com\n*.Example.ORG # tail\n\n.bücher.test\nhttps://u.test/\nhttp://v.test:8080\n' +
      'http://w.test/malware.exe\n10.0.0.1\n*.co.uk\nbad..name\n';
    const { entries, rejects, report } = await readList('plain', text);
    assert.deepEqual(entries, ['example.com', '*.example.org', '.xn--bcher-kva.test', 'u.test', 'v.test']);
    assert.deepEqual(rejects, [
      '8: a URL with a path covers less than its host',
      '9: an address, not a domain name',
      '10: a wildcard over a public suffix',
      '11: empty label',
    ]);
    assert.equal(report.ignored, 2);
  });

  it('a bare name means what the reader says', async () => {
    const { entries } = await readList('plain', 'a.test\n*.b.test\n', { bare: 'both' });
    assert.deepEqual(entries, ['.a.test', '*.b.test']);
    assert.deepEqual((await readList('plain', '.co.uk\n', { allowPublicSuffix: true })).entries, ['.co.uk']);
  });

  it('writes every kind', () => {
    const { lines } = writeList('plain', ['a.test', '*.b.test', '.c.test']);
    assert.deepEqual(lines, [['a.test', '*.b.test', '.c.test']]);
  });
});
