import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FlowFacts } from '../../src/core/facts.ts';
import { decide } from '../../src/policy/decide.ts';
import { Implication, coversPattern, excludes } from '../../src/policy/implies.ts';
import { setOf } from '../../src/policy/lists/tidy.ts';
import { MATCHES, patternCovers } from '../../src/policy/pattern.ts';
import type { Condition, PolicyDocument } from '../../src/policy/rule.ts';
import { lateFactsOf } from '../../src/policy/rule.ts';
import { anyDocument, anyFlow } from './arbitraries.ts';
import { compiledOf, documentOf } from './facts.ts';

const NONE = new Implication(new Map());

function host(...patterns: string[]): Condition {
  return { test: 'host', patterns, lists: [], networks: [] };
}

describe('implies', () => {
  it('is sound: what meets the one meets the other, and what excludes the other never meets it', () => {
    let proofs = 0;
    fc.assert(
      fc.property(anyDocument, fc.array(anyFlow, { minLength: 30, maxLength: 30 }), (document, flows) => {
        const conditions = document.rules.flatMap(r => (r.when === null ? [] : partsOf(r.when)));
        const early = conditions.filter(c => !lateFactsOf(c).origin && !lateFactsOf(c).request);
        const lists = new Map([...compiledOf(document).lists].map(([name, l]) => [name, l.set]));
        const implication = new Implication(lists);
        const met = early.map(c => meets(c, document, flows));
        for (const [i, a] of early.entries())
          for (const [j, b] of early.entries()) {
            const implied = i !== j && implication.holds(a, b);
            const excluded = i !== j && excludes(a, b);
            if (!implied && !excluded) continue;
            proofs++;
            for (const [k, holds] of (met[i] ?? []).entries()) if (holds) assert.equal(met[j]?.[k], implied);
          }
      }),
      { numRuns: 200 },
    );
    assert.ok(proofs > 50, `only ${proofs} proofs were met`);
  });

  it('proves what it should', () => {
    const cases: [a: Condition | null, b: Condition | null, proven: boolean][] = [
      [null, null, true],
      [null, host('a.test'), false],
      [host('a.test'), null, true],
      [host('www.a.test'), host('.a.test'), true],
      [host('.a.test'), host('*.a.test'), false],
      [host('.a.test'), host('a.test', '*.a.test'), true],
      [host('*.b.a.test'), host('*.a.test'), true],
      [{ test: 'client', networks: ['10.1.0.0/16'] }, { test: 'client', networks: ['10.0.0.0/8'] }, true],
      [{ test: 'client', networks: ['10.0.0.0/8'] }, { test: 'client', networks: ['10.1.0.0/16'] }, false],
      [{ test: 'user', values: ['*'] }, { test: 'user', values: ['bob'] }, false],
      [{ test: 'listener', values: ['[::]:8080'] }, { test: 'listener', values: [':8080'] }, true],
      [{ test: 'not', of: host('.a.test') }, { test: 'not', of: host('www.a.test') }, true],
      [{ test: 'not', of: host('www.a.test') }, { test: 'not', of: host('.a.test') }, false],
      [
        { test: 'scheme', values: ['http'] },
        { test: 'not', of: { test: 'scheme', values: ['https'] } },
        true,
      ],
      [{ test: 'all', of: [host('a.test'), { test: 'no-sni', value: false }] }, host('.a.test'), true],
      [
        { test: 'any', of: [host('a.test'), host('b.test')] },
        { test: 'any', of: [host('.b.test'), host('.a.test')] },
        true,
      ],
    ];
    for (const [a, b, proven] of cases)
      assert.equal(NONE.holds(a, b), proven, `${JSON.stringify(a)} => ${JSON.stringify(b)}`);
  });

  it('a pattern is covered when all its names are', () => {
    const name = fc
      .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 })
      .map(l => `${l.join('.')}.test`);
    const pattern = fc.record({ name, match: fc.constantFrom(...MATCHES) });
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 4 }),
        pattern,
        fc.array(name, { maxLength: 20 }),
        (set, p, names) => {
          if (!coversPattern([setOf(set)], p)) return;
          for (const n of [...names, p.name, `zzz.${p.name}`])
            if (patternCovers(p, n)) assert.ok(set.some(q => patternCovers(q, n)));
        },
      ),
    );
  });
});

/** A condition with everything inside it: those imply each other often. */
function partsOf(c: Condition): Condition[] {
  if (c.test === 'not') return [c, ...partsOf(c.of)];
  return c.test === 'all' || c.test === 'any' ? [c, ...c.of.flatMap(partsOf)] : [c];
}

/** Which flows meet a condition when the rules run on their name: one rule that says so, all doubt left aside. */
function meets(when: Condition, document: PolicyDocument, flows: readonly FlowFacts[]): boolean[] {
  const base = documentOf('version: 1\n');
  const rule = {
    ...base.default,
    name: 'r',
    action: 'inspect' as const,
    when,
    owner: null,
    expires: null,
    rollout: null,
  };
  const policy = compiledOf({ ...base, lists: document.lists, rules: [rule] });
  return flows.map(facts => decide({ ...facts, outcome: 'none' }, policy).rule === 'r');
}
