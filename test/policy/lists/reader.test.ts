import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MAX_LINE, beforeHash, isSinkhole, lineReader } from '../../../src/policy/lists/reader.ts';
import type { Sink } from '../../../src/policy/lists/reader.ts';

function sink(): Sink & { rejects: number[] } {
  const rejects: number[] = [];
  return {
    rejects,
    entry: () => undefined,
    reject: line => void rejects.push(line),
    ignore: () => undefined,
  };
}

/** Lines and their numbers as a reader hands them over. */
function lines(pieces: string[], keepReturns = false): [number, string][] {
  const out: [number, string][] = [];
  const reader = lineReader((line, number) => void out.push([number, line]), sink(), keepReturns);
  for (const p of pieces) reader.write(p);
  reader.end();
  return out;
}

describe('reader', () => {
  it('gives lines with their numbers, however the text is cut', () => {
    const text = fc
      .array(fc.constantFrom('a', 'ü', '\n', '\r\n', ' ', '#'), { maxLength: 30 })
      .map(w => w.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(30)), (whole, cuts) => {
        const expected = whole.split('\n').map((l, i): [number, string] => [i + 1, l.replace(/\r$/, '')]);
        if (expected.at(-1)?.[1] === '' && !whole.endsWith('\r')) expected.pop();
        const at = [...new Set([0, ...cuts.filter(c => c < whole.length), whole.length])].sort(
          (a, b) => a - b,
        );
        const pieces = at.slice(1).map((to, i) => whole.slice(at[i], to));
        assert.deepEqual(lines(pieces), expected);
      }),
    );
  });

  it('drops a byte order mark and, unless told otherwise, the return before a line end', () => {
    assert.deepEqual(lines(['\ufeffa\r\nb\r']), [
      [1, 'a'],
      [2, 'b'],
    ]);
    assert.deepEqual(lines(['a\r\nb'], true), [
      [1, 'a\r'],
      [2, 'b'],
    ]);
  });

  it('rejects a line that is too long once, and goes on after it', () => {
    for (const pieces of [
      ['x'.repeat(MAX_LINE + 1), '\na\n'],
      [`${'x'.repeat(MAX_LINE * 3)}\na\n`],
      ['x'.repeat(MAX_LINE), 'xx', 'x'.repeat(MAX_LINE * 2), '\na'],
    ]) {
      const to = sink();
      const seen: number[] = [];
      const reader = lineReader((_, number) => void seen.push(number), to);
      for (const p of pieces) reader.write(p);
      reader.end();
      assert.deepEqual([to.rejects, seen], [[1], [2]]);
    }
  });

  it('knows comments and the addresses of nowhere', () => {
    assert.equal(beforeHash('  a # b'), 'a');
    assert.equal(beforeHash('# b'), '');
    for (const a of ['0.0.0.0', '127.0.0.1', '::', '::1', '0']) assert.ok(isSinkhole(a), a);
    for (const a of ['10.0.0.1', '', 'localhost', '::2']) assert.ok(!isSinkhole(a), a);
  });
});
