import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lessons } from '../../src/policy/learned.ts';
import type { LearnedKind } from '../../src/policy/rule.ts';
import { flow } from './facts.ts';
import { verdict } from './recorded.ts';

type Row = [client: number, host: string, action: 'inspect' | 'passthrough' | 'block', fault?: string];

function learn(what: LearnedKind, rows: readonly Row[], minClients: number): [string, number, number][] {
  const lessons = new Lessons(what);
  for (const [client, host, action, fault] of rows)
    lessons.add({
      client: `10.0.0.${client}`,
      facts: flow(host),
      verdict: verdict(action, 'r'),
      fault: fault ?? null,
    });
  return lessons.result(minClients).map(l => [l.name, l.flows, l.clients]);
}

const REJECTED = 'client-rejected-leaf';

describe('learned lists', () => {
  it('seen: enough clients, never blocked', () => {
    const rows: Row[] = [
      [1, 'a.test', 'inspect'],
      [2, 'a.test', 'passthrough'],
      [2, 'a.test', 'inspect'],
      [1, 'few.test', 'inspect'],
      [1, 'bad.test', 'inspect'],
      [2, 'bad.test', 'block'],
      [1, 'cut.test', 'inspect', 'blocked-by-policy'],
      [2, 'cut.test', 'inspect'],
      [1, '192.0.2.1', 'inspect'],
      [2, '192.0.2.1', 'inspect'],
    ];
    assert.deepEqual(learn('seen', rows, 2), [['a.test', 3, 2]]);
  });

  it('pinned: enough clients that accept other leaves reject this one, and nobody accepts it', () => {
    const rows: Row[] = [
      [1, 'other.test', 'inspect'],
      [2, 'other.test', 'inspect', 'response-timeout'],
      [1, 'pinned.test', 'inspect', REJECTED],
      [2, 'pinned.test', 'inspect', REJECTED],
      // A client without our root rejects everything: it says nothing about one host.
      [3, 'pinned.test', 'inspect', REJECTED],
      [3, 'unknown.test', 'inspect', REJECTED],
      [4, 'unknown.test', 'inspect', REJECTED],
      [1, 'browser.test', 'inspect', REJECTED],
      [2, 'browser.test', 'inspect', REJECTED],
      [1, 'browser.test', 'inspect'],
    ];
    assert.deepEqual(learn('pinned', rows, 2), [['pinned.test', 3, 2]]);
  });

  it('broken: the certificate failed for enough clients and never held', () => {
    const rows: Row[] = [
      [1, 'expired.test', 'inspect', 'cert-expired'],
      [2, 'expired.test', 'inspect', 'cert-expired'],
      [1, 'mended.test', 'inspect', 'cert-expired'],
      [2, 'mended.test', 'inspect', 'cert-expired'],
      [2, 'mended.test', 'inspect'],
      [1, 'slow.test', 'inspect', 'dns-failed'],
    ];
    assert.deepEqual(learn('broken', rows, 2), [['expired.test', 2, 2]]);
  });

  it('one client, however busy, teaches nothing, and what never came to a verdict is no lesson', () => {
    const rows = Array.from({ length: 100 }, (): Row => [1, 'a.test', 'inspect']);
    assert.deepEqual(learn('seen', rows, 2), []);
    const lessons = new Lessons('seen');
    lessons.add({ client: '10.0.0.1', facts: null, verdict: null, fault: 'ingress-timeout' });
    assert.deepEqual(lessons.result(1), []);
    assert.equal(lessons.beyond, 0);
  });
});
