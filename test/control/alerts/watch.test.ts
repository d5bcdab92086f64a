/** The watch: fires per group, keeps quiet while cooling down, tries again within bounds, and loses nothing to a kill. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AlertShelf } from '../../../src/control/alerts/shelf.ts';
import { WAITS_MS, Watch } from '../../../src/control/alerts/watch.ts';
import { openControlDb } from '../../../src/control/control-db.ts';
import { body, fedExchange } from '../../audit/export/fed.ts';
import { NOON, scratch } from '../../audit/sample.ts';
import { Memory, Rows, Taker } from '../streams/fakes.ts';
import { rule } from './fakes.ts';
import type { AlertRule } from '../../../src/control/alerts/rule.ts';
import type { TestContext } from 'node:test';

function stage(t: TestContext, changes: Partial<AlertRule> = {}) {
  const db = openControlDb(scratch(t));
  t.after(() => db.close());
  const shelf = new AlertShelf(db);
  const store = new Rows();
  const taker = new Taker();
  const book = new Memory();
  const told: string[] = [];
  const clock = { now: NOON };
  const { id } = shelf.add(rule({ deliver: [{ to: 'stream', stream: 'siem' }], ...changes }));
  const make = (): Watch =>
    new Watch({
      ...{ store, book, shelf, now: () => clock.now },
      tell: name => void told.push(name),
      ways: { host: 'h', allow: [], ca: [], mail: null, stream: () => taker },
    });
  const drain = async (watch: Watch): Promise<void> => {
    while (await watch.look());
  };
  const groups = (): unknown[] =>
    taker.batches.flat().map(fed => fed.kind === 'event' && fed.row.detail['group']);
  const fail = (n: number, user: string | null = null): void =>
    store.add(n, i => fedExchange({ n: i, status: 503, user, time: NOON + i }));
  return { shelf, store, taker, book, told, clock, id, make, drain, groups, fail };
}

describe('the watch', () => {
  it('begins with what comes from now on, and fires when the threshold is met', async t => {
    const s = stage(t);
    s.fail(10);
    const watch = s.make();
    await s.drain(watch);
    s.store.add(50, i => fedExchange({ n: i, status: 200 }));
    s.fail(2);
    await s.drain(watch);
    assert.deepEqual(s.told, []);
    s.fail(1);
    await s.drain(watch);
    await watch.tellDue();
    assert.deepEqual(s.told, ['alert.fired']);
    assert.equal(s.taker.batches.length, 1);
    const { state } = s.shelf.get(s.id)!;
    assert.deepEqual([state.fired, state.lastFired, state.pending], [1, NOON, []]);
  });

  it('looks into bodies for rules that ask for them, and only then', async t => {
    const s = stage(t, { query: 'body:secretword', threshold: 1 });
    const watch = s.make();
    await s.drain(watch);
    s.store.add(3, i =>
      fedExchange(
        { n: i, status: 200 },
        { req: null, res: body(Buffer.from(i === 2 ? 'a SecretWord' : 'none')) },
      ),
    );
    await s.drain(watch);
    assert.deepEqual(s.told, ['alert.fired']);
    assert.equal(s.store.asked.at(-1)?.detail, 'bodies');
    s.shelf.remove(s.id);
    s.shelf.add(rule({ query: 'status:503' }));
    await s.drain(watch);
    assert.equal(s.store.asked.at(-1)?.detail, 'heads');
  });

  it('counts each group for itself, and is quiet for each while it cools down', async t => {
    const s = stage(t, { groupBy: 'user' });
    const watch = s.make();
    await s.drain(watch);
    for (const user of ['alice', 'bob', 'alice', 'bob', 'alice', 'alice', 'alice', 'alice']) s.fail(1, user);
    await s.drain(watch);
    await watch.tellDue();
    assert.deepEqual(s.groups(), ['alice']);
    s.fail(1, 'bob');
    await s.drain(watch);
    s.clock.now += 600_000;
    s.fail(3, 'alice');
    await s.drain(watch);
    await watch.tellDue();
    assert.deepEqual(s.groups(), ['alice', 'bob', 'alice']);
  });

  it('tells again after growing waits, then gives up and says so', async t => {
    const s = stage(t);
    const watch = s.make();
    await s.drain(watch);
    s.fail(3);
    await s.drain(watch);
    s.taker.broken = 'no route';
    for (const wait of WAITS_MS) {
      await watch.tellDue();
      const { state } = s.shelf.get(s.id)!;
      assert.deepEqual([state.lastError, state.pending[0]?.nextTry], ['no route', s.clock.now + wait]);
      await watch.tellDue();
      assert.equal(s.shelf.get(s.id)?.state.pending[0]?.nextTry, s.clock.now + wait, 'not before its time');
      s.clock.now += wait;
    }
    await watch.tellDue();
    const { state } = s.shelf.get(s.id)!;
    assert.deepEqual([state.pending, state.failed], [[], 1]);
    assert.deepEqual(s.told, ['alert.fired', 'alert.undelivered']);
  });

  it('loses no notice to a restart between firing and telling', async t => {
    const s = stage(t);
    const first = s.make();
    await s.drain(first);
    s.fail(3);
    await s.drain(first);
    const second = s.make();
    await s.drain(second);
    await second.tellDue();
    assert.equal(s.taker.batches.length, 1);
    assert.deepEqual(s.told, ['alert.fired']);
  });

  it('sends a test by every way, at once', async t => {
    const s = stage(t);
    assert.equal(await s.make().test(s.id), null);
    const [fed] = s.taker.batches.flat();
    assert.equal(fed?.kind === 'event' && fed.row.detail['test'], true);
    s.taker.broken = 'no route';
    assert.equal(await s.make().test(s.id), 'stream: no route');
    assert.equal(await s.make().test(99), 'there is no such rule');
  });

  it('passes over what a rule that is switched off would have met', async t => {
    const s = stage(t, { enabled: false });
    const watch = s.make();
    s.fail(5);
    await s.drain(watch);
    s.shelf.change(s.id, rule({ deliver: [{ to: 'stream', stream: 'siem' }] }));
    await s.drain(watch);
    assert.deepEqual(s.told, []);
  });
});
