import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide, decideHost, policySource } from '../../src/policy/decide.ts';
import { explain } from '../../src/policy/explain.ts';
import { anyDocument, anyFlow } from './arbitraries.ts';
import { compiledOf, flow, policyOf } from './facts.ts';
import { judge } from './reference.ts';

const BASE = `version: 1
default: inspect
rules:
  - { name: bad, when: { host: .bad.test }, action: block }
  - { name: bank, when: { host: .bank.test }, action: passthrough, capture: flow }
`;

function withDoubt(answer: string): ReturnType<typeof policyOf> {
  return policyOf(`${BASE}doubt: { ${answer} }\n`);
}

describe('decide', () => {
  it('equals the naive reference for any document and flow', () => {
    fc.assert(
      fc.property(anyDocument, fc.array(anyFlow, { minLength: 1, maxLength: 5 }), (document, flows) => {
        const policy = compiledOf(document);
        for (const facts of flows) {
          const { action, rule } = decide(facts, policy);
          assert.deepEqual({ action, rule }, judge(facts, document));
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('first match decides, then the default', () => {
    const policy = policyOf(BASE);
    assert.equal(decide(flow('www.bad.test'), policy).rule, 'bad');
    assert.deepEqual(decide(flow('www.bank.test'), policy), {
      action: 'passthrough',
      rule: 'bank',
      policy: policy.version,
      reason: 'Rule "bank" says passthrough.',
      capture: 'flow',
      block: 'page',
    });
    assert.equal(decide(flow('www.example.com'), policy).rule, 'default');
  });

  it('a verdict carries the profiles and the way of its rule, and nothing where the rule is silent', () => {
    const policy = policyOf(`version: 1
default: { action: passthrough, parent: far }
parents: { near: ['a.test:1', 'b.test:2'], far: ['c.test:3'] }
rules:
  - { name: all, when: { host: all.test }, action: inspect, mask: strict, tls: compatible, parent: near }
  - { name: none, when: { host: none.test }, action: inspect }
`);
    const verdict = decide(flow('all.test'), policy);
    assert.deepEqual(
      [verdict.mask, verdict.tls, verdict.parent],
      ['strict', 'compatible', { group: 'near', via: ['a.test:1', 'b.test:2'] }],
    );
    const told = explain(flow('all.test'), policy);
    assert.deepEqual([told.mask, told.tls, told.parent], ['strict', 'compatible', 'near']);
    assert.deepEqual(decide(flow('other.test'), policy).parent, { group: 'far', via: ['c.test:3'] });
    const silent = Object.keys(decide(flow('none.test'), policy));
    for (const key of ['mask', 'tls', 'parent']) assert.ok(!silent.includes(key), key);
  });

  it('doubt that lets a flow go on leaves it on the way of the rules; of two names the stricter mask wins', () => {
    const policy = policyOf(`version: 1
default: inspect
doubt: { not-tls: passthrough, sni-mismatch: rules }
parents: { corp: ['a.test:1'] }
rules:
  - { name: strict, when: { host: strict.test }, action: inspect, mask: strict, parent: corp }
`);
    const doubted = decide(flow('strict.test', { outcome: 'not-tls', hello: null }), policy);
    assert.deepEqual([doubted.action, doubted.rule], ['passthrough', 'doubt:not-tls']);
    assert.equal(doubted.parent?.group, 'corp');
    assert.ok(!('mask' in doubted));
    for (const [host, sni] of [
      ['strict.test', 'other.test'],
      ['other.test', 'strict.test'],
    ] as const)
      assert.equal(decide(flow(host, {}, { sni, rawSni: sni }), policy).mask, 'strict');
  });

  it('keeps facts of one flow apart from those of the next', () => {
    const policy = policyOf(`version: 1
lists: { l: { domains: [ .a.test ] } }
rules:
  - { name: in, when: { host: 'list:l', client: 10.0.0.0/8 }, action: inspect }
`);
    for (let i = 0; i < 5; i++) {
      assert.equal(decide(flow('a.test'), policy).action, 'inspect');
      assert.equal(decide(flow('b.test'), policy).action, 'block');
      assert.equal(decide(flow('a.test', { client: '192.0.2.1' }), policy).action, 'block');
    }
  });

  const hidden = { ech: 'grease-or-real', sni: 'cloudflare-ech.com' } as const;
  const table: [what: string, doubt: string, facts: ReturnType<typeof flow>, action: string, rule: string][] =
    [
      [
        'a malformed hello',
        '',
        flow('x.test', { outcome: 'malformed', hello: null }),
        'block',
        'doubt:malformed-hello',
      ],
      [
        'no hello in time',
        '',
        flow('x.test', { outcome: 'timed-out', hello: null }),
        'block',
        'doubt:hello-timeout',
      ],
      ['no TLS', '', flow('x.test', { outcome: 'not-tls', hello: null }), 'block', 'doubt:not-tls'],
      [
        'no TLS, let through',
        'not-tls: passthrough',
        flow('x.test', { outcome: 'not-tls', hello: null }),
        'passthrough',
        'doubt:not-tls',
      ],
      [
        'no TLS to a blocked host',
        'not-tls: passthrough',
        flow('bad.test', { outcome: 'not-tls', hello: null }),
        'block',
        'bad',
      ],
      [
        'no TLS to a bank',
        'not-tls: passthrough',
        flow('bank.test', { outcome: 'not-tls', hello: null }),
        'passthrough',
        'bank',
      ],
      ['no SNI', '', flow('x.test', {}, { sni: null }), 'inspect', 'default'],
      ['no SNI to a bank', '', flow('bank.test', {}, { sni: null }), 'passthrough', 'bank'],
      ['no SNI, refused', 'no-sni: block', flow('x.test', {}, { sni: null }), 'block', 'doubt:no-sni'],
      [
        'no SNI, let through',
        'no-sni: passthrough',
        flow('x.test', {}, { sni: null }),
        'passthrough',
        'doubt:no-sni',
      ],
      [
        'no SNI, let through, to a blocked host',
        'no-sni: passthrough',
        flow('bad.test', {}, { sni: null }),
        'block',
        'bad',
      ],
      [
        'no SNI, inspected, to a bank',
        'no-sni: inspect',
        flow('bank.test', {}, { sni: null }),
        'inspect',
        'doubt:no-sni',
      ],
      ['two names', '', flow('x.test', {}, { sni: 'y.test' }), 'block', 'doubt:sni-mismatch'],
      [
        'two names by rules',
        'sni-mismatch: rules',
        flow('x.test', {}, { sni: 'y.test' }),
        'inspect',
        'default',
      ],
      [
        'a blocked name behind a bank',
        'sni-mismatch: rules',
        flow('bank.test', {}, { sni: 'bad.test' }),
        'block',
        'bad',
      ],
      [
        'a bank behind a blocked name',
        'sni-mismatch: rules',
        flow('bad.test', {}, { sni: 'bank.test' }),
        'block',
        'bad',
      ],
      [
        'a bank in front of another name',
        'sni-mismatch: rules',
        flow('x.test', {}, { sni: 'bank.test' }),
        'inspect',
        'default',
      ],
      [
        'an address and a name',
        '',
        flow('192.0.2.1', { hostKind: 'ip' }, { sni: 'x.test' }),
        'inspect',
        'default',
      ],
      [
        'an address that says it is a bank',
        '',
        flow('192.0.2.1', { hostKind: 'ip' }, { sni: 'bank.test' }),
        'block',
        'doubt:connect-ip',
      ],
      [
        'the same, trusting the SNI',
        'connect-ip: sni',
        flow('192.0.2.1', { hostKind: 'ip' }, { sni: 'bank.test' }),
        'passthrough',
        'bank',
      ],
      [
        'the same, inspected',
        'connect-ip: inspect',
        flow('192.0.2.1', { hostKind: 'ip' }, { sni: 'bank.test' }),
        'inspect',
        'doubt:connect-ip',
      ],
      [
        'an address, refused',
        'connect-ip: block',
        flow('192.0.2.1', { hostKind: 'ip' }, { sni: 'x.test' }),
        'block',
        'doubt:connect-ip',
      ],
      ['a hidden name', '', flow('x.test', {}, hidden), 'inspect', 'default'],
      ['a hidden name at a bank', '', flow('bank.test', {}, hidden), 'inspect', 'doubt:ech-front'],
      ['a hidden name at a blocked host', '', flow('bad.test', {}, hidden), 'block', 'bad'],
      ['a hidden name by rules', 'ech-front: rules', flow('bank.test', {}, hidden), 'inspect', 'default'],
      ['a hidden name, refused', 'ech-front: block', flow('x.test', {}, hidden), 'block', 'doubt:ech-front'],
      [
        'a front without ECH is any other name',
        '',
        flow('x.test', {}, { sni: 'cloudflare-ech.com' }),
        'block',
        'doubt:sni-mismatch',
      ],
      [
        'ECH towards the name asked for',
        '',
        flow('bank.test', {}, { ech: 'grease-or-real' }),
        'passthrough',
        'bank',
      ],
      ['plain HTTP', '', flow('bad.test', { outcome: 'none', hello: null, scheme: 'http' }), 'block', 'bad'],
    ];
  for (const [what, doubt, facts, action, rule] of table)
    it(`doubt: ${what}${doubt === '' ? '' : ` (${doubt})`}: ${action} by ${rule}`, () => {
      const verdict = decide(facts, withDoubt(doubt));
      assert.deepEqual([verdict.action, verdict.rule], [action, rule]);
    });

  it('no answer to doubt opens what the default keeps shut', () => {
    const shut = policyOf(
      'version: 1\ndoubt: { not-tls: passthrough, no-sni: passthrough, connect-ip: inspect, ech-front: inspect }\n',
    );
    for (const facts of [
      flow('x.test', { outcome: 'not-tls', hello: null }),
      flow('x.test', {}, { sni: null }),
      flow('192.0.2.1', { hostKind: 'ip' }, { sni: 'x.test' }),
      flow('x.test', {}, hidden),
    ])
      assert.equal(decide(facts, shut).action, 'block');
  });

  it('a request to another host inside an inspected flow', () => {
    const facts = flow('x.test');
    assert.equal(decideHost(policyOf(BASE), facts, 'y.test').rule, 'doubt:host-mismatch');
    const byRules = withDoubt('host-mismatch: rules');
    assert.deepEqual(
      ['Y.test.', 'bad.test', 'www.bank.test', 'not a host', '192.0.2.1'].map(
        h => decideHost(byRules, facts, h).action,
      ),
      ['inspect', 'block', 'block', 'block', 'inspect'],
    );
  });

  it('networks match hosts that were asked for by address, whatever the SNI', () => {
    const policy = policyOf(`version: 1
default: inspect
rules:
  - { name: lab, when: { host: 192.0.2.0/24 }, action: block }
`);
    assert.equal(decide(flow('192.0.2.9', { hostKind: 'ip' }, { sni: 'x.test' }), policy).rule, 'lab');
    assert.equal(decide(flow('192.0.2.9', { hostKind: 'ip' }, { sni: null }), policy).rule, 'lab');
    assert.equal(decide(flow('198.51.100.1', { hostKind: 'ip' }, { sni: null }), policy).rule, 'default');
  });

  it('an expired rule stops at its moment and says so', () => {
    const policy = policyOf(`version: 1
rules:
  - { name: trial, expires: 2026-12-01, action: inspect }
`);
    const last = Date.UTC(2026, 11, 1) - 1;
    assert.equal(decide(flow('x.test', { now: last }), policy).rule, 'trial');
    const after = explain(flow('x.test', { now: last + 1 }), policy);
    assert.deepEqual([after.rule, after.skipped[0]?.why], ['default', 'expired on 2026-12-01']);
  });

  it('a rollout holds for about its share of clients, always the same ones', () => {
    const policy = policyOf(`version: 1
rules:
  - { name: trial, rollout: 25%, action: inspect }
`);
    const inside = (i: number): boolean =>
      decide(flow('x.test', { client: `10.0.${i >> 8}.${i & 255}` }), policy).action === 'inspect';
    const clients = Array.from({ length: 4000 }, (_, i) => i);
    const first = clients.map(inside);
    assert.deepEqual(clients.map(inside), first);
    const share = first.filter(Boolean).length / clients.length;
    assert.ok(share > 0.21 && share < 0.29, `share ${share}`);
    for (const percent of ['0%', '100%']) {
      const all = policyOf(`version: 1\nrules:\n  - { name: t, rollout: ${percent}, action: inspect }\n`);
      assert.equal(decide(flow('x.test'), all).action, percent === '0%' ? 'block' : 'inspect');
    }
  });

  it('windows follow the clock of their zone, over midnight and over changes of summer time', () => {
    const office = policyOf(`version: 1
rules:
  - { name: office, when: { time: { days: [ mon-fri ], window: '08:00-18:00', zone: Europe/Berlin } }, action: inspect }
  - { name: night, when: { time: { days: [ fri ], window: '22:00-06:00', zone: Europe/Berlin } }, action: passthrough }
`);
    const at = (iso: string): string => decide(flow('x.test', { now: Date.parse(iso) }), office).rule;
    assert.equal(at('2026-11-20T06:59:59Z'), 'default');
    assert.equal(at('2026-11-20T07:00:00Z'), 'office');
    assert.equal(at('2026-11-20T17:00:00Z'), 'default');
    assert.equal(at('2026-07-17T06:00:00Z'), 'office');
    assert.equal(at('2026-11-20T21:00:00Z'), 'night');
    assert.equal(at('2026-11-21T04:59:00Z'), 'night');
    assert.equal(at('2026-11-21T05:00:00Z'), 'default');
    assert.equal(at('2026-11-21T21:00:00Z'), 'default');
  });

  it('a source hands decisions to the policy last applied', () => {
    const source = policySource(policyOf(BASE));
    assert.equal(source.decide(flow('x.test')).action, 'inspect');
    const next = policyOf('version: 1\n');
    source.apply(next);
    assert.equal(source.decide(flow('x.test')).action, 'block');
    assert.equal(source.version, next.version);
  });
});
