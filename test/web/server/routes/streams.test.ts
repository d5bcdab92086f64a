/** Streams and alerts over the API: who may, what lands in the trail, and that a refused rule says why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertAdded, AlertsView, AlertTested, StreamsView } from '../../../../web/contract.ts';
import { consoleAlerts } from '../../../../src/control/alerts/console-alerts.ts';
import { AlertShelf } from '../../../../src/control/alerts/shelf.ts';
import { openControlDb } from '../../../../src/control/control-db.ts';
import { streamsView } from '../../../../src/control/streams/streams.ts';
import { rule } from '../../../control/alerts/fakes.ts';
import { NOON, scratch } from '../../../audit/sample.ts';
import { errorOf, house } from '../harness.ts';
import type { TestContext } from 'node:test';

async function withAlerts(t: TestContext) {
  const db = openControlDb(scratch(t));
  t.after(() => db.close());
  const tested: number[] = [];
  const testAlert = async (id: number): Promise<string | null> => {
    tested.push(id);
    return tested.length > 1 ? 'mail: no route' : null;
  };
  const state = {
    ...{
      name: 'siem',
      to: 'syslog-tls',
      target: 'l:6514',
      format: 'cef',
      state: 'failing' as const,
      lagRows: 5,
      lagMs: 9,
    },
    ...{
      sent: 1,
      dropped: 0,
      refused: 0,
      lastSent: NOON,
      error: 'no route',
      attempts: 3,
      nextTry: NOON + 1000,
    },
  };
  const h = await house(t, {
    deps: {
      alerts: consoleAlerts(new AlertShelf(db), { testAlert }, true, () => NOON),
      streams: { view: () => streamsView({ file: '/s.yaml', problem: null, streams: [state] }) },
    },
  });
  return { h, tested };
}

test('how streams stand, for everybody who may see the state of the service', async t => {
  const { h } = await withAlerts(t);
  const viewer = await h.person('viewer');
  const { streams } = (await viewer.get('/api/streams')).json<StreamsView>();
  assert.deepEqual(
    [streams[0]?.state, streams[0]?.lastSent, streams[0]?.nextTry],
    ['failing', '2026-11-20T12:00:00.000Z', '2026-11-20T12:00:01.000Z'],
  );
  assert.equal(errorOf(await viewer.get('/api/alerts')).code, 'not-allowed');
  assert.equal(errorOf(await h.ask('/api/streams')).code, 'signed-out');
});

test('an alert is made, changed, tested and deleted, each with its line in the trail', async t => {
  const { h, tested } = await withAlerts(t);
  const auditor = await h.person('auditor');
  const added = (await auditor.post('/api/alerts', rule())).json<AlertAdded>();
  assert.ok(added.secret.length > 40);
  const listed = (await auditor.get('/api/alerts')).json<AlertsView>();
  assert.deepEqual([listed.alerts[0]?.rule, listed.mail, listed.streams], [rule(), true, ['siem']]);
  const address = `/api/alerts/${added.id}`;
  assert.equal((await auditor.post(address, rule({ threshold: 7 }))).status, 200);
  assert.equal((await auditor.post(`${address}/test`, {})).json<AlertTested>().error, null);
  assert.equal((await auditor.post(`${address}/test`, {})).json<AlertTested>().error, 'mail: no route');
  assert.equal((await auditor.post(`${address}/remove`, {})).status, 200);
  assert.deepEqual(tested, [added.id, added.id]);
  const lines = h.trail.page(null, 5).rows;
  assert.deepEqual(
    lines.map(({ action }) => action),
    ['alert.deleted', 'alert.tested', 'alert.tested', 'alert.changed', 'alert.made'],
  );
  assert.doesNotMatch(JSON.stringify(lines), new RegExp(added.secret));
  for (const path of [address, `${address}/test`, `${address}/remove`, '/api/alerts/0', '/api/alerts/x'])
    assert.equal(errorOf(await auditor.post(path, rule())).code, 'not-found', path);
});

test('a rule that cannot be used is refused with its reason; nobody changes one without token or permission', async t => {
  const { h } = await withAlerts(t);
  const auditor = await h.person('auditor');
  const refused = errorOf(await auditor.post('/api/alerts', rule({ query: 'statu:200' })));
  assert.equal(refused.code, 'bad-request');
  assert.match(refused.message, /cannot be used/);
  assert.notEqual(refused.hint, '');
  assert.equal(errorOf(await auditor.post('/api/alerts', rule(), { 'x-csrf-token': 'wrong' })).code, 'csrf');
  const author = await h.person('policy-author');
  assert.equal(errorOf(await author.post('/api/alerts', rule())).code, 'not-allowed');
  assert.deepEqual((await auditor.get('/api/alerts')).json<AlertsView>().alerts, []);
});

test('a console without streams says so', async t => {
  const h = await house(t);
  const auditor = await h.person('auditor');
  assert.deepEqual((await auditor.get('/api/streams')).json<StreamsView>().streams, []);
  assert.deepEqual((await auditor.get('/api/alerts')).json<AlertsView>().alerts, []);
  assert.equal(errorOf(await auditor.post('/api/alerts', rule())).code, 'unavailable');
});
