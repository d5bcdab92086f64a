import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyView, Status, TrailPage } from '../../../../web/contract.ts';
import { house } from '../harness.ts';

test('status, policy and certificate come from their owners', async t => {
  const h = await house(t);
  const author = await h.person('policy-author');
  assert.equal((await author.get('/api/status')).json<Status>().policy.version, '0123456789ab');
  assert.equal((await author.get('/api/policy')).json<PolicyView>().text, 'rules: []\n');
  const pem = await author.get('/api/ca');
  assert.equal(pem.headers['content-disposition'], 'attachment; filename="sightglass-ca.pem"');
  assert.match(pem.text, /^-----BEGIN CERTIFICATE/);
  const der = await author.get('/api/ca?format=der');
  assert.equal(der.headers['content-type'], 'application/pkix-cert');
  assert.deepEqual([...der.body], [0x30, 0x82]);
});

test('the trail is read page by page, and reading it is in it', async t => {
  const h = await house(t);
  const auditor = await h.person('auditor');
  const first = (await auditor.get('/api/trail?limit=1')).json<TrailPage>();
  assert.deepEqual(
    first.rows.map(r => [r.action, r.user]),
    [['trail.viewed', 'auditor']],
  );
  const second = (await auditor.get(`/api/trail?limit=1&cursor=${first.next}`)).json<TrailPage>();
  assert.deepEqual(
    second.rows.map(r => r.action),
    ['login.done'],
  );
  assert.equal(h.trail.page(null, 1).rows[0]?.action, 'trail.viewed');
});
