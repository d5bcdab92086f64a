import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../../src/policy/decide.ts';
import { selectFromPolicy, selectList } from '../../../src/policy/lists/select.ts';
import { patternCovers, patternText } from '../../../src/policy/pattern.ts';
import type { Pattern } from '../../../src/policy/pattern.ts';
import type { PolicyDocument } from '../../../src/policy/rule.ts';
import { compiledOf, documentOf, flow, policyOf } from '../facts.ts';

const NOW = Date.UTC(2026, 10, 20);

/** Patterns and exceptions of a selection in our notation. */
function select(
  yaml: string,
  action: 'deny' | 'allow' | 'passthrough',
): { is: string[]; but: string[]; notes: string[] } {
  const { entries, exceptions, notes } = selectFromPolicy(policyOf(yaml), action, NOW);
  return { is: [...entries].map(patternText), but: [...exceptions].map(patternText), notes };
}

describe('select', () => {
  it('takes names of rules in order, leaves out what an earlier rule decides, keeps exceptions', () => {
    const yaml = `version: 1
default: inspect
lists: { bad: { domains: [ .bad.test, one.test ] } }
rules:
  - { name: deep, when: { host: x.ok.bad.test }, action: block }
  - { name: ok, when: { host: [ .ok.bad.test, one.test, .unrelated.test ] }, action: passthrough, owner: me, reason: Because. }
  - { name: bad, when: { host: 'list:bad' }, action: block }
  - { name: late, when: { host: .late.bad.test }, action: passthrough }
`;
    assert.deepEqual(select(yaml, 'deny'), {
      is: ['x.ok.bad.test', '.bad.test'],
      but: ['.ok.bad.test'],
      notes: [],
    });
    const passing = select(yaml, 'passthrough');
    assert.deepEqual(passing.is, ['.ok.bad.test', 'one.test', '.unrelated.test']);
    assert.deepEqual(passing.but, ['x.ok.bad.test']);
    const [entry] = selectFromPolicy(policyOf(yaml), 'passthrough', NOW).entries;
    assert.deepEqual(
      [entry?.action, entry?.source, entry?.addedBy, entry?.comment],
      ['passthrough', 'rule ok', 'me', 'Because.'],
    );
  });

  it('takes a name apart from its subdomains where rules do', () => {
    const yaml = `version: 1
rules:
  - { name: a, when: { host: a.test }, action: inspect }
  - { name: b, when: { host: .a.test }, action: block }
`;
    assert.deepEqual(select(yaml, 'deny').is, ['*.a.test']);
    assert.deepEqual(select(yaml, 'deny').but, []);
  });

  it('notes what a list of names cannot say', () => {
    const { is, notes } = select(
      `version: 1
rules:
  - { name: night, when: { host: n.test, time: { window: '22:00-06:00', zone: UTC } }, action: block }
  - { name: guests, when: { host: .g.test, client: 10.0.0.0/8 }, action: inspect }
  - { name: trial, when: { host: t.test }, rollout: 5%, action: block }
  - { name: gone, when: { host: e.test }, expires: 2026-01-01, action: block }
  - { name: net, when: { host: [ 10.0.0.0/8, i.test ] }, action: block }
  - { name: either, when: { any: [ { host: a.test }, { host: b.test } ] }, action: block }
  - { name: rest, action: block }
  - { name: never, when: { host: never.test }, action: block }
`,
      'deny',
    );
    assert.deepEqual(is, ['i.test', 'a.test', 'b.test']);
    assert.equal(notes.length, 6);
    for (const [i, word] of ['night', 'guests', 'trial', 'gone', 'net', 'rest'].entries())
      assert.match(notes[i] ?? '', new RegExp(`"${word}"`));
    assert.match(select('version: 1\n', 'deny').notes[0] ?? '', /default/);
  });

  it('gives one list whole, or null', () => {
    const policy = policyOf('version: 1\nlists: { l: { domains: [ .a.test ] } }\n');
    assert.deepEqual([...(selectList(policy, 'l', 'deny')?.entries ?? [])].map(patternText), ['.a.test']);
    assert.equal(selectList(policy, 'm', 'deny'), null);
  });

  it('means what the policy decides, for policies of host rules', () => {
    const name = fc
      .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 })
      .map(l => `${l.join('.')}.test`);
    const host = fc.tuple(fc.constantFrom('', '.', '*.'), name).map(([kind, n]) => kind + n);
    const rule = fc.record({
      patterns: fc.array(host, { minLength: 1, maxLength: 3 }),
      action: fc.constantFrom('block' as const, 'inspect' as const, 'passthrough' as const),
    });
    const base = documentOf('version: 1\ndefault: inspect\n');
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), fc.array(name, { maxLength: 10 }), (rules, names) => {
        const document: PolicyDocument = {
          ...base,
          rules: rules.map((r, i) => ({
            ...base.default,
            name: `r${i}`,
            action: r.action,
            when: { test: 'host', patterns: r.patterns, lists: [], networks: [] },
            owner: null,
            expires: null,
            rollout: null,
          })),
        };
        const policy = compiledOf(document);
        const { entries, exceptions } = selectFromPolicy(policy, 'deny', NOW);
        for (const n of names) {
          const blocked = decide(flow(n), policy).action === 'block';
          assert.equal(longest([...entries], n) > longest([...exceptions], n), blocked, n);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** Length of the longest pattern that covers the name, or -1. */
function longest(patterns: readonly Pattern[], name: string): number {
  return Math.max(-1, ...patterns.filter(p => patternCovers(p, name)).map(p => p.name.length));
}
