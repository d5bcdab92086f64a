import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/policy/decide.ts';
import { explain } from '../../src/policy/explain.ts';
import { anyFlow, documentWith } from './arbitraries.ts';
import { compiledOf, flow, policyOf } from './facts.ts';
import { judge } from './reference.ts';

/** Rules that name hosts in every way, beyond the length up to which all are asked. */
const MANY = `version: 1
default: inspect
lists:
  one: { domains: [.listed.test] }
rules:
  - { name: user, when: { user: ada, host: .a.test }, action: block }
  - { name: any, when: { any: [{ host: b.test }, { port: 8443 }] }, action: block }
  - { name: network, when: { host: [c.test, 192.0.2.0/24] }, action: block }
  - { name: not, when: { not: { host: [.test, .example] } }, action: block }
  - { name: list, when: { host: 'list:one' }, action: passthrough }
${Array.from({ length: 30 }, (_, i) => `  - { name: r${i}, when: { host: '*.r${i}.test' }, action: block }`).join('\n')}
  - { name: last, when: { client: 10.9.0.0/16 }, action: block }
`;

describe('candidates', () => {
  const policy = policyOf(MANY);

  it('are few where names are covered by few rules, and every rule that looks at no host', () => {
    const { context, candidates } = policy;
    const picked = (name: string | null): string[] => {
      context.turnTo(flow('x.test'), name, null);
      return candidates.of(context).map(i => policy.rules[i]?.rule.name ?? '');
    };
    const always = ['any', 'network', 'not', 'last'];
    assert.deepEqual(picked('www.r7.test'), ['any', 'network', 'not', 'r7', 'last']);
    assert.deepEqual(picked('x.listed.test'), ['any', 'network', 'not', 'list', 'last']);
    assert.deepEqual(picked('a.test'), ['user', ...always]);
    assert.deepEqual(picked('elsewhere.test'), always);
    assert.deepEqual(picked(null), always);
  });

  it('leave nothing out that could match', () => {
    assert.equal(decide(flow('x.test', { port: 8443 }), policy).rule, 'any');
    assert.equal(decide(flow('x.org'), policy).rule, 'not');
    assert.equal(decide(flow('192.0.2.9', { hostKind: 'ip' }, { sni: null }), policy).rule, 'network');
    assert.equal(decide(flow('c.test'), policy).rule, 'network');
    assert.equal(decide(flow('x.test', { client: '10.9.1.1' }), policy).rule, 'last');
    assert.equal(explain(flow('www.r29.test'), policy).skipped.length, 34, 'explain tells of every rule');
  });

  it('long policies decide as a plain reading of them does', () => {
    fc.assert(
      fc.property(
        documentWith(17, 40),
        fc.array(anyFlow, { minLength: 5, maxLength: 10 }),
        (document, flows) => {
          const compiled = compiledOf(document);
          for (const facts of flows) {
            const { action, rule } = decide(facts, compiled);
            assert.deepEqual({ action, rule }, judge(facts, document));
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
