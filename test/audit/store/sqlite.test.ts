/**
 * The search against a naive one over the same records: every operator, every combination the generator thinks of, pages
 * put together, counts, histograms and facets; over three day files, so that all of it crosses days.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { exchangeIdText, flowIdText } from '../../../src/core/records.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { matchesExchange, matchesFlow } from '../query/evaluate.ts';
import { eachTerm, randomQuery } from '../query/generate.ts';
import { NOON, query } from '../sample.ts';
import { BARS, barsOf, fill, kept } from './contract-data.ts';
import { sqliteDriver } from './drivers.ts';
import type { AuditStore, ExchangeRow } from '../../../src/audit/store/store.ts';
import type { FlowRecord } from '../../../src/core/records.ts';
import type { Stored } from '../query/evaluate.ts';
import type { Driver } from './drivers.ts';

/** More than the contract asks of every driver. */
const LARGE = { exchanges: 3600, flows: 40, ledger: 1500 };

describe('search agrees with the naive search', () => {
  const exchanges: Stored[] = [];
  const flows: FlowRecord[] = [];
  let driver: Driver;
  let store: AuditStore;

  before(async () => {
    driver = await sqliteDriver();
    store = driver.store;
    await fill(driver, exchanges, flows, LARGE);
  });
  after(() => driver.close());

  it('for each operator by itself', async () => {
    const rng = makeRng(5);
    for (let i = 0; i < 12; i++) {
      for (const text of eachTerm(rng, 'exchanges')) {
        const q = query(text, 'exchanges', NOON + 60_000);
        const { count } = await store.count(q, { kind: 'exchanges', budget: 60_000 });
        const expected = exchanges.filter(s => matchesExchange(q.root, s));
        assert.equal(count, expected.length, text);
      }
      for (const text of eachTerm(rng, 'flows')) {
        const q = query(text, 'flows', NOON + 60_000);
        const { count } = await store.count(q, { kind: 'flows', budget: 60_000 });
        assert.equal(count, flows.filter(r => matchesFlow(q.root, r)).length, text);
      }
    }
  });

  it('for exchanges', async () => {
    const rng = makeRng(11);
    let matched = 0;
    for (let i = 0; i < 120; i++) {
      const text = randomQuery(rng, 'exchanges');
      const q = query(text, 'exchanges', NOON + 60_000);
      const expected = exchanges.filter(s => matchesExchange(q.root, s));
      const found = await store.search(q, { kind: 'exchanges', limit: 10_000 });
      assert.deepEqual(
        found.rows.map(r => r.exchange),
        expected.map(s => exchangeIdText(s.record.flow, s.record.n)),
        text,
      );
      const count = await store.count(q, { kind: 'exchanges', budget: 60_000 });
      assert.deepEqual(count, { count: expected.length, exact: true }, text);
      if (expected.length > 0 && expected.length < LARGE.exchanges) matched++;
    }
    assert.ok(matched > 70, `most queries tell rows apart (${matched})`);
  });

  it('for flows', async () => {
    const rng = makeRng(13);
    for (let i = 0; i < 100; i++) {
      const text = randomQuery(rng, 'flows');
      const q = query(text, 'flows', NOON + 60_000);
      const expected = flows.filter(r => matchesFlow(q.root, r));
      const found = await store.search(q, { kind: 'flows', limit: 10_000 });
      assert.deepEqual(
        found.rows.map(r => r.flow),
        expected.map(r => flowIdText(r.flow)),
        text,
      );
    }
  });

  it('page by page, whatever the size of the page', async () => {
    const q = query('status:>=400 -client:10.0.0.0/16');
    const whole = exchanges
      .filter(s => matchesExchange(q.root, s))
      .map(s => exchangeIdText(s.record.flow, s.record.n));
    assert.ok(whole.length > 200);
    for (const limit of [1, 7, 100, whole.length, whole.length + 1]) {
      const paged: string[] = [];
      let cursor: string | null = null;
      do {
        const before: string | null = cursor;
        const page: { rows: ExchangeRow[]; next: string | null } = await store.search(q, {
          kind: 'exchanges',
          limit,
          ...(before === null ? {} : { before }),
        });
        paged.push(...page.rows.map(r => r.exchange));
        cursor = page.next;
      } while (cursor !== null && paged.length < 2 * whole.length);
      assert.deepEqual(paged, whole, `pages of ${limit}`);
      if (limit === 1) assert.ok(whole.length > 50);
    }
  });

  it('within since and until', async () => {
    for (const [since, until] of [
      [NOON + 10_000, NOON + 50_000],
      [undefined, NOON + 1],
      [NOON + 100_000, undefined],
      [NOON + 5, NOON + 5],
    ]) {
      const range = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
      const expected = exchanges.filter(
        s => s.record.time >= (since ?? 0) && s.record.time < (until ?? Infinity),
      ).length;
      assert.equal((await store.count(query(''), { kind: 'exchanges', ...range })).count, expected);
      const rows = await store.search(query(''), { kind: 'exchanges', limit: 10_000, ...range });
      assert.equal(rows.rows.length, expected);
    }
  });

  it('in the bars of a histogram, from sums or from rows', async () => {
    for (const [text, since, until, n] of BARS) {
      const h = await store.histogram(query(text), { kind: 'exchanges', since, until, buckets: n });
      assert.deepEqual(h, { buckets: barsOf(exchanges, text, since, until, n), exact: true }, `${text} ${n}`);
    }
  });

  it('in facets', async () => {
    const q = query('ms:>1000');
    const rows = exchanges.filter(s => matchesExchange(q.root, s));
    for (const [field, value] of [
      ['host', s => s.record.host],
      ['client', s => s.record.client],
      ['user', s => s.record.user],
      ['status', s => s.record.status],
      ['verdict', s => s.record.verdict.action],
      ['fault', s => s.record.fault],
    ] as [
      'host' | 'client' | 'user' | 'status' | 'verdict' | 'fault',
      (s: Stored) => string | number | null,
    ][]) {
      const expected = new Map<string | number | null, number>();
      for (const s of rows) expected.set(value(s), (expected.get(value(s)) ?? 0) + 1);
      const facets = await store.facets(q, { kind: 'exchanges', field, limit: 1000, budget: 60_000 });
      assert.deepEqual(
        new Map(facets.values.map(v => [kept(v.value), v.count])),
        new Map([...expected].map(([v, n]) => [kept(v), n])),
        field,
      );
    }
  });
});
