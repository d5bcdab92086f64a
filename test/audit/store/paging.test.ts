/**
 * Pages and whole answers put together from days: every row once whatever the page size, nothing silently incomplete, and what
 * was given up goes on where it stopped.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pageOf, parseCursor } from '../../../src/audit/store/paging.ts';
import { AbandonedError } from '../../../src/audit/store/pool.ts';
import { chartDays, countDays, facetDays } from '../../../src/audit/store/whole.ts';
import type { DayPage } from '../../../src/audit/store/paging.ts';
import type { Page } from '../../../src/audit/store/store.ts';

const DAYS = ['2026-11-20', '2026-11-19', '2026-11-18', '2026-11-16'];
/** Row numbers that match, by day, newest first; each "row" is its own name. */
const FOUND: Record<string, number[]> = {
  '2026-11-20': [9, 7],
  '2026-11-19': [],
  '2026-11-18': [30, 20, 10],
  '2026-11-16': [5],
};
const ALL = Object.entries(FOUND).flatMap(([day, ids]) => ids.map(id => `${day} ${id}`));

type Names = Page<'events'> & { rows: unknown[] };

function page(
  before: string | undefined,
  limit: number,
  asked: string[] = [],
  expired = (): boolean => false,
  stop?: { day: string; below: number },
): Promise<Names> {
  return pageOf<'events'>({
    days: DAYS,
    limit,
    before,
    ahead: 2,
    expired,
    ask: async (day, below, wanted) => {
      asked.push(day);
      let ids = (FOUND[day] ?? []).filter(id => below === null || id < below);
      const stopped = stop?.day === day ? { id: stop.below, time: Date.parse(day) + 5 } : null;
      if (stopped !== null) ids = ids.filter(id => id >= stopped.id);
      ids = ids.slice(0, wanted);
      return { ids, rows: ids.map(id => `${day} ${id}`), stopped } as unknown as DayPage<'events'>;
    },
  });
}

describe('pages', () => {
  for (const limit of [1, 2, 3, 5, 6, 50])
    it(`of ${limit} give every row once`, async () => {
      const rows: unknown[] = [];
      let before: string | undefined;
      for (;;) {
        const found = await page(before, limit);
        assert.ok(found.rows.length <= limit);
        assert.equal(found.reached, undefined);
        rows.push(...found.rows);
        if (found.next === null) break;
        before = found.next;
      }
      assert.deepEqual(rows, ALL);
    });

  it('ask the newest day alone and no further than they need', async () => {
    const asked: string[] = [];
    await page(undefined, 1, asked);
    assert.deepEqual(asked, ['2026-11-20']);
    asked.length = 0;
    await page(undefined, 2, asked);
    assert.deepEqual(asked, ['2026-11-20', '2026-11-19', '2026-11-18']);
  });

  it('whose time ran out say how far they got, and go on from there', async () => {
    let turns = 0;
    const first = await page(undefined, 50, [], () => ++turns > 1);
    assert.deepEqual(first.rows, ALL.slice(0, 5));
    assert.equal(first.reached, Date.parse('2026-11-18'));
    assert.deepEqual((await page(first.next ?? '', 50)).rows, ALL.slice(5));
    const within = await page(undefined, 50, [], undefined, { day: '2026-11-18', below: 20 });
    assert.deepEqual(within.rows, ALL.slice(0, 4));
    assert.equal(within.reached, Date.parse('2026-11-18') + 5);
    assert.deepEqual((await page(within.next ?? '', 50)).rows, ALL.slice(4));
  });

  it('have cursors that only we write', () => {
    assert.deepEqual(parseCursor('2026-11-20:17'), { day: '2026-11-20', id: 17 });
    for (const text of ['', '2026-11-20', '2026-11-20:x', '../x:1']) assert.equal(parseCursor(text), null);
  });
});

describe('whole answers', () => {
  it('are sums over days, and lower bounds with the time they reach when a day is missing', async () => {
    const ask = async (day: string) => ({ value: Number(day.slice(-2)), exact: true });
    assert.deepEqual(await countDays(DAYS, ask), { count: 73, exact: true });
    assert.deepEqual(
      await countDays(DAYS, day =>
        day < '2026-11-19' ? Promise.reject(new AbandonedError('late')) : ask(day),
      ),
      { count: 39, exact: false, reached: Date.parse('2026-11-19') },
    );
    assert.deepEqual(await countDays(DAYS, async day => ({ value: 1, exact: day !== '2026-11-20' })), {
      count: 4,
      exact: false,
      reached: null,
    });
    assert.deepEqual(await countDays(DAYS, async () => null), { count: 0, exact: true });
    await assert.rejects(
      countDays(DAYS, () => Promise.reject(new Error('not a database'))),
      /not a database/,
    );
  });

  it('of charts and facets add up bar by bar and value by value', async () => {
    const bar = { time: 0, inspect: 1, passthrough: 2, block: 3, none: 4, faults: 5 };
    const chart = await chartDays(DAYS, { kind: 'flows', since: 0, until: 20, buckets: 2 }, async () => ({
      value: [bar, bar],
      exact: true,
    }));
    assert.deepEqual(chart.buckets, [
      { time: 0, inspect: 4, passthrough: 8, block: 12, none: 16, faults: 20 },
      { time: 10, inspect: 4, passthrough: 8, block: 12, none: 16, faults: 20 },
    ]);
    const facets = await facetDays(DAYS, 2, async day => ({
      value: [
        ['a', 1, 10],
        [null, 2, 1],
        [day, 1, 0],
      ],
      exact: true,
    }));
    assert.deepEqual(facets, {
      values: [
        { value: null, count: 8, bytes: 4 },
        { value: 'a', count: 4, bytes: 40 },
      ],
      exact: true,
    });
    assert.deepEqual(
      await chartDays(DAYS, { kind: 'flows', since: 5, until: 5, buckets: 2 }, async () => null),
      {
        buckets: [],
        exact: true,
      },
    );
  });
});
