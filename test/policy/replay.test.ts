import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/policy/decide.ts';
import { Replay, replay } from '../../src/policy/replay.ts';
import type { RecordedFlow } from '../../src/policy/replay.ts';
import { anyDocument, anyFlow } from './arbitraries.ts';
import { compiledOf, flow, policyOf } from './facts.ts';
import { verdict } from './recorded.ts';
import type { Verdict } from '../../src/core/verdict.ts';

const CANDIDATE = `version: 1
default: inspect
rules:
  - { name: games, when: { host: .games.test }, action: block }
  - { name: bank, when: { host: .bank.test }, action: passthrough, }
  - { name: idle, when: { host: never.test }, action: block }
`;

const recorded = (name: string, over = {}, was = verdict('inspect', 'default')): RecordedFlow => {
  const facts = flow(name, over);
  return { time: facts.now, facts, verdict: was };
};

describe('replay', () => {
  it('tells which hosts, users and how many flows change from what to what', () => {
    const flows: RecordedFlow[] = [
      recorded('www.games.test', { user: 'ada', client: '10.0.0.1' }),
      recorded('www.games.test', { user: 'bo', client: '10.0.0.2' }),
      recorded('cdn.games.test', { user: 'ada', client: '10.0.0.1' }),
      recorded('my.bank.test'),
      recorded('other.test'),
      recorded('blocked.test', {}, verdict('block', 'old', 'ffffffffffff')),
      { time: 5, facts: null, verdict: null },
    ];
    const s = replay(flows, policyOf(CANDIDATE));
    assert.deepEqual([s.flows, s.changed, s.unchanged, s.undecided], [6, 5, 1, 1]);
    assert.equal(s.from, 5);
    assert.deepEqual(s.changes[0], {
      from: 'inspect',
      to: 'block',
      flows: 3,
      hosts: 2,
      users: 2,
      clients: 2,
      topHosts: [
        { value: 'www.games.test', flows: 2 },
        { value: 'cdn.games.test', flows: 1 },
      ],
      topUsers: [
        { value: 'ada', flows: 2 },
        { value: 'bo', flows: 1 },
      ],
      topClients: [
        { value: '10.0.0.1', flows: 2 },
        { value: '10.0.0.2', flows: 1 },
      ],
      topRules: [{ from: 'default', to: 'games', flows: 3 }],
      exact: true,
    });
    assert.deepEqual(
      s.changes.map(c => `${c.from} ${c.to} ${c.flows}`),
      ['inspect block 3', 'inspect passthrough 1', 'block inspect 1'],
    );
    assert.deepEqual(s.hits, [
      { rule: 'games', flows: 3 },
      { rule: 'bank', flows: 1 },
      { rule: 'idle', flows: 0 },
      { rule: 'default', flows: 2 },
    ]);
    assert.deepEqual(s.recorded, [
      { value: '0123456789ab', flows: 5 },
      { value: 'ffffffffffff', flows: 1 },
    ]);
  });

  it('judges each flow as of its own time', () => {
    const policy = policyOf(
      'version: 1\ndefault: inspect\nrules: [{ name: r, action: block, expires: 2026-01-01 }]\n',
    );
    const then = recorded('a.test', { now: Date.UTC(2025, 5, 1) });
    const later = recorded('a.test', { now: Date.UTC(2026, 5, 1) });
    assert.equal(replay([then, later], policy).changed, 1);
  });

  it('tells flows that would only be recorded or blocked in another manner apart', () => {
    const policy = policyOf('version: 1\ndefault: { action: inspect, capture: bodies }\n');
    const s = replay([recorded('a.test')], policy);
    assert.deepEqual([s.changed, s.otherManner], [0, 1]);
    const [manner] = s.manners;
    assert.deepEqual(
      [manner?.what, manner?.from, manner?.to, manner?.count, manner?.topHosts],
      ['capture', 'headers', 'bodies', 1, [{ value: 'a.test', flows: 1 }]],
    );
    assert.deepEqual(manner?.topRules, [{ from: 'default', to: 'default', flows: 1 }]);
  });

  it('judges rules on the origin where its certificate was seen, and says where it was not', () => {
    const policy = policyOf(
      'version: 1\ndefault: inspect\nrules: [{ name: r, when: { origin-fault: cert-expired }, action: block }]\n',
    );
    const origin = { subject: '', issuer: '', fault: 'cert-expired' as const };
    const passed = recorded('b.test', {}, verdict('passthrough', 'old'));
    const plain = recorded('c.test', { scheme: 'http', outcome: 'none', hello: null });
    const s = replay([recorded('a.test', { origin }), passed, plain], policy);
    assert.deepEqual(
      s.changes.map(c => `${c.from} ${c.to} ${c.flows}`),
      ['inspect block 1', 'passthrough inspect 1'],
    );
    assert.equal(s.originUnknown, 1);
  });

  it('compares masking, TLS profile and parent group, with what goes without saying said', () => {
    const others = (was: Verdict, outcome: string, over = {}): number => {
      const text = `version: 1\nparents: { corp: ['p.test:3128'] }\ndefault: ${outcome}\n`;
      return replay([recorded('a.test', over, was)], policyOf(text)).otherManner;
    };
    const inspected = verdict('inspect', 'default');
    assert.equal(others(inspected, '{ action: inspect, mask: standard, tls: modern }'), 0);
    assert.equal(others(inspected, '{ action: inspect, mask: strict }'), 1);
    assert.equal(others(inspected, '{ action: inspect, tls: compatible }'), 1);
    const plain = { scheme: 'http', outcome: 'none', hello: null };
    assert.equal(others(inspected, '{ action: inspect, tls: compatible }', plain), 0);
    assert.equal(others(inspected, '{ action: inspect, parent: corp }'), 1);
    const viaCorp = { group: 'corp', via: ['another.test:8080'] };
    assert.equal(others({ ...inspected, parent: viaCorp }, '{ action: inspect, parent: corp }'), 0);
    const passed = { ...verdict('passthrough', 'default'), capture: 'bodies' as const };
    assert.equal(others(passed, 'passthrough'), 0);
    assert.equal(others(passed, '{ action: passthrough, parent: corp }'), 1);
  });

  it('changes nothing when the candidate is what decided, and agrees with decide otherwise', () => {
    fc.assert(
      fc.property(anyDocument, anyDocument, fc.array(anyFlow, { maxLength: 20 }), (was, is, flows) => {
        const before = compiledOf(was);
        const after = compiledOf(is);
        const rows = flows.map(facts => ({ time: facts.now, facts, verdict: decide(facts, before) }));
        assert.equal(replay(rows, before).changed, 0);
        const expected = rows.filter(r => decide(r.facts, after).action !== r.verdict.action).length;
        const s = replay(rows, after);
        assert.equal(s.changed, expected);
        assert.equal(
          s.changes.reduce((sum, c) => sum + c.flows, 0),
          expected,
        );
        assert.equal(
          s.hits.reduce((sum, h) => sum + h.flows, 0),
          rows.length,
        );
      }),
      { numRuns: 200 },
    );
  });

  it('holds a bounded number of values and says so', () => {
    const run = new Replay(policyOf('version: 1\ndefault: block\n'), 100);
    for (let i = 0; i < 1000; i++) run.add(recorded(`h${i}.test`));
    for (let i = 0; i < 50; i++) run.add(recorded('busy.test'));
    const [change] = run.summary().changes;
    assert.equal(change?.flows, 1050);
    assert.equal(change.exact, false);
    assert.deepEqual(change.topHosts[0], { value: 'busy.test', flows: 50 });
  });
});
