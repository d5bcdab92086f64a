import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Facets, Histogram, SearchPage } from '../../../../web/contract.ts';
import { errorOf, house } from '../harness.ts';
import { row, START } from '../memory-reader.ts';

test('pages follow each other by cursor, times are text, the question reaches the store parsed', async t => {
  const h = await house(t);
  h.audit.rows.exchanges = Array.from({ length: 5 }, (_, i) => row({ exchange: `1-1.${i + 1}` }));
  const viewer = await h.person('viewer');
  const ids: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: SearchPage<'exchanges'> = (
      await viewer.get(`/api/search?q=host:example.com&since=2h&limit=2&cursor=${cursor}`)
    ).json();
    ids.push(...page.rows.map(r => r.exchange));
    cursor = page.next;
  }
  assert.deepEqual(ids, ['1-1.1', '1-1.2', '1-1.3', '1-1.4', '1-1.5']);
  assert.deepEqual(h.audit.asked[0], {
    method: 'search',
    query: 'host:example.com',
    options: { kind: 'exchanges', since: START - 7200_000, limit: 2, budget: 1500 },
  });
  assert.ok(h.audit.signals[0] instanceof AbortSignal, 'a browser that goes away gives the search up');
  h.audit.reached = START - 3600_000;
  const partial: SearchPage = (await viewer.get('/api/search')).json();
  assert.equal(partial.reached, new Date(START - 3600_000).toISOString());
});

test('a query that makes no sense is a 400 that says where', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  for (const path of ['search', 'histogram', 'facets', 'live']) {
    const answer = await viewer.get(`/api/${path}?q=${encodeURIComponent('ok hots:example.com')}`);
    assert.equal(answer.status, 400);
    const error = errorOf(answer);
    assert.deepEqual([error.code, error.position, error.section], ['bad-query', 3, 'fields']);
    assert.ok((error.end ?? 0) > 3);
  }
  assert.deepEqual(h.audit.asked, []);
});

test('one question is one line in the trail, however many requests it takes', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  const lines = () => h.trail.page(null, 100).rows.filter(r => r.action === 'search');
  await viewer.get('/api/search?q=host:a.example&since=24h');
  await viewer.get('/api/search?q=host:a.example&since=24h&cursor=50');
  await viewer.get('/api/histogram?q=host:a.example&since=24h');
  await viewer.get('/api/facets?q=host:a.example&since=24h');
  assert.deepEqual(
    lines().map(r => r.detail),
    [{ kind: 'exchanges', q: 'host:a.example', since: '24h', until: null }],
  );
  await viewer.get('/api/search?q=host:b.example&since=24h');
  assert.equal(lines().length, 2);
  h.clock.now += 61_000;
  await viewer.get('/api/search?q=host:a.example&since=24h');
  assert.equal(lines().length, 3);
  const other = await h.person('auditor');
  await other.get('/api/search?q=host:a.example&since=24h');
  assert.equal(lines().length, 4);
});

test('histogram: from the oldest record until now when no times are given; none for events', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  const chart = (await viewer.get('/api/histogram?buckets=4')).json<Histogram>();
  assert.equal(chart.since, '2026-11-20T10:00:00.000Z');
  assert.equal(chart.buckets.length, 4);
  assert.deepEqual(
    chart.buckets.map(b => b.inspect),
    [0, 1, 2, 3],
  );
  const events = (await viewer.get('/api/histogram?kind=events')).json<Histogram>();
  assert.deepEqual(events.buckets, []);
});

test('facets: asked fields only, values without null, and whether there are more', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  const { facets } = (await viewer.get('/api/facets?fields=rule,host&top=2')).json<Facets>();
  assert.deepEqual(
    facets.map(f => [f.field, f.values.map(v => v.value), f.more]),
    [
      ['host', ['a', 'b'], true],
      ['rule', ['a', 'b'], true],
    ],
  );
  const all = (await viewer.get('/api/facets?kind=flows')).json<Facets>();
  assert.deepEqual(
    all.facets.map(f => [f.field, f.more]),
    ['host', 'client', 'user', 'verdict', 'rule', 'fault', 'proxy'].map(f => [f, false]),
  );
  assert.deepEqual((await viewer.get('/api/facets?kind=events')).json<Facets>(), { facets: [] });
});
