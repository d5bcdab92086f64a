import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('haproxy', () => {
  it('reads a leading dot as an ending that misses the name itself', async () => {
    const { entries, rejects } = await readList('haproxy', '# acl\na.test\n.b.test\nbad..name\n');
    assert.deepEqual(entries, ['a.test', '*.b.test']);
    assert.deepEqual(rejects, ['4: empty label']);
  });

  it('writes two files, and never an ending without its dot', () => {
    const written = writeList('haproxy', ['a.test', '.b.test', '*.c.test']);
    assert.deepEqual(written.lines, [
      ['a.test', 'b.test'],
      ['.b.test', '.c.test'],
    ]);
  });
});
