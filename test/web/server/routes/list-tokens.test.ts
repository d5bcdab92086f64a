import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openControlDb } from '../../../../src/control/control-db.ts';
import { ListTokens } from '../../../../src/control/list-tokens.ts';
import type { ListTokenMade, ListTokensView } from '../../../../web/contract.ts';
import { errorOf } from '../harness.ts';
import { policyHouse } from '../policy-house.ts';
import type { PolicyHouse } from '../policy-house.ts';

async function house(t: TestContext): Promise<PolicyHouse> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-tokens-'));
  const db = openControlDb(dir);
  const h = await policyHouse(t, { deps: { listTokens: new ListTokens(db) } });
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return h;
}

test('a token is made, told once, works at once, shows its use and ends', async t => {
  const h = await house(t);
  const author = await h.person('policy-author');
  const made = (await author.post('/api/lists/tokens', { name: 'edge' })).json<ListTokenMade>();
  assert.match(made.token, /^[\w-]{43}$/);
  const first = (await author.get('/api/lists/tokens')).json<ListTokensView>();
  assert.deepEqual(
    first.tokens.map(token => [token.name, token.used]),
    [['edge', null]],
  );
  assert.ok(!JSON.stringify(first).includes(made.token));
  const poll = `/lists/deny.pan-edl?token=${made.token}`;
  assert.equal((await h.ask(poll)).status, 200);
  const { tokens } = (await author.get('/api/lists/tokens')).json<ListTokensView>();
  assert.ok(!Number.isNaN(Date.parse(tokens[0]?.used ?? '')));
  await author.post('/api/lists/tokens/revoke', { name: 'edge' });
  assert.equal((await h.ask(poll)).status, 401);
  const trail = h.trail.page(null, 50).rows;
  for (const action of ['list-token.made', 'list-token.revoked'])
    assert.deepEqual(trail.find(r => r.action === action)?.detail, { token: 'edge' });
  assert.ok(!JSON.stringify(trail).includes(made.token));
});

test('who may not change the policy sees and makes none; names are checked; the session proves itself', async t => {
  const h = await house(t);
  const auditor = await h.person('auditor');
  const author = await h.person('policy-author');
  assert.equal(errorOf(await auditor.get('/api/lists/tokens')).code, 'not-allowed');
  assert.equal(errorOf(await auditor.post('/api/lists/tokens', { name: 'x' })).code, 'not-allowed');
  assert.equal(
    errorOf(await author.post('/api/lists/tokens', { name: 'x' }, { 'x-csrf-token': 'none' })).code,
    'csrf',
  );
  for (const name of ['', '../x', 7, undefined])
    assert.equal(errorOf(await author.post('/api/lists/tokens', { name })).code, 'bad-request');
  await author.post('/api/lists/tokens', { name: 'edge' });
  const twice = errorOf(await author.post('/api/lists/tokens', { name: 'edge' }));
  assert.match(twice.message, /There is a token "edge" already\./);
  const none = errorOf(await author.post('/api/lists/tokens/revoke', { name: 'gone' }));
  assert.match(none.message, /no token "gone"/);
});

test('a console without tokens says so', async t => {
  const h = await policyHouse(t);
  const author = await h.person('policy-author');
  assert.equal(errorOf(await author.get('/api/lists/tokens')).code, 'unavailable');
});
