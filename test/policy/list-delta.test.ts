import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { compileDomainSet, openDomainSet, parsePattern, patternText } from '../../src/policy/domain-set.ts';
import type { DomainSet, Pattern } from '../../src/policy/domain-set.ts';
import { listDelta } from '../../src/policy/list-delta.ts';
import { MATCHES } from '../../src/policy/pattern.ts';

const setOf = (patterns: Iterable<Pattern>): DomainSet => openDomainSet(compileDomainSet(patterns));
const texts = (...patterns: string[]): DomainSet =>
  setOf(
    patterns.map(text => {
      const parsed = parsePattern(text);
      assert.ok(parsed.ok);
      return parsed.ok;
    }),
  );
const breathe = (): Promise<void> => Promise.resolve();

it('counts what came and went, a changed kind as both, and names the first', async () => {
  const delta = await listDelta(
    texts('a.test', 'b.test', '.c.test'),
    texts('b.test', 'c.test', 'd.test'),
    breathe,
  );
  assert.deepEqual([delta.added, delta.removed], [2, 2]);
  assert.deepEqual(delta.sample.sort(), ['+ c.test', '+ d.test', '- .c.test', '- a.test']);
  const many = Array.from({ length: 30_000 }, (_, i) => `h${i}.test`);
  let breaths = 0;
  const long = await listDelta(texts(), texts(...many), () => {
    breaths++;
    return Promise.resolve();
  });
  assert.deepEqual([long.added, long.removed, long.sample.length, breaths], [30_000, 0, 10, 1]);
});

it('equals the difference of plain sets', async () => {
  const pattern = fc.record({
    name: fc.constantFrom('a.test', 'b.test', 'x.a.test', 'c.d.test'),
    match: fc.constantFrom(...MATCHES),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(pattern, { maxLength: 8 }),
      fc.array(pattern, { maxLength: 8 }),
      async (a, b) => {
        const [before, after] = [setOf(a), setOf(b)];
        const [was, is] = [before, after].map(s => new Set([...s.patterns()].map(patternText)));
        assert.ok(was !== undefined && is !== undefined);
        const delta = await listDelta(before, after, breathe);
        assert.equal(delta.added, [...is].filter(p => !was.has(p)).length);
        assert.equal(delta.removed, [...was].filter(p => !is.has(p)).length);
      },
    ),
    { numRuns: 100 },
  );
});
