/** Rules on requests, over recorded requests: what would change, and what nobody can tell. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Replay } from '../../src/policy/replay.ts';
import { requestAsks, RequestReplay } from '../../src/policy/replay-requests.ts';
import type { RecordedRequest, RequestSummary } from '../../src/policy/replay-requests.ts';
import type { FlowFacts } from '../../src/core/facts.ts';
import { flow, policyOf } from './facts.ts';
import { verdict } from './recorded.ts';

const CANDIDATE = `version: 1
default: inspect
doubt: { host-mismatch: rules }
rules:
  - { name: closed, when: { host: .closed.test }, action: block }
  - { name: bank, when: { host: .bank.test }, action: passthrough }
  - { name: no-upload, when: { all: [{ method: [POST, PUT] }, { path: '/up/*' }] }, action: block }
  - { name: json, when: { content-type: application/json }, action: inspect, capture: bodies }
  - { name: idle, when: { method: TRACE }, action: block }
`;

const request = (
  name: string,
  over: Partial<RecordedRequest> = {},
  facts: Partial<FlowFacts> = {},
): RecordedRequest => {
  const of = flow(name, facts);
  return {
    ...{ time: of.now, id: 1, client: of.client, user: of.user, method: 'GET', scheme: of.scheme },
    ...{ host: name, port: of.port, target: '/', contentType: null, fault: null },
    verdict: verdict('inspect', 'default'),
    flow: { facts: of, verdict: verdict('inspect', 'default') },
    ...over,
  };
};
function run(requests: RecordedRequest[], candidate = CANDIDATE): RequestSummary {
  const replay = new RequestReplay(policyOf(candidate));
  for (const one of requests) replay.add(one);
  return replay.summary();
}

describe('replay of requests', () => {
  it('tells which requests, hosts and users change from what to what, in how many flows', () => {
    const s = run([
      request('a.test', { id: 1, method: 'POST', target: '/up/%61?x=1', user: 'ada' }),
      request('a.test', { id: 1, method: 'PUT', target: '/up/b', user: 'ada' }),
      request('b.test', { id: 2, method: 'POST', target: '/x/../up/c' }),
      request('b.test', { id: 2 }),
      request('b.test', { id: 2, contentType: 'application/json' }),
      request('b.test', { id: 3, verdict: verdict('block', 'old-rule'), fault: 'blocked-by-policy' }),
    ]);
    assert.deepEqual([s.requests, s.changed, s.otherManner], [6, 4, 1]);
    const [blocked, opened] = s.changes;
    assert.deepEqual(
      [blocked?.from, blocked?.to, blocked?.requests, blocked?.flows, blocked?.hosts, blocked?.users],
      ['inspect', 'block', 3, 2, 2, 1],
    );
    assert.deepEqual(blocked?.topRules, [{ from: 'default', to: 'no-upload', flows: 3 }]);
    assert.deepEqual(
      blocked.topRequests.map(r => r.value),
      ['POST /up/%61', 'POST /x/../up/c', 'PUT /up/b'],
    );
    assert.deepEqual(
      [opened?.from, opened?.to, opened?.requests, opened?.exact],
      ['block', 'inspect', 1, true],
    );
    assert.deepEqual(s.hits, [
      { rule: 'no-upload', flows: 3 },
      { rule: 'json', flows: 1 },
      { rule: 'idle', flows: 0 },
    ]);
  });

  it('says what cannot be judged instead of guessing', () => {
    const gone = { facts: null, verdict: null };
    const s = run([
      request('my.bank.test'),
      request('a.test', { target: '/x;id=‹masked›/y' }),
      request('a.test', { flow: null }),
      request('a.test', { flow: gone }),
      request('a.test', { verdict: verdict('block', 'request-aborted'), fault: 'request-aborted' }),
      request('a.test', { target: '/x?id=‹masked›' }),
    ]);
    assert.equal(s.requests, 1);
    assert.deepEqual(s.left, { withFlow: 1, undecided: 1, masked: 1, flowGone: 2 });
    const noPath =
      'version: 1\ndefault: inspect\nrules: [{ name: r, when: { method: GET }, action: block }]\n';
    assert.equal(run([request('a.test', { target: '/x;id=‹masked›' })], noPath).changed, 1);
  });

  it('judges a request for another host as one for that host', () => {
    const s = run([
      request('a.test', { host: 'in.closed.test' }),
      request('a.test', { host: 'my.bank.test' }),
      request('a.test', { host: 'b.test', method: 'PUT', target: '/up/1' }),
      request('a.test', { host: 'b.test' }),
    ]);
    assert.deepEqual(s.changes[0]?.topRules.map(r => r.to).sort(), [
      'closed',
      'doubt:host-mismatch',
      'no-upload',
    ]);
    assert.equal(s.changed, 3);
  });

  it('decides a plain request with its flow, as the proxy does', () => {
    const plain = { scheme: 'http', outcome: 'none', hello: null, ingress: 'http' } as const;
    const s = run([
      request('a.test', { method: 'POST', target: '/up/1' }, plain),
      request('in.closed.test', {}, plain),
      request('my.bank.test', {}, plain),
      request('a.test', {}, plain),
    ]);
    assert.deepEqual(
      s.changes.map(c => [c.from, c.to, c.requests]),
      [
        ['inspect', 'block', 2],
        ['inspect', 'passthrough', 1],
      ],
    );
  });

  it('leaves plain flows to their requests, and counts flows whose requests nobody recorded', () => {
    const replay = new Replay(policyOf(CANDIDATE));
    const add = (facts: FlowFacts, was = verdict('inspect', 'x'), exchanges = 0): void =>
      replay.add({ time: facts.now, facts, verdict: was, exchanges });
    const plain = flow('p.test', { scheme: 'http', outcome: 'none', hello: null });
    add(plain, verdict('block', 'posts'), 2);
    add(flow('a.test'), { ...verdict('inspect', 'x'), capture: 'flow' }, 3);
    add(flow('a.test'), verdict('passthrough', 'x'));
    add(flow('a.test'), verdict('inspect', 'x'), 3);
    add(flow('my.bank.test'), verdict('passthrough', 'x'));
    const s = replay.summary();
    assert.deepEqual([s.flows, s.byRequests, s.requestsUnknown], [4, 1, 2]);
    assert.ok(!s.hits.some(h => h.rule === 'no-upload'), 'rules on requests are told with the requests');
  });

  it('knows what of a request a policy looks at', () => {
    const asks = (when: string) =>
      requestAsks(policyOf(`version: 1\nrules: [{ name: r, when: ${when}, action: block }]\n`));
    assert.deepEqual(requestAsks(policyOf(CANDIDATE)), { any: true, path: true, contentType: true });
    assert.deepEqual(asks('{ host: a.test }'), { any: false, path: false, contentType: false });
    assert.deepEqual(asks('{ not: { any: [{ method: GET }] } }'), {
      any: true,
      path: false,
      contentType: false,
    });
  });
});
