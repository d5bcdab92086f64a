import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openDomainSet } from '../../src/policy/domain-set.ts';
import { readListText } from '../../src/policy/list-text.ts';
import type { ListText } from '../../src/policy/list-text.ts';
import { patternText } from '../../src/policy/pattern.ts';

async function read(text: string, piece = 1 << 16, allowPublicSuffix = false): Promise<ListText> {
  const bytes = Buffer.from(text);
  const chunks = (async function* () {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  })();
  return readListText(chunks, { allowPublicSuffix, breathe: async () => undefined });
}

describe('list text', () => {
  const text = '\ufeff# head\n.a.test\r\n  *.bücher.test # tail\n\nc.test';

  it('reads patterns, comments, blank lines, a byte order mark, any line end', async () => {
    const { buffer, problems } = await read(text);
    assert.deepEqual(problems, []);
    assert.deepEqual([...openDomainSet(buffer).patterns()].map(patternText), [
      '.a.test',
      '*.xn--bcher-kva.test',
      'c.test',
    ]);
  });

  it('is the same however it is cut', async () => {
    const whole = await read(text);
    for (const piece of [1, 2, 3, 7])
      assert.ok((await read(text, piece)).buffer.equals(whole.buffer), `${piece}`);
  });

  it('tells every kind of bad line with its place, and counts what it does not tell', async () => {
    const { problems } = await read('a.test\n  bad..test\n*.co.uk\n10.0.0.1\n');
    assert.deepEqual(
      problems.map(p => [p.line, p.column]),
      [
        [2, 3],
        [3, 1],
        [4, 1],
      ],
    );
    assert.match(problems[1]?.hint ?? '', /allow-public-suffix/);
    assert.equal((await read('*.co.uk\n', 100, true)).problems.length, 0);
    const many = await read('bad..test\n'.repeat(1000));
    assert.equal(many.problems.length, 20);
    assert.match(many.problems[19]?.message ?? '', /980 further/);
  });

  it('gives up on bytes without lines', async () => {
    const { problems } = await read('x'.repeat(100_000), 10_000);
    assert.equal(problems.length, 1);
  });
});
