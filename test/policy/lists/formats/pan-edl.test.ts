import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('pan-edl', () => {
  it('reads and writes stars, and takes no placeholder of one label', async () => {
    const { entries, rejects } = await readList('pan-edl', 'a.test\n*.b.test\nc.test/\n^.d.test\n');
    assert.deepEqual(entries, ['a.test', '*.b.test', 'c.test']);
    assert.deepEqual(rejects, ['4: the placeholder ^ covers exactly one label']);
    assert.deepEqual(writeList('pan-edl', ['a.test', '.b.test', '*.c.test']).lines, [
      ['a.test', 'b.test', '*.b.test', '*.c.test'],
    ]);
  });
});
