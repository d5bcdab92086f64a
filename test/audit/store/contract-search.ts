/**
 * What every driver of AuditStore must do, asked of one driver at a time: contract-sqlite.test.ts and contract-postgres.test.ts
 * run it. The judge of searches is the naive search over the same records (query/evaluate.ts).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { exchangeIdText, flowIdText } from '../../../src/core/records.ts';
import { liveFilter } from '../../../src/audit/query/match.ts';
import { FIELDS } from '../../../src/audit/query/ast.ts';
import { FACETS } from '../../../src/audit/store/store.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { exchangeField, matchesExchange, matchesFlow } from '../query/evaluate.ts';
import { eachTerm, randomQuery } from '../query/generate.ts';
import { NOON, query } from '../sample.ts';
import type { FlowRecord } from '../../../src/core/records.ts';
import type { FeedPage, Page } from '../../../src/audit/store/store.ts';
import type { Stored } from '../query/evaluate.ts';
import type { Driver } from './drivers.ts';

import { BARS, barsOf, fill, kept, own, SIZE } from './contract-data.ts';

export function searchContract(name: string, make: () => Promise<Driver>): void {
  describe(`${name}: search agrees with the naive search`, () => {
    const exchanges: Stored[] = [];
    const flows: FlowRecord[] = [];
    let driver: Driver;

    before(async () => {
      driver = await make();
      await fill(driver, exchanges, flows);
    });
    after(() => driver.close());

    it('for each operator by itself', async () => {
      const rng = makeRng(5);
      for (let i = 0; i < 6; i++)
        for (const kind of ['exchanges', 'flows'] as const)
          for (const text of eachTerm(rng, kind)) {
            const q = query(own(driver, text), kind, NOON + 60_000);
            const { count } = await driver.store.count(q, { kind, budget: 60_000 });
            const expected =
              kind === 'exchanges'
                ? exchanges.filter(s => matchesExchange(q.root, s)).length
                : flows.filter(r => matchesFlow(q.root, r)).length;
            assert.equal(count, expected, text);
          }
    });

    it('for every field there is', async () => {
      for (const { name: field, kinds, nullable, type } of FIELDS)
        for (const kind of kinds) {
          const value =
            { number: '>=0', id: driver.id('1-1'), time: '1d', address: '::/0' }[type as string] ?? 'x*';
          const text = `${field}:${nullable === true ? '*' : field === 'exchange' ? `${value}.1` : value}`;
          const found = await driver.store.search(query(text, kind), { kind, limit: 1 });
          assert.ok(found.rows.length <= 1, text);
        }
    });

    it('for combinations, in pages, newest first', async () => {
      const rng = makeRng(11);
      let matched = 0;
      for (let i = 0; i < 60; i++) {
        const text = own(driver, randomQuery(rng, 'exchanges'));
        const q = query(text, 'exchanges', NOON + 60_000);
        const expected = exchanges
          .filter(s => matchesExchange(q.root, s))
          .map(s => driver.id(exchangeIdText(s.record.flow, s.record.n)));
        const found: string[] = [];
        let next: string | null = null;
        do {
          const options = { kind: 'exchanges' as const, limit: 400 };
          const page: Page<'exchanges'> = await driver.store.search(
            q,
            next === null ? options : { ...options, before: next },
          );
          found.push(...page.rows.map(r => r.exchange));
          next = page.next;
        } while (next !== null);
        assert.deepEqual(found, expected, text);
        if (expected.length > 0 && expected.length < SIZE.exchanges) matched++;
      }
      assert.ok(matched > 30, `most queries tell rows apart (${matched})`);
      for (let i = 0; i < 40; i++) {
        const text = own(driver, randomQuery(rng, 'flows'));
        const q = query(text, 'flows', NOON + 60_000);
        const found = await driver.store.search(q, { kind: 'flows', limit: 10_000 });
        assert.deepEqual(
          found.rows.map(r => r.flow),
          flows.filter(r => matchesFlow(q.root, r)).map(r => driver.id(flowIdText(r.flow))),
          text,
        );
      }
    });

    it('within times', async () => {
      for (const [since, until] of [
        [NOON + 20_000, NOON + 50_000],
        [NOON + 30_000.5, undefined],
        [undefined, NOON + 10_000],
        [NOON + 999_000, NOON + 999_999],
      ] as const) {
        const range = {
          ...(since === undefined ? {} : { since }),
          ...(until === undefined ? {} : { until }),
        };
        const expected = exchanges.filter(
          s => s.record.time >= (since ?? 0) && s.record.time < (until ?? Infinity),
        ).length;
        assert.equal((await driver.store.count(query(''), { kind: 'exchanges', ...range })).count, expected);
      }
    });

    it('in the bars of a histogram, from sums or from rows', async () => {
      for (const [text, since, until, n] of BARS) {
        const h = await driver.store.histogram(query(text), { kind: 'exchanges', since, until, buckets: n });
        assert.deepEqual(
          h,
          { buckets: barsOf(exchanges, text, since, until, n), exact: true },
          `${text} ${n}`,
        );
      }
    });

    it('in every facet', async () => {
      const q = query('ms:>1000');
      const rows = exchanges.filter(s => matchesExchange(q.root, s));
      for (const field of FACETS) {
        const of = (s: Stored) => (exchangeField(field, s) ?? null) as string | number | null;
        const expected = new Map<string | number | null, number>();
        let bytes = 0;
        for (const s of rows) {
          expected.set(kept(of(s)), (expected.get(kept(of(s))) ?? 0) + 1);
          bytes += s.record.req.size + s.record.res.size;
        }
        const facets = await driver.store.facets(q, {
          kind: 'exchanges',
          field,
          limit: 1000,
          budget: 60_000,
        });
        assert.ok(facets.exact);
        assert.deepEqual(new Map(facets.values.map(v => [kept(v.value), v.count])), expected, field);
        assert.equal(
          facets.values.reduce((sum, v) => sum + v.bytes, 0),
          bytes,
          field,
        );
        const counts = facets.values.map(v => v.count);
        assert.deepEqual(
          counts,
          [...counts].sort((a, b) => b - a),
          'most frequent first',
        );
      }
    });

    it('and the feed gives every row once, in the order they came', async () => {
      const fed: string[] = [];
      let after: string | null = null;
      for (;;) {
        const page: FeedPage = await driver.store.feed({
          after,
          limit: 500,
          kinds: ['exchanges'],
          detail: 'heads',
        });
        if (page.rows.length === 0) {
          assert.deepEqual(page.waiting, []);
          break;
        }
        for (const row of page.rows) {
          assert.ok(row.kind === 'exchange' && row.detail !== null);
          fed.push(row.row.exchange);
        }
        const waiting = page.waiting.reduce((sum, w) => sum + w.rows, 0);
        assert.equal(waiting, SIZE.exchanges - fed.length);
        after = page.next;
      }
      assert.deepEqual(
        fed.reverse(),
        exchanges.map(s => driver.id(exchangeIdText(s.record.flow, s.record.n))),
      );
      const rest = await driver.store.feed({
        after: null,
        limit: 10_000,
        kinds: ['exchanges', 'flows'],
        detail: 'none',
      });
      assert.equal(rest.rows.length, SIZE.exchanges + SIZE.ledger);
      const end = await driver.store.feed({ after: 'end', limit: 10, kinds: ['flows'], detail: 'bodies' });
      assert.deepEqual(end.rows, []);
    });

    it('and so do streams and alerts, row by row: with bodies always, without them where they are not needed', async () => {
      const rng = makeRng(29);
      const texts = ['invoice', '-body:login', 'resbody:"under two heads" OR reqbody:note'];
      while (texts.length < 25) texts.push(own(driver, randomQuery(rng, 'exchanges')));
      const asked = texts.map(text => {
        const q = query(text, 'exchanges', NOON + 60_000);
        return { text, root: q.root, matches: liveFilter(q, 'exchanges') };
      });
      const byId = new Map(exchanges.map(s => [driver.id(exchangeIdText(s.record.flow, s.record.n)), s]));
      let open = 0;
      for (const detail of ['heads', 'bodies'] as const) {
        const options = { after: null, limit: 10_000, kinds: ['exchanges'] as const, detail };
        for (const fed of (await driver.store.feed(options)).rows) {
          assert.ok(fed.kind === 'exchange');
          const stored = byId.get(fed.row.exchange) ?? assert.fail();
          for (const { text, root, matches } of asked) {
            const answer = matches(fed);
            if (answer === null && detail === 'heads') open++;
            else assert.equal(answer, matchesExchange(root, stored), `${text} on ${fed.row.exchange}`);
          }
        }
      }
      assert.ok(open > 0 && open < (exchanges.length * asked.length) / 2, `${open} answers need bodies`);
    });

    it('in the sums of days', async () => {
      const days = await driver.store.days();
      assert.deepEqual(
        days.map(d => d.day),
        ['2026-11-22', '2026-11-21', '2026-11-20', '2026-11-19'],
      );
      assert.equal(
        days.reduce((sum, d) => sum + d.exchanges, 0),
        SIZE.exchanges,
      );
      assert.equal(
        days.reduce((sum, d) => sum + d.flows, 0),
        SIZE.ledger,
      );
      assert.ok(days.every(d => d.bytes > 0));
      const times = exchanges.map(s => s.record.time);
      assert.equal(
        Math.min(...days.map(d => d.from ?? Infinity)),
        Math.min(...times, ...flows.map(f => f.time)),
      );
    });
  });
}
