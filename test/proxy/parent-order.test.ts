/** Who is tried first: as written, or spread so that each client or host keeps its own order; failed ones last, for a while. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemberOrder, SHUNNED } from '../../src/proxy/parent-order.ts';
import type { ParentWay } from '../../src/core/verdict.ts';

const via = ['a.test:1', 'b.test:1', 'c.test:1', 'd.test:1'];
const clients = Array.from({ length: 4000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
const firsts = (order: MemberOrder, way: ParentWay): string[] =>
  clients.map(client => order.of(way, client, 'www.test')[0] ?? '');

describe('the order of members', () => {
  test('is the policy’s unless it is spread', () => {
    const order = new MemberOrder(() => 0);
    for (const client of clients.slice(0, 20))
      assert.deepEqual(order.of({ group: 'g', via }, client, 'www.test'), via);
  });

  test('spread by client: even, the same each time, whole, and blind to the host', () => {
    const order = new MemberOrder(() => 0);
    const way: ParentWay = { group: 'g', via, spread: 'client' };
    const first = firsts(order, way);
    assert.deepEqual(firsts(new MemberOrder(() => 5), { ...way, via: [...via].reverse() }), first);
    for (const member of via) {
      const share = first.filter(f => f === member).length;
      assert.ok(share > 850 && share < 1150, `${member}: ${share}`);
    }
    assert.deepEqual([...order.of(way, '10.1.0.1', 'x.test')].sort(), via);
    assert.deepEqual(order.of(way, '10.1.0.1', 'x.test'), order.of(way, '10.1.0.1', 'y.test'));
  });

  test('spread by host: the same for every client', () => {
    const order = new MemberOrder(() => 0);
    const way: ParentWay = { group: 'g', via, spread: 'host' };
    assert.deepEqual(order.of(way, '10.1.0.1', 'x.test'), order.of(way, '10.1.0.2', 'x.test'));
    const hosts = clients.map((_, i) => order.of(way, '10.1.0.1', `h${i}.test`)[0]);
    assert.equal(new Set(hosts).size, via.length);
  });

  test('when a member goes, only those move whose first choice it was', () => {
    const order = new MemberOrder(() => 0);
    const before = firsts(order, { group: 'g', via, spread: 'client' });
    const after = firsts(order, { group: 'g', via: via.slice(1), spread: 'client' });
    for (const [i, member] of before.entries()) if (member !== via[0]) assert.equal(after[i], member);
  });

  test('a failed member comes last for a bounded time, then one flow tries it while the others still avoid it', () => {
    let now = 0;
    const order = new MemberOrder(() => now);
    const way = { group: 'g', via: via.slice(0, 2) };
    const first = (): string => order.of(way, '10.0.0.1', 'x.test')[0] ?? '';
    order.trying('a.test:1');
    order.failed('a.test:1');
    assert.equal(first(), 'b.test:1');
    now = SHUNNED + 1;
    assert.equal(first(), 'a.test:1', 'tried again');
    order.trying('a.test:1');
    assert.equal(first(), 'b.test:1', 'by one flow only');
    order.took('a.test:1');
    assert.equal(first(), 'a.test:1');
  });

  test('remembers no more members than it may', () => {
    const order = new MemberOrder(() => 0);
    const way = { group: 'g', via: ['a.test:1', 'b.test:1'] };
    order.failed('a.test:1');
    for (let i = 0; i < 1000; i++) order.failed(`m${i}.test:1`);
    assert.deepEqual(order.of(way, '10.0.0.1', 'x.test'), way.via);
  });
});
