import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide, decideHost, evaluate } from '../../src/policy/decide.ts';
import { explain, explainHost } from '../../src/policy/explain.ts';
import { anyDocument, anyFlow, anyName } from './arbitraries.ts';
import { compiledOf, flow, policyOf } from './facts.ts';

describe('explain', () => {
  it('says what decide does and accounts for every earlier rule', () => {
    fc.assert(
      fc.property(anyDocument, anyFlow, (document, facts) => {
        const policy = compiledOf(document);
        const verdict = decide(facts, policy);
        const told = explain(facts, policy);
        assert.deepEqual(
          [told.verdict, told.rule, told.reason, told.policy, told.capture, told.block],
          [verdict.action, verdict.rule, verdict.reason, verdict.policy, verdict.capture, verdict.block],
        );
        const { runs } = evaluate(facts, policy);
        const expected = policy.rules.slice(0, runs[0]?.rule ?? 0).map(r => r.rule.name);
        assert.deepEqual(
          told.skipped.map(s => s.rule),
          expected,
        );
        for (const s of told.skipped)
          assert.ok(s.why.length > 3 && s.why !== 'matches' && s.why !== 'all hold', s.why);
      }),
      { numRuns: 1000 },
    );
  });

  it('agrees with decideHost, and no request to another host ever passes undecrypted', () => {
    fc.assert(
      fc.property(anyDocument, anyFlow, anyName, (document, facts, other) => {
        const policy = compiledOf(document);
        const verdict = decideHost(policy, facts, other);
        assert.notEqual(verdict.action, 'passthrough');
        assert.equal(explainHost(policy, facts, other).verdict, verdict.action);
      }),
    );
  });

  it('tells the way that was chosen before where a rule on the origin or a request decides', () => {
    const policy = policyOf(`version: 1
default: { action: inspect, parent: corp, tls: tls13 }
parents: { corp: ['p.test:3128'] }
rules:
  - { name: posts, when: { method: POST }, action: inspect, capture: bodies }
  - { name: deletes, when: { method: DELETE }, action: block }
`);
    const request = { method: 'POST', path: '/', contentType: null };
    const told = explain({ ...flow('a.test'), request }, policy);
    assert.deepEqual([told.rule, told.parent, told.tls], ['posts', 'corp', 'tls13']);
    const refused = explain({ ...flow('a.test'), request: { ...request, method: 'DELETE' } }, policy);
    assert.deepEqual([refused.rule, refused.parent], ['deletes', undefined]);
  });

  it('names what it looked at, the deciding name first', () => {
    const policy = policyOf(`version: 1
default: inspect
doubt: { sni-mismatch: rules }
rules:
  - { name: bad, when: { host: .bad.test }, action: block }
`);
    const told = explain(flow('x.test', {}, { sni: 'bad.test' }), policy);
    assert.deepEqual(
      [told.rule, told.doubt, told.names, told.skipped],
      ['bad', 'sni-mismatch', ['bad.test', 'x.test'], []],
    );
    const alone = explain(flow('x.test', { outcome: 'malformed', hello: null }), policy);
    assert.deepEqual([alone.names, alone.skipped], [[], []]);
  });
});
