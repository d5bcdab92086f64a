import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EXPORTERS, IMPORTERS } from '../../../src/policy/lists/formats.ts';
import { capabilities, exportList } from '../../../src/policy/lists/export.ts';
import type { Exporter } from '../../../src/policy/lists/writer.ts';
import { setOf } from '../../../src/policy/lists/tidy.ts';
import { MATCHES, parsePattern, patternCovers, patternText } from '../../../src/policy/pattern.ts';
import type { Pattern } from '../../../src/policy/pattern.ts';
import { entry, readList, writeList } from './helper.ts';

/** A small world in which names often lie in each other, with an underscore, a digit and an A-label in it. */
const label = fc.constantFrom('a', 'b', 'x-1', '_srv', 'xn--bcher-kva', '9');
const name = fc.array(label, { minLength: 0, maxLength: 3 }).map(l => [...l, 'd', 'test'].join('.'));
const pattern = fc.record({ name, match: fc.constantFrom(...MATCHES) });
const names = fc.array(name, { minLength: 1, maxLength: 30 });

/** Formats that are read back as something else than a list in their own name. */
const NOT_READ_BACK = new Set(['pac']);

describe('export', () => {
  for (const exporter of EXPORTERS)
    it(`${exporter.format}: what is written covers exactly what it should, what is withheld is told`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(pattern, { maxLength: 12 }),
          fc.array(pattern, { maxLength: 3 }),
          names,
          async (patterns, excepted, asked) => {
            await check(exporter, patterns, excepted, asked);
          },
        ),
        { numRuns: 150 },
      );
    });

  it('import of every export gives the same set, for every format that can be read', async () => {
    for (const exporter of EXPORTERS) {
      if (NOT_READ_BACK.has(exporter.format)) continue;
      assert.ok(
        IMPORTERS.some(i => i.format === exporter.format),
        exporter.format,
      );
      await fc.assert(
        fc.asyncProperty(fc.array(pattern, { maxLength: 20 }), async patterns => {
          const written = writeList(exporter.format, patterns.map(patternText));
          const read = await readBack(exporter, written.texts);
          assert.equal(read.allows.length, 0);
          const expected = setOf(writable(exporter, patterns));
          assert.deepEqual(sorted(read.denies), sorted([...expected.patterns()]));
        }),
        { numRuns: 100 },
      );
    }
  });

  it('refuses what makes no sense, with a hint', () => {
    assert.throws(() => writeList('excel', []), { name: 'ExportRefused', hint: /plain, csv/ });
    assert.throws(() => writeList('hosts', [], { action: 'allow' }), { name: 'ExportRefused', hint: /deny/ });
    assert.throws(() => writeList('plain', [], { name: '../x' }), { name: 'ExportRefused' });
  });

  it('leaves out what is said twice or covered, and counts it', () => {
    const written = writeList('plain', ['a.test', '.a.test', '*.a.test', 'b.a.test', '.c.test', 'c.test']);
    assert.deepEqual(written.lines, [['.a.test', '.c.test']]);
    assert.deepEqual([written.duplicates, written.covered], [3, 1]);
  });

  it('quotes only the first withheld entries', () => {
    const { withheld } = writeList(
      'hosts',
      Array.from({ length: 100 }, (_, i) => `.h${i}.test`),
    );
    assert.deepEqual([withheld.total, withheld.first.length], [100, 20]);
  });

  it('an exception that is not needed is not written: as an allow it would widen', () => {
    const { lines, exceptions } = writeList('adblock', ['.a.test'], {
      exceptions: ['.other.test', '.ok.a.test'],
    });
    assert.deepEqual(lines, [['[Adblock Plus]', '||a.test^', '@@||ok.a.test^']]);
    assert.equal(exceptions, 1);
  });

  it('every format says what it is, what it can express and what wins in it', () => {
    for (const e of EXPORTERS) {
      assert.ok(e.about.length > 10 && e.precedence.endsWith('.') && capabilities(e).length > 3, e.format);
      assert.ok(e.actions.includes('deny'));
    }
    assert.equal(new Set(EXPORTERS.map(e => e.format)).size, 16);
  });

  it('takes no notes away', () => {
    const report = exportList(
      'plain',
      { action: 'deny', entries: [entry('a.test')], exceptions: [], notes: ['x'] },
      { name: 'n', generated: '', policy: null },
    );
    assert.deepEqual(report.notes, ['x']);
  });
});

/** What an exporter should write of these patterns when there are no exceptions. */
function writable(exporter: Exporter, patterns: readonly Pattern[]): Pattern[] {
  const all = setOf(patterns);
  const minimal = [...all.patterns()].filter(
    p =>
      ![...all.patterns()].some(
        q => q.name !== p.name && patternCovers(q, `x.${p.name}`) && patternCovers(q, p.name),
      ),
  );
  return minimal.filter(p => exporter.matches.includes(p.match));
}

async function readBack(
  exporter: Exporter,
  texts: Record<string, string>,
): Promise<{ denies: Pattern[]; allows: Pattern[] }> {
  const denies: Pattern[] = [];
  const allows: Pattern[] = [];
  for (const text of Object.values(texts)) {
    const { full, rejects } = await readList(exporter.format, text, { allowPublicSuffix: true });
    assert.deepEqual(rejects, [], `${exporter.format} rejects its own export`);
    for (const e of full) (e.action === 'allow' ? allows : denies).push(e);
  }
  return { denies: [...setOf(denies).patterns()], allows: [...setOf(allows).patterns()] };
}

function sorted(patterns: readonly Pattern[]): string[] {
  return patterns.map(patternText).sort();
}

/**
 * With exceptions: a name that the written list covers must be one the policy means, and a name that is meant must be
 * covered unless an entry that covers it was withheld and told.
 */
async function check(
  exporter: Exporter,
  patterns: readonly Pattern[],
  excepted: readonly Pattern[],
  asked: readonly string[],
): Promise<void> {
  // As a selection hands them over: an exception lies below the entry it belongs to, never at its name.
  const exceptions = excepted.filter(e => !patterns.some(p => p.name === e.name));
  const written = writeList(exporter.format, patterns.map(patternText), {
    exceptions: exceptions.map(patternText),
  });
  if (NOT_READ_BACK.has(exporter.format)) return;
  const { denies, allows } = await readBack(exporter, written.texts);
  const told = new Set(written.withheld.first.map(w => w.pattern));
  for (const n of asked) {
    const means = longest(patterns, exceptions, n);
    const says =
      exporter.exceptions === 'they-win'
        ? longest(denies, [], n) && !longest(allows, [], n)
        : longest(denies, allows, n);
    if (says) assert.ok(means, `${exporter.format} widens: ${n}`);
    if (means && !says)
      assert.ok(
        [...told].some(t =>
          patternCovers(parsePattern(t, { allowPublicSuffix: true }).ok ?? assert.fail(), n),
        ),
        `${exporter.format} narrows in silence: ${n}`,
      );
  }
}

/** Whether the longest pattern that covers the name is one of the first kind. */
function longest(listed: readonly Pattern[], excepted: readonly Pattern[], name: string): boolean {
  const best = (of: readonly Pattern[]): number =>
    Math.max(-1, ...of.filter(p => patternCovers(p, name)).map(p => p.name.length));
  return best(listed) > best(excepted);
}
