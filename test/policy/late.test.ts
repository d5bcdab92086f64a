/** Rules that look at what is known later, and rules that end open flows. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide, decideOrigin, decideRequest, ends, policySource } from '../../src/policy/decide.ts';
import { explain } from '../../src/policy/explain.ts';
import { lateFactsOf } from '../../src/policy/rule.ts';
import { parsePolicy } from '../../src/policy/parse.ts';
import { anyDocument, anyFlow } from './arbitraries.ts';
import { compiledOf, flow, policyOf } from './facts.ts';
import { judge } from './reference.ts';

const ORIGIN = { subject: 'CN=www.a.test', issuer: 'CN=Example Issuing CA 3, O=Example Corp', fault: null };
const REQUEST = { method: 'POST', path: '/upload/x', contentType: 'application/json' };

describe('rules on the origin', () => {
  const policy = policyOf(`version: 1
default: inspect
rules:
  - { name: early, when: { host: early.test }, action: inspect }
  - { name: bad, when: { origin-fault: [cert-expired] }, action: passthrough }
  - { name: partner, when: { origin-issuer: '*o=example corp*', not: { host: x.test } }, action: block }
`);

  it('are asked when the origin is known, and not before', () => {
    assert.equal(decide(flow('a.test'), policy).rule, 'default');
    assert.equal(decideOrigin(policy, flow('a.test'), ORIGIN)?.rule, 'partner');
    assert.equal(decideOrigin(policy, flow('x.test'), ORIGIN), null);
    assert.equal(decideOrigin(policy, flow('a.test'), { ...ORIGIN, issuer: 'CN=Other' }), null);
    assert.equal(
      decideOrigin(policy, flow('x.test'), { ...ORIGIN, fault: 'cert-expired' })?.action,
      'passthrough',
    );
    assert.equal(decideOrigin(policy, flow('early.test'), ORIGIN), null, 'an earlier rule has decided');
  });

  it('explain says why they did not match yet', () => {
    assert.match(
      explain(flow('a.test'), policy).skipped[1]?.why ?? '',
      /origin's certificate, which is not known/,
    );
    const known = explain({ ...flow('a.test'), origin: { ...ORIGIN, issuer: 'CN=Other' } }, policy);
    assert.match(known.skipped[2]?.why ?? '', /issuer of the origin CN=Other is not/);
  });
});

describe('rules on requests', () => {
  const policy = policyOf(`version: 1
default: inspect
rules:
  - { name: uploads, when: { method: [POST, PUT], path: /upload/* }, action: block }
  - { name: rest, when: { not: { content-type: application/json } }, action: inspect, capture: bodies }
`);

  it('are asked for each request', () => {
    assert.equal(decide(flow('a.test'), policy).rule, 'default');
    assert.equal(decideRequest(policy, flow('a.test'), REQUEST)?.rule, 'uploads');
    assert.equal(decideRequest(policy, flow('a.test'), { ...REQUEST, path: '/uploads' }), null);
    const form = { method: 'GET', path: '/', contentType: null };
    assert.equal(decideRequest(policy, flow('a.test'), form)?.capture, 'bodies');
  });

  it('cannot pass through', () => {
    const parsed = parsePolicy(
      'version: 1\nrules: [{ name: a, when: { method: GET }, action: passthrough }]\n',
    );
    assert.ok(!parsed.ok);
    assert.match(parsed.problems[0]?.message ?? '', /cannot pass them through/);
  });

  it('are checked', () => {
    for (const [when, words] of [
      ['{ method: get }', /cannot be "get"/],
      ["{ path: '/a?b' }", /cannot be/],
      ['{ content-type: json }', /cannot be/],
      ['{ origin-fault: cert-gone }', /cert-gone/],
      ["{ origin-issuer: '' }", /cannot be ""/],
    ] as const) {
      const parsed = parsePolicy(`version: 1\nrules: [{ name: a, when: ${when}, action: block }]\n`);
      assert.ok(!parsed.ok, when);
      assert.match(parsed.problems[0]?.message ?? '', words);
    }
  });
});

it('nobody is asked where no rule looks', () => {
  const policy = policyOf('version: 1\ndefault: block\n');
  assert.deepEqual(policy.asks, { origin: false, request: false, immediate: false });
  assert.equal(decideOrigin(policy, flow('a.test'), ORIGIN), null);
  assert.equal(decideRequest(policy, flow('a.test'), REQUEST), null);
  assert.equal(ends(policy, flow('a.test')), null);
});

it('late facts are found however deep they lie', () => {
  const [rule] = policyOf(
    'version: 1\nrules: [{ name: a, when: { any: [{ host: a.test }, { not: { method: GET } }] }, action: block }]\n',
  ).rules;
  assert.deepEqual(rule?.late, { origin: false, request: true });
  assert.deepEqual(lateFactsOf(null), { origin: false, request: false });
});

describe('apply: immediate', () => {
  const policy = policyOf(`version: 1
default: block
rules:
  - { name: stop, when: { host: .bad.test }, action: block, apply: immediate }
  - { name: later, when: { host: .old.test }, action: block }
  - { name: ok, when: { host: .ok.test }, action: inspect }
`);

  it('ends what the rule blocks, and nothing that another rule or the default does', () => {
    assert.equal(ends(policy, flow('www.bad.test'))?.rule, 'stop');
    assert.equal(ends(policy, flow('www.old.test')), null);
    assert.equal(ends(policy, flow('www.ok.test')), null);
    assert.equal(ends(policy, flow('other.test')), null);
    assert.equal(policySource(policy).ends?.(flow('bad.test'))?.rule, 'stop');
  });

  it('is for blocks only', () => {
    const parsed = parsePolicy('version: 1\nrules: [{ name: a, action: inspect, apply: immediate }]\n');
    assert.ok(!parsed.ok);
    assert.match(parsed.problems[0]?.message ?? '', /only a rule that blocks/);
    const plain = parsePolicy('version: 1\nrules: [{ name: a, action: inspect, apply: new }]\n');
    assert.ok(plain.ok);
  });
});

it('with rollouts, expiries and late facts, decisions are those of the plain reading of the document', () => {
  fc.assert(
    fc.property(anyDocument, fc.array(anyFlow, { minLength: 5, maxLength: 20 }), (document, flows) => {
      const policy = compiledOf(document);
      for (const facts of flows) {
        const { action, rule } = decide(facts, policy);
        assert.deepEqual({ action, rule }, judge(facts, document));
      }
    }),
    { numRuns: 400 },
  );
});
