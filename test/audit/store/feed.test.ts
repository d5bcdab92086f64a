/** The feed: every row exactly once and in its order, over days and while rows arrive; what was deleted shows. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Ingest } from '../../../src/audit/ingest.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { dayOf, dayPath } from '../../../src/audit/store/schema.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { DAY, exchange, flow, flowId, flowOpen, NOON, scratch } from '../sample.ts';
import type { AuditStore, FedRow, FeedOptions } from '../../../src/audit/store/store.ts';
import type { AuditRecord } from '../../../src/core/records.ts';
import type { TestContext } from 'node:test';

const ALL: FeedOptions['kinds'] = ['exchanges', 'flows', 'events'];

function house(t: TestContext) {
  const dir = scratch(t);
  const auditDir = path.join(dir, 'audit');
  const spoolDir = path.join(dir, 'spool');
  let now = NOON;
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  const ingest = new Ingest({ spoolDir, auditDir, now: () => now, isAlive: () => true });
  const store = openStore({ dir: auditDir });
  t.after(async () => {
    await store.close();
    ingest.close();
    spool.close();
  });
  return {
    auditDir,
    store,
    take(...records: AuditRecord[]): void {
      for (const record of records) spool.append(record);
      spool.flush();
      while (ingest.step().rows > 0);
    },
    nextDay(): void {
      now += DAY;
    },
  };
}

const event = (n: number): AuditRecord => ({
  kind: 'event',
  time: NOON + n,
  name: 'test.event',
  detail: { n },
});
const nameOf = (fed: FedRow): string =>
  fed.kind === 'event'
    ? `event ${String(fed.row.detail['n'])}`
    : fed.kind === 'flow'
      ? `flow ${fed.row.flow}`
      : `exchange ${fed.row.exchange}`;

/** The recorder writes events of its own, such as the sealing of a day. */
const isOurs = (fed: FedRow): boolean => fed.kind !== 'event' || fed.row.event === 'test.event';

async function everything(
  store: AuditStore,
  options: Partial<FeedOptions> = {},
): Promise<{ names: string[]; next: string }> {
  const names: string[] = [];
  let after: string | null = null;
  for (;;) {
    const page = await store.feed({
      after,
      limit: 7,
      kinds: ALL,
      detail: 'none',
      ...options,
      ...(after === null ? {} : { after }),
    });
    names.push(...page.rows.filter(isOurs).map(nameOf));
    after = page.next;
    if (page.rows.length === 0) return { names, next: page.next };
  }
}

describe('the feed', () => {
  it('has every row once, page by page, over days', async t => {
    const h = house(t);
    assert.deepEqual((await h.store.feed({ after: null, limit: 5, kinds: ALL, detail: 'none' })).rows, []);
    const wanted: string[] = [];
    for (let day = 0; day < 3; day++) {
      for (let i = 1; i <= 20; i++) {
        const id = day * 20 + i;
        h.take(
          flowOpen({ flow: flowId(1, id) }),
          exchange({ flow: flowId(1, id), time: NOON + id * 10 }),
          event(id),
        );
        h.take(flow({ flow: flowId(1, id), time: NOON + id * 10 }));
        wanted.push(`exchange 1-${id.toString(36)}.1`, `flow 1-${id.toString(36)}`, `event ${id}`);
      }
      h.nextDay();
    }
    const { names } = await everything(h.store);
    assert.deepEqual([...names].sort(), [...wanted].sort());
    for (const kind of ['exchange', 'flow', 'event'])
      assert.deepEqual(
        names.filter(name => name.startsWith(kind)),
        wanted.filter(name => name.startsWith(kind)),
        'order of ingestion within a kind',
      );
    const { names: flows } = await everything(h.store, { kinds: ['flows'] });
    assert.deepEqual(
      flows,
      wanted.filter(name => name.startsWith('flow')),
    );
  });

  it('goes on behind a cursor when more arrives, on the same day and the next', async t => {
    const h = house(t);
    h.take(event(1), event(2));
    const { next } = await everything(h.store);
    h.take(event(3));
    const page = await h.store.feed({ after: next, limit: 10, kinds: ALL, detail: 'none' });
    assert.deepEqual(page.rows.filter(isOurs).map(nameOf), ['event 3']);
    h.nextDay();
    h.take(event(4));
    assert.deepEqual(
      (await h.store.feed({ after: page.next, limit: 10, kinds: ALL, detail: 'none' })).rows
        .filter(isOurs)
        .map(nameOf),
      ['event 4'],
    );
  });

  it('begins behind the newest row when told to, even before there is any', async t => {
    const h = house(t);
    const origin = await h.store.feed({ after: 'end', limit: 10, kinds: ALL, detail: 'none' });
    h.take(event(1));
    assert.equal(
      (await h.store.feed({ after: origin.next, limit: 10, kinds: ALL, detail: 'none' })).rows.length,
      1,
    );
    const end = await h.store.feed({ after: 'end', limit: 10, kinds: ALL, detail: 'none' });
    assert.deepEqual(end.rows, []);
    h.take(event(2));
    assert.deepEqual(
      (await h.store.feed({ after: end.next, limit: 10, kinds: ALL, detail: 'none' })).rows
        .filter(isOurs)
        .map(nameOf),
      ['event 2'],
    );
  });

  it('says what waits, by day, and goes on after a day that was deleted', async t => {
    const h = house(t);
    h.take(event(1), event(2), event(3));
    h.nextDay();
    h.take(event(4));
    const page = await h.store.feed({ after: null, limit: 1, kinds: ALL, detail: 'none' });
    const [first, second] = [dayOf(NOON), dayOf(NOON + DAY)];
    assert.deepEqual(page.waiting[0], { day: first, rows: 2 });
    assert.ok(page.waiting[1]?.day === second && page.waiting[1].rows >= 1);
    fs.rmSync(dayPath(h.auditDir, first));
    const rest = await h.store.feed({ after: page.next, limit: 10, kinds: ALL, detail: 'none' });
    assert.deepEqual(rest.rows.filter(isOurs).map(nameOf), ['event 4']);
    assert.deepEqual([rest.days, rest.waiting], [[second], []]);
  });

  it('brings heads, flow records and bodies when asked, in this thread and another', async t => {
    const h = house(t);
    const data = Buffer.from([1, 2, 255]);
    h.take(
      flowOpen(),
      { kind: 'body', flow: flowId(1, 1), n: 1, side: 'res', data },
      exchange({ res: { size: 3, kept: 3, sha256: 'aa'.repeat(32), truncated: false } }),
      flow(),
    );
    const there = openStore({ dir: h.auditDir, thread: true });
    t.after(() => there.close());
    for (const store of [h.store, there]) {
      const { rows } = await store.feed({ after: null, limit: 10, kinds: ALL, detail: 'bodies' });
      const [x, f] = rows;
      assert.ok(x?.kind === 'exchange' && f?.kind === 'flow');
      assert.equal(x.detail?.reqHeaders, exchange().reqHeaders);
      assert.ok(Buffer.isBuffer(x.bodies?.res?.data) && x.bodies.res.data.equals(data));
      assert.equal(x.bodies.req, null);
      assert.deepEqual(f.record, flow());
    }
  });

  it('takes a cursor that is none as the beginning: twice is better than never', async t => {
    const h = house(t);
    h.take(event(1));
    for (const after of ['', 'nonsense', '2026-11-20:1:2', `${'9'.repeat(40)}:1:1:1`])
      assert.equal(
        (await h.store.feed({ after, limit: 10, kinds: ALL, detail: 'none' })).rows.length,
        1,
        after,
      );
  });
});
