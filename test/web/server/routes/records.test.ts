/** Days and holds over the API: who may, what lands in the trail, and that a refused hold says why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Holds } from '../../../../src/control/holds.ts';
import type { HoldRow, RecordsView } from '../../../../web/contract.ts';
import { errorOf, house } from '../harness.ts';
import type { House } from '../harness.ts';
import type { TestContext } from 'node:test';

async function withHolds(t: TestContext) {
  const made = (): Holds => new Holds(h.db, h.trail);
  const h: House = await house(t, {
    deps: {
      holds: {
        list: () => made().list(),
        add: (...given) => made().add(...given),
        lift: (...given) => made().lift(...given),
      },
    },
  });
  return { h };
}

test('an admin lays and lifts a hold; both stand in the trail', async t => {
  const { h } = await withHolds(t);
  const admin = await h.person('admin', 'eve');
  const laid = await admin.post('/api/holds', { first: '2026-11-01', last: '2026-11-20', reason: 'case 1' });
  assert.equal(laid.status, 200, laid.text);
  const { id, by } = laid.json<HoldRow>();
  assert.deepEqual([id, by], [1, 'eve']);
  const auditor = await h.person('auditor');
  const view = (await auditor.get('/api/records')).json<RecordsView>();
  assert.deepEqual(view.days, [
    {
      ...{ day: '2026-11-20', exchanges: 1, flows: 1, events: 1, bytes: 1 },
      ...{ sealed: true, attached: false, holds: [1] },
    },
  ]);
  assert.equal(view.holds[0]?.reason, 'case 1');
  assert.equal((await admin.post('/api/holds/1/release', { reason: 'closed' })).status, 200);
  const after = (await auditor.get('/api/records')).json<RecordsView>();
  assert.deepEqual([after.days?.[0]?.holds, after.holds[0]?.liftedBy], [[], 'eve']);
  const lines = h.trail.page(null, 20).rows.filter(line => line.action.startsWith('audit.'));
  assert.deepEqual(
    lines.map(line => [line.action, line.user, line.detail['reason']]),
    [
      ['audit.hold-lifted', 'eve', 'closed'],
      ['audit.held', 'eve', 'case 1'],
    ],
  );
});

test('nobody else may, and a hold without reason, day or number is refused', async t => {
  const { h } = await withHolds(t);
  const admin = await h.person('admin');
  const auditor = await h.person('auditor');
  const good = { first: '2026-11-01', last: '2026-11-20', reason: 'case 1' };
  assert.equal(errorOf(await auditor.post('/api/holds', good)).code, 'not-allowed');
  assert.equal(errorOf(await admin.post('/api/holds', good, { 'x-csrf-token': 'x' })).code, 'csrf');
  assert.equal(errorOf(await (await h.person('viewer')).get('/api/records')).code, 'not-allowed');
  for (const [bad, told] of [
    [{ ...good, reason: ' ' }, /needs a reason/],
    [{ ...good, last: '2026-11-31' }, /no day/],
    [{ ...good, first: '2026-11-21' }, /is after/],
    [{ ...good, reason: 'x'.repeat(501) }, /too long/],
    [{ first: '2026-11-01' }, /missing/],
  ] as const) {
    const refused = errorOf(await admin.post('/api/holds', bad));
    assert.equal(refused.code, 'bad-request');
    assert.match(refused.message, told);
  }
  assert.match(errorOf(await admin.post('/api/holds/9/release', { reason: 'x' })).message, /no hold 9/);
  assert.match(errorOf(await admin.post('/api/holds/9/release', { reason: '' })).message, /needs a reason/);

  const none = await house(t);
  const other = await none.person('admin');
  assert.deepEqual((await other.get('/api/records')).json<RecordsView>(), { days: null, holds: [] });
  assert.equal(errorOf(await other.post('/api/holds', good)).code, 'unavailable');
});
