import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlowFacts } from '../../src/core/facts.ts';
import { compileCondition, conditionText } from '../../src/policy/condition.ts';
import { Context, HostIndex } from '../../src/policy/context.ts';
import type { Condition } from '../../src/policy/rule.ts';
import { flow } from './facts.ts';

/** Whether the condition holds for the flow, and why not. */
function ask(condition: Condition, facts: FlowFacts): [holds: boolean, why: string] {
  const around = { index: new HostIndex(), lists: new Map<string, number>(), clocks: new Map() };
  const test = compileCondition(condition, around);
  const context = new Context(around.index, []);
  context.turnTo(facts, facts.hello?.sni ?? null, null);
  return [test.holds(context), test.why(context)];
}

describe('condition', () => {
  const cases: [condition: Condition, yes: FlowFacts, no: FlowFacts, why: string][] = [
    [
      { test: 'user', values: ['alice'] },
      flow('x.test', { user: 'ALICE' }),
      flow('x.test', { user: 'bob' }),
      'user bob is not alice',
    ],
    [{ test: 'user', values: ['*'] }, flow('x.test', { user: 'bob' }), flow('x.test'), 'no user is known'],
    [
      { test: 'group', values: ['staff'] },
      flow('x.test', { groups: ['Staff'] }),
      flow('x.test', { groups: ['a', 'b'] }),
      'groups (a, b) do not include staff',
    ],
    [
      { test: 'listener', values: [':8080'] },
      flow('x.test'),
      flow('x.test', { listener: '[::]:18080' }),
      'listener [::]:18080 is not :8080',
    ],
    [
      {
        test: 'port',
        ranges: [
          [1, 2],
          [443, 443],
        ],
      },
      flow('x.test'),
      flow('x.test', { port: 80 }),
      'port 80 is not 1-2, 443',
    ],
    [
      { test: 'tls-version', values: ['TLS 1.2'] },
      flow('x.test', {}, { versions: ['TLS 1.1', 'TLS 1.2'] }),
      flow('x.test', {}, { versions: ['TLS 1.2', 'TLS 1.3'] }),
      'highest TLS version TLS 1.3 is not TLS 1.2',
    ],
    [
      { test: 'ja4', values: ['t13d1516h2_*'] },
      flow('x.test'),
      flow('x.test', {}, { ja4: 't12d' }),
      'JA4 t12d is not t13d1516h2_*',
    ],
    [
      { test: 'alpn', values: ['h2'] },
      flow('x.test'),
      flow('x.test', {}, { alpn: [] }),
      'ALPN (none) does not offer h2',
    ],
    [
      { test: 'not', of: { test: 'scheme', values: ['http'] } },
      flow('x.test'),
      flow('x.test', { scheme: 'http' }),
      'excluded by not: scheme http',
    ],
    [
      {
        test: 'any',
        of: [
          { test: 'port', ranges: [[1, 1]] },
          { test: 'ingress', values: ['connect'] },
        ],
      },
      flow('x.test'),
      flow('x.test', { ingress: 'http' }),
      'port 443 is not 1, and ingress http is not connect',
    ],
    [
      { test: 'client', networks: ['2001:db8::/32'] },
      flow('x.test', { client: '2001:db8::7' }),
      flow('x.test'),
      'client 10.1.2.3 is not in 2001:db8::/32',
    ],
    [
      {
        test: 'host',
        patterns: ['a.test', 'b.test', 'c.test', 'd.test', 'e.test', '.f.test'],
        lists: [],
        networks: [],
      },
      flow('www.f.test'),
      flow('x.test'),
      'host x.test is not in a.test, b.test, c.test, d.test, e.test and 1 more',
    ],
  ];
  for (const [condition, yes, no, why] of cases)
    it(conditionText(condition), () => {
      assert.equal(ask(condition, yes)[0], true);
      assert.deepEqual(ask(condition, no), [false, why]);
    });

  it('refuses a list or a pattern that does not exist', () => {
    assert.throws(
      () => ask({ test: 'host', patterns: [], lists: ['l'], networks: [] }, flow('x.test')),
      /"l"/,
    );
    assert.throws(
      () => ask({ test: 'host', patterns: ['*'], lists: [], networks: [] }, flow('x.test')),
      /"\*"/,
    );
  });
});
