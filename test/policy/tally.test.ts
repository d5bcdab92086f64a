import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AffectedTally, Tally } from '../../src/policy/tally.ts';

it('a tally counts exactly until its bound and keeps the frequent beyond it', () => {
  const tally = new Tally(4);
  for (const v of ['a', 'a', 'b', 'c', 'd']) tally.add(v);
  assert.ok(tally.exact);
  assert.equal(tally.size, 4);
  tally.add('e');
  assert.equal(tally.exact, false);
  assert.deepEqual(tally.top(1), [{ value: 'a', flows: 2 }]);
});

it('hosts, users, clients and rules of what changes are counted together', () => {
  const tally = new AffectedTally(2);
  tally.add({ host: 'a.test', user: null, client: '10.0.0.1', was: 'old', is: 'new' });
  tally.add({ host: 'a.test', user: 'ada', client: '10.0.0.2', was: 'old', is: 'new' });
  const counts = tally.counts();
  assert.deepEqual([counts.hosts, counts.users, counts.clients, counts.exact], [1, 1, 2, true]);
  assert.deepEqual(counts.topHosts, [{ value: 'a.test', flows: 2 }]);
  assert.deepEqual(counts.topRules, [{ from: 'old', to: 'new', flows: 2 }]);
  tally.add({ host: 'a.test', user: 'ada', client: '10.0.0.3', was: 'old', is: 'new' });
  assert.equal(tally.counts().exact, false);
});
