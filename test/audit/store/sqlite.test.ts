/**
 * The search against a naive one over the same records: every operator, every combination the generator thinks of, pages
 * put together, counts, histograms and facets; over three day files, so that all of it crosses days.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import fs from 'node:fs';
import os from 'node:os';
import { Ingest } from '../../../src/audit/ingest.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { exchangeIdText, flowIdText } from '../../../src/core/records.ts';
import { makeRng } from '../../fuzz/rng.ts';
import { matchesExchange, matchesFlow } from '../query/evaluate.ts';
import { eachTerm, randomQuery } from '../query/generate.ts';
import { DAY, flow, flowId, flowOpen, hello, NOON, query, randomExchange, spooled } from '../sample.ts';
import type { AuditStore, ExchangeRow } from '../../../src/audit/store/store.ts';
import type { FlowRecord } from '../../../src/core/records.ts';
import type { Stored } from '../query/evaluate.ts';

const EXCHANGES = 3600;
const FLOWS = 40;

describe('search agrees with the naive search', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-search-'));
  const exchanges: Stored[] = [];
  const flows: FlowRecord[] = [];
  let store: AuditStore;

  before(() => {
    const rng = makeRng(7);
    let now = NOON - DAY;
    const spoolDir = path.join(dir, 'spool');
    const auditDir = path.join(dir, 'audit');
    const spool = openSpool({ dir: spoolDir, producer: 1 });
    const ingest = new Ingest({ spoolDir, auditDir, now: () => now, isAlive: () => true });
    const snis = new Map<number, string | null>();
    for (let i = 1; i <= FLOWS; i++) {
      const sni = rng.pick(['www.example.test', 'api.example.test', null]);
      snis.set(i, sni);
      spool.append(flowOpen({ flow: flowId(1, i), facts: { ...flowOpen().facts!, hello: hello(sni) } }));
    }
    const ns = new Map<number, number>();
    for (let i = 0; i < EXCHANGES; i++) {
      const counter = 1 + rng.int(FLOWS);
      const n = (ns.get(counter) ?? 0) + 1;
      ns.set(counter, n);
      // Two minutes of traffic, ingested over three days: times and files do not go together, as after a long outage.
      const record = randomExchange(rng, flowId(1, counter), n, NOON + i * 33);
      spool.append(record);
      exchanges.push({ record: spooled(record), sni: snis.get(counter) ?? null });
      if (i % 1200 === 1199) {
        spool.flush();
        while (ingest.step().rows > 0);
        now += DAY;
      }
    }
    for (let i = 1; i <= 1500; i++) {
      const x = randomExchange(rng, flowId(1, 1), 1, NOON + i * 80);
      const without = rng.oneIn(9);
      const facts = {
        ...flowOpen().facts!,
        host: x.host,
        port: x.port,
        scheme: x.scheme,
        user: x.user,
        ingress: rng.pick(['connect', 'http', 'socks5'] as const),
        hello: rng.oneIn(5) ? null : hello(rng.pick(['www.example.test', 'x.other.test', null])),
      };
      const record = flow({
        flow: flowId(2, i),
        time: x.time,
        client: x.client,
        facts: without ? null : facts,
        verdict: without ? null : x.verdict,
        ms: x.ms,
        bytesUp: x.req.size,
        bytesDown: x.res.size,
        fault: x.fault,
        exchanges: rng.int(5),
      });
      spool.append(record);
      flows.push(spooled(record));
    }
    spool.flush();
    while (ingest.step().rows > 0);
    ingest.close();
    spool.close();
    exchanges.reverse();
    flows.reverse();
    store = openStore({ dir: auditDir });
  });
  after(async () => {
    await store.close();
    fs.rmSync(dir, { recursive: true });
  });

  it('for each operator by itself', async () => {
    const rng = makeRng(5);
    for (let i = 0; i < 12; i++) {
      for (const text of eachTerm(rng, 'exchanges')) {
        const q = query(text, 'exchanges', NOON + 60_000);
        const { count } = await store.count(q, { kind: 'exchanges', budget: 60_000 });
        const expected = exchanges.filter(s => matchesExchange(q.root, s));
        if (count !== expected.length) console.log('DIFF', text, count, expected.length);
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
      if (expected.length > 0 && expected.length < EXCHANGES) matched++;
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
    const bars = async (text: string, since: number, until: number, buckets: number) => {
      const h = await store.histogram(query(text), { kind: 'exchanges', since, until, buckets });
      assert.ok(h.exact);
      return h.buckets;
    };
    const expected = (text: string, since: number, until: number, buckets: number) => {
      const q = query(text);
      const rows = exchanges.filter(
        s => s.record.time >= since && s.record.time < until && matchesExchange(q.root, s),
      );
      return Array.from({ length: buckets }, (_, i) => {
        const from = since + ((until - since) / buckets) * i;
        const in_ = rows.filter(s => Math.floor(((s.record.time - since) / (until - since)) * buckets) === i);
        const of = (action: string) => in_.filter(s => s.record.verdict.action === action).length;
        return {
          time: from,
          inspect: of('inspect'),
          passthrough: of('passthrough'),
          block: of('block'),
          none: 0,
          faults: in_.filter(s => s.record.fault !== null).length,
        };
      });
    };
    for (const text of ['', 'status:404', 'host:.example.test OR login'])
      for (const [since, until, n] of [
        [NOON, NOON + 120_000, 2],
        [NOON, NOON + 120_000, 7],
        [NOON + 30_000, NOON + 90_000, 5],
      ] as const)
        assert.deepEqual(await bars(text, since, until, n), expected(text, since, until, n), `${text} ${n}`);
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
      // A lone surrogate is no UTF-8: it comes back as one or more U+FFFD.
      const asStored = (v: string | number | null) =>
        typeof v === 'string'
          ? Buffer.from(v)
              .toString()
              .replace(/\ufffd+/g, '\ufffd')
          : v;
      assert.deepEqual(
        new Map(facets.values.map(v => [asStored(v.value), v.count])),
        new Map([...expected].map(([v, n]) => [asStored(v), n])),
        field,
      );
    }
  });
});
