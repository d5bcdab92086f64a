/** Recorded requests with the flow they came in, its facts included, and what their header block says of their body. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditDir } from '../../../src/audit/recorder.ts';
import { walkRequests } from '../../../src/audit/store/request-walk.ts';
import { flow } from '../../policy/facts.ts';
import { record, verdict } from '../../policy/recorded.ts';
import { DAY, NOON, scratch } from '../sample.ts';
import type { WalkedRequest } from '../../../src/audit/store/history.ts';
import type { RequestWalkOptions } from '../../../src/audit/store/request-walk.ts';

describe('walking recorded requests', () => {
  const inspected = verdict('inspect', 'all');
  const walk = (dir: string, options: Partial<RequestWalkOptions> = {}): WalkedRequest[] =>
    [...walkRequests({ dir: auditDir(dir), which: 'all', contentType: true, ...options })].flat();

  it('comes with method, target, content type, verdict and the facts of the flow', t => {
    const dir = scratch(t);
    const facts = flow('a.test', { now: NOON, user: 'ada' });
    const strict = { ...verdict('inspect', 'posts'), mask: 'strict' as const };
    const type = 'Host: a.test\r\nContent-Type: Application/JSON; charset=utf-8\r\nDate: now\r\n';
    record(dir, NOON, [
      {
        facts,
        verdict: inspected,
        requests: [
          { method: 'POST', path: '/up?q=‹masked›', reqHeaders: type, verdict: strict },
          { method: 'GET', host: 'b.test', fault: 'response-closed' },
        ],
      },
    ]);
    const [post, get, ...rest] = walk(dir);
    assert.deepEqual(rest, []);
    assert.deepEqual(
      [post?.method, post?.target, post?.contentType, post?.user, post?.host, post?.time],
      ['POST', '/up?q=‹masked›', 'application/json', 'ada', 'a.test', NOON + 1],
    );
    assert.deepEqual(post?.verdict, strict);
    assert.deepEqual(post?.flow?.facts, facts);
    assert.deepEqual([get?.host, get?.contentType, get?.fault], ['b.test', null, 'response-closed']);
    assert.equal(get?.id, post?.id);
    assert.equal(walk(dir, { contentType: false })[0]?.contentType, null);
  });

  it('keeps to the range, goes over days, and knows flows that are still open', t => {
    const dir = scratch(t);
    const at = (name: string, now: number) => flow(name, { now });
    record(dir, NOON - DAY, [{ facts: at('old.test', NOON - DAY), verdict: inspected, requests: [{}] }]);
    record(dir, NOON, [
      { facts: at('open.test', NOON), verdict: inspected, requests: [{}, {}], open: true },
      { facts: at('new.test', NOON + 50), verdict: inspected, requests: [{}] },
    ]);
    const hosts = (options: Partial<RequestWalkOptions>) => walk(dir, options).map(r => r.flow?.facts?.host);
    assert.deepEqual(hosts({}), ['old.test', 'open.test', 'open.test', 'new.test']);
    assert.deepEqual(hosts({ since: NOON, until: NOON + 2 }), ['open.test']);
  });

  it('can be asked for those alone that a rule on requests decided', t => {
    const dir = scratch(t);
    const facts = flow('a.test', { now: NOON });
    const plain = flow('p.test', { now: NOON, scheme: 'http', hello: null, outcome: 'none' });
    record(dir, NOON, [
      { facts, verdict: inspected, requests: [{}, { verdict: verdict('block', 'no-posts') }, {}] },
      { facts: plain, verdict: verdict('block', 'plain'), requests: [{}] },
    ]);
    assert.deepEqual(
      walk(dir, { which: 'decided-apart' }).map(r => r.verdict.rule),
      ['no-posts'],
    );
    const other = scratch(t);
    record(other, NOON, [{ facts, verdict: inspected, requests: [{}] }]);
    assert.deepEqual(walk(other, { which: 'decided-apart' }), []);
  });

  it('comes in batches, each request once', t => {
    const dir = scratch(t);
    const requests = Array.from({ length: 2500 }, (_, i) => ({ path: `/${i}` }));
    record(dir, NOON, [{ facts: flow('a.test', { now: NOON }), verdict: inspected, requests }]);
    const batches = [...walkRequests({ dir: auditDir(dir), which: 'all', contentType: false })];
    assert.deepEqual(
      batches.map(b => b.length),
      [1000, 1000, 500],
    );
    assert.equal(new Set(batches.flat().map(r => r.target)).size, 2500);
  });
});
