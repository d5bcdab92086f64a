import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('squidguard', () => {
  it('reads domains files, which always cover subdomains', async () => {
    const { entries, rejects } = await readList('squidguard', 'a.test\n.b.test\nc.test/path\n# x\n');
    assert.deepEqual(entries, ['deny .a.test', 'deny .b.test']);
    assert.deepEqual(rejects, ['3: a URL with a path covers less than its host']);
  });

  it('writes a category folder', () => {
    const written = writeList('squidguard', ['.a.test', 'b.test']);
    assert.deepEqual(Object.keys(written.texts), ['names/domains', 'names/urls']);
    assert.deepEqual(written.lines, [['a.test'], []]);
    assert.equal(written.withheld.total, 1);
  });
});
