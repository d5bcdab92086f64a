/** The window of rows: pages, live tail, holding back, bounds, failures. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_PENDING, RowsFeed, TAIL_ROWS } from '../../../../web/client/state/rows-feed.ts';
import { ApiFailure } from '../../../../web/client/api/failure.ts';

interface Row {
  id: string;
  time: string;
}

const row = (n: number): Row => ({ id: `r${n}`, time: new Date(1_000_000 + n * 10).toISOString() });
const ids = (feed: RowsFeed<Row>): string[] => feed.get().rows.map(r => r.id);

/** A store of rows 0…n-1, newest first, asked as the server would be. */
function store(n: number) {
  const rows = Array.from({ length: n }, (_, at) => row(n - 1 - at));
  const asked: object[] = [];
  const state = { fail: false, rows, asked };
  const feed = new RowsFeed<Row>({
    idOf: r => r,
    page: async where => {
      asked.push(where);
      if (state.fail) throw new ApiFailure('unavailable', 'No.', 'Later.');
      const { cursor, until, limit } = where;
      const all = until === undefined ? state.rows : state.rows.filter(r => r.time < until);
      const from = Number(cursor ?? 0);
      return {
        rows: all.slice(from, from + limit),
        next: from + limit < all.length ? String(from + limit) : null,
      };
    },
  });
  return { feed, state };
}

describe('rows feed', () => {
  it('goes on by itself with a search that takes long, and says how far it got', async () => {
    const told: (string | null)[] = [];
    const feed = new RowsFeed<Row>({
      idOf: r => r,
      page: async ({ cursor }) => {
        const day = Number(cursor ?? 20);
        // Three days without a match take too long for one answer each.
        if (day > 17) return { rows: [], next: String(day - 1), reached: `2026-11-${day}T00:00:00.000Z` };
        return { rows: [{ id: 'x', time: '2026-11-17T10:00:00.000Z' }], next: null };
      },
    });
    const done = new Promise<void>(resolve => {
      feed.subscribe(() => {
        const { reached, ended } = feed.get();
        if (told.at(-1) !== reached) told.push(reached);
        if (ended) resolve();
      });
    });
    await feed.start();
    await done;
    assert.deepEqual(
      told.filter(at => at !== null).map(at => at.slice(8, 10)),
      ['20', '19', '18'],
    );
    assert.deepEqual([feed.get().rows.length, feed.get().reached], [1, null]);
  });

  it('fetches page after page to the end, each row once', async () => {
    const { feed } = store(250);
    assert.equal(feed.get().loading, true);
    await feed.start();
    assert.equal(feed.get().rows.length, 100);
    await Promise.all([feed.more(), feed.more()]);
    assert.equal(feed.get().rows.length, 200, 'one question at a time');
    await feed.more();
    assert.deepEqual([feed.get().rows.length, feed.get().ended], [250, true]);
    await feed.more();
    assert.equal(new Set(ids(feed)).size, 250);
  });

  it('puts live rows on top, in order of time, and knows those it has', async () => {
    const { feed } = store(3);
    await feed.start();
    feed.push([row(5), row(4)]);
    feed.push([row(5), row(2)], 7);
    const twin = { id: 'twin', time: row(5).time };
    feed.push([twin]);
    assert.deepEqual(ids(feed), ['twin', 'r5', 'r4', 'r2', 'r1', 'r0']);
    assert.equal(feed.get().skipped, 7);
  });

  it('keeps live rows that came before the first page', async () => {
    const { feed } = store(3);
    const started = feed.start();
    feed.push([row(9)]);
    await started;
    assert.deepEqual(ids(feed), ['r9', 'r2', 'r1', 'r0']);
  });

  it('holds rows back while asked to, and brings them in', async () => {
    const { feed } = store(2);
    await feed.start();
    feed.hold(true);
    feed.push([row(2), row(3)]);
    assert.deepEqual([ids(feed), feed.get().waiting], [['r1', 'r0'], 2]);
    feed.release();
    assert.deepEqual([ids(feed)[0], feed.get().waiting], ['r3', 0]);
    feed.push([row(4)]);
    feed.hold(false);
    assert.equal(ids(feed)[0], 'r4');
  });

  it('drops what waits beyond its bound, and fetches afresh instead of showing a gap', async () => {
    const { feed, state } = store(2);
    await feed.start();
    feed.hold(true);
    const burst = Array.from({ length: MAX_PENDING + 50 }, (_, at) => row(at + 2));
    for (const one of burst) feed.push([one]);
    assert.equal(feed.get().waiting, MAX_PENDING + 50);
    state.rows.unshift(...burst.reverse());
    const asked = state.asked.length;
    feed.release();
    await new Promise(done => setImmediate(done));
    assert.equal(state.asked.length, asked + 1);
    assert.equal(ids(feed)[0], `r${MAX_PENDING + 51}`);
    assert.equal(feed.get().rows.length, 100);
  });

  it('cuts a long tail back, and scrolls on from the cut without a gap or a double', async () => {
    const { feed, state } = store(50);
    await feed.start();
    for (let n = 50; n < 50 + TAIL_ROWS * 2 + 10; n++) {
      state.rows.unshift(row(n));
      feed.push([row(n)]);
    }
    const cut = feed.get().rows.length;
    assert.ok(cut >= TAIL_ROWS && cut <= TAIL_ROWS * 2, `${cut} rows`);
    assert.equal(feed.get().ended, false);
    while (!feed.get().ended) await feed.more();
    assert.deepEqual(
      ids(feed),
      state.rows.map(r => r.id),
    );
  });

  it('tells a failure, keeps what it has, and goes on when asked again', async () => {
    const { feed, state } = store(150);
    await feed.start();
    state.fail = true;
    await feed.more();
    assert.deepEqual(
      [feed.get().failure?.code, feed.get().rows.length, feed.get().loadingMore],
      ['unavailable', 100, false],
    );
    state.fail = false;
    await feed.more();
    assert.deepEqual([feed.get().failure, feed.get().rows.length], [null, 150]);
  });

  it('says nothing after it was stopped', async () => {
    const { feed } = store(3);
    let told = 0;
    feed.subscribe(() => told++);
    const started = feed.start();
    feed.stop();
    const before = told;
    await started;
    assert.equal(told, before);
  });
});
