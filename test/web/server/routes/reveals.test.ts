import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API } from '../../../../web/contract.ts';
import type { ExchangeDetail, RevealRow, RevealsView } from '../../../../web/contract.ts';
import { errorOf, house } from '../harness.ts';

const WHY = 'case 4711, asked by legal';

test('no body, preview or HAR without a reason; each look names it in the trail', async t => {
  const h = await house(t);
  h.audit.put({}, { data: Buffer.from('hello') });
  const auditor = await h.person('auditor');
  const viewer = await h.person('viewer');
  for (const path of ['preview/res', 'body/res', 'har'])
    assert.equal(errorOf(await auditor.get(`/api/exchange/1-1.1/${path}`)).code, 'reason-needed', path);
  assert.equal(errorOf(await auditor.get('/api/export?format=har')).code, 'reason-needed');
  const ask = { exchange: '1-1.1', side: 'res', reason: WHY };
  assert.equal(errorOf(await viewer.post(API.reveals, ask)).code, 'not-allowed');
  assert.equal(errorOf(await auditor.post(API.reveals, ask, { 'x-csrf-token': 'none' })).code, 'csrf');
  assert.equal(errorOf(await auditor.post(API.reveals, { ...ask, reason: ' ' })).code, 'bad-request');
  assert.equal(errorOf(await auditor.post(API.reveals, { ...ask, side: 'left' })).code, 'not-found');
  assert.equal(errorOf(await auditor.post(API.reveals, { ...ask, exchange: '9-9.9' })).code, 'not-found');
  const made = (await auditor.post(API.reveals, ask)).json<RevealRow>();
  assert.deepEqual(
    [made.state, made.what],
    ['open', { exchange: '1-1.1', side: 'res', host: 'www.example.com' }],
  );
  const detail = (await auditor.get('/api/exchange/1-1.1')).json<ExchangeDetail>();
  assert.deepEqual(detail.revealed, { req: false, res: true });
  assert.equal((await auditor.get('/api/exchange/1-1.1/preview/res')).status, 200);
  assert.equal(
    errorOf(await auditor.get('/api/exchange/1-1.1/har')).code,
    'reason-needed',
    'both sides leave',
  );
  const [line] = h.trail.page(null, 1).rows;
  assert.deepEqual([line?.action, line?.detail['reveal']], ['body.viewed', made.id]);
  h.clock.now += 15 * 60_000;
  assert.equal(errorOf(await auditor.get('/api/exchange/1-1.1/preview/res')).code, 'reason-needed');
});

test('a second person agrees or refuses, and cannot be the first', async t => {
  const h = await house(t, { secondPerson: true });
  h.audit.put({}, { data: Buffer.from('hello') });
  const alice = await h.person('auditor', 'alice');
  const bob = await h.person('auditor', 'bob');
  const made = (
    await alice.post(API.reveals, { exchange: '1-1.1', side: 'both', reason: WHY })
  ).json<RevealRow>();
  assert.equal(made.state, 'waiting');
  const preview = () => alice.get('/api/exchange/1-1.1/preview/res');
  assert.equal(errorOf(await preview()).code, 'reason-needed');
  const decide = API.revealDecide.replace(':id', String(made.id));
  assert.equal(errorOf(await alice.post(decide, { decision: 'approve' })).code, 'bad-request');
  const view = (await bob.get(API.reveals)).json<RevealsView>();
  assert.deepEqual(
    [view.secondPerson, view.own, view.waiting.map(r => [r.user, r.reason])],
    [true, [], [['alice', WHY]]],
  );
  assert.equal(errorOf(await bob.post(decide, { decision: 'perhaps' })).code, 'not-found');
  assert.equal((await bob.post(decide, { decision: 'approve' })).json<RevealRow>().decidedBy, 'bob');
  assert.equal((await preview()).status, 200);
  assert.equal((await alice.get('/api/exchange/1-1.1/har')).status, 200);
  assert.equal(errorOf(await bob.get('/api/exchange/1-1.1/preview/res')).code, 'reason-needed');
});

test('an export with bodies is the question that was agreed to, and nothing that came later', async t => {
  const h = await house(t, { secondPerson: true });
  h.audit.put({}, { data: Buffer.from('hello') });
  const alice = await h.person('auditor', 'alice');
  const bob = await h.person('auditor', 'bob');
  const made = await alice.post(`${API.revealExport}?q=host:www.example.com&since=1h`, { reason: WHY });
  const { id, what } = made.json<RevealRow>();
  assert.ok('q' in what && what.q === 'host:www.example.com');
  assert.equal(Date.parse(what.until) - Date.parse(what.since ?? ''), 3_600_001);
  const har = (more = '') => alice.get(`/api/export?format=har&reveal=${id}${more}`);
  assert.equal(errorOf(await har()).code, 'reason-needed', 'not yet');
  await bob.post(API.revealDecide.replace(':id', String(id)), { decision: 'approve' });
  h.clock.now += 60_000;
  assert.equal((await har('&q=-host:www.example.com&since=30d')).status, 200);
  const search = h.audit.asked.findLast(asked => asked.method === 'search');
  const { since, until } = search?.options as { since: number; until: number };
  assert.deepEqual(
    [search?.query, since, until],
    ['host:www.example.com', Date.parse(what.since ?? ''), Date.parse(what.until)],
    'what else the address asks for is not listened to',
  );
  assert.equal(errorOf(await bob.get(`/api/export?format=har&reveal=${id}`)).code, 'reason-needed');
  const bad = await alice.post(`${API.revealExport}?kind=flows`, { reason: WHY });
  assert.equal(errorOf(bad).code, 'bad-request');
  const started = h.trail.page(null, 10).rows.find(row => row.action === 'export.started');
  assert.deepEqual([started?.detail['reveal'], started?.detail['q']], [id, 'host:www.example.com']);
});
