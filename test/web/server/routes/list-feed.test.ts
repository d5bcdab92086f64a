import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { POLICY, policyHouse } from '../policy-house.ts';

const TOKEN = 'the-token-of-edge';
const listTokens = {
  use: (token: string) => (token === TOKEN ? 'edge' : null),
  list: () => [],
  add: () => '',
  revoke: () => undefined,
};
const house = (t: TestContext, traffic = false) => policyHouse(t, { traffic, deps: { listTokens } });

describe('lists for devices that poll', () => {
  it('are what the export writes, with an ETag that changes with the policy and not before', async t => {
    const h = await house(t);
    const url = `/lists/deny.plain?token=${TOKEN}`;
    const first = await h.ask(url);
    assert.equal(first.status, 200, first.text);
    assert.match(String(first.headers['content-type']), /^text\/plain; charset=utf-8$/i);
    const names = first.text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
    assert.deepEqual(names.sort(), ['*.tracker.test', 'ads.test']);
    const etag = String(first.headers.etag);
    assert.match(etag, /^"[\w-]{43}"$/);
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await h.ask(url, { headers: { 'if-none-match': header } });
      assert.deepEqual([again.status, again.text, again.headers.etag], [304, '', etag], header);
    }
    assert.equal((await h.ask(url, { headers: { 'if-none-match': '"other"' } })).status, 200);
    writeFileSync(h.policyFile, POLICY.replace('ads.test', 'more.test'));
    let changed = await h.ask(url, { headers: { 'if-none-match': etag } });
    for (let i = 0; i < 100 && changed.status === 304; i++) {
      await sleep(50);
      changed = await h.ask(url, { headers: { 'if-none-match': etag } });
    }
    assert.equal(changed.status, 200);
    assert.match(changed.text, /^more\.test$/m);
  });

  it('want a token: in the address, as bearer or as the password of Basic', async t => {
    const h = await house(t);
    const plain = '/lists/banks.pan-edl?as=passthrough';
    for (const [url, authorization] of [
      [plain, undefined],
      [`${plain}&token=`, undefined],
      [`${plain}&token=${TOKEN}x`, undefined],
      [plain, 'Bearer x'],
      [plain, `Basic ${Buffer.from('edge:x').toString('base64')}`],
    ] as const) {
      const refused = await h.ask(url, authorization === undefined ? {} : { headers: { authorization } });
      assert.equal(refused.status, 401, url);
      assert.match(String(refused.headers['www-authenticate']), /^Basic/);
      assert.doesNotMatch(refused.text, /bank/);
    }
    for (const authorization of [
      `Bearer ${TOKEN}`,
      `Basic ${Buffer.from(`edge:${TOKEN}`).toString('base64')}`,
    ]) {
      const ok = await h.ask(plain, { headers: { authorization } });
      assert.equal(ok.status, 200, ok.text);
      assert.match(ok.text, /^bank\.test\/?$/m);
    }
  });

  it('leave a line in the trail when something was sent, and none when nothing was', async t => {
    const h = await house(t);
    const url = `/lists/deny.hosts?narrow=yes&token=${TOKEN}`;
    const { headers } = await h.ask(url);
    await h.ask(url, { headers: { 'if-none-match': String(headers.etag) } });
    const rows = h.trail.page(null, 50).rows.filter(r => r.action === 'list.fetched');
    assert.equal(rows.length, 1);
    assert.equal(rows[0]?.detail['token'], 'edge');
    assert.doesNotMatch(JSON.stringify(rows), new RegExp(TOKEN));
  });

  it('a format of several files wants one named; unknown sets, lists and formats are not found', async t => {
    const h = await house(t);
    const several = await h.ask(`/lists/deny.haproxy?token=${TOKEN}`);
    assert.equal(several.status, 400);
    const [, name = ''] = /file=([^,]+),/.exec(several.text) ?? [];
    const one = await h.ask(`/lists/deny.haproxy?file=${encodeURIComponent(name)}&token=${TOKEN}`);
    assert.equal(one.status, 200, several.text);
    assert.equal((await h.ask(`/lists/nolist.plain?token=${TOKEN}`)).status, 404);
    assert.notEqual((await h.ask(`/lists/deny.exe?token=${TOKEN}`)).headers.etag, 'x');
    assert.equal((await h.ask(`/lists/deny.plain?since=soon&token=${TOKEN}`)).status, 400);
    assert.equal((await h.ask(`/lists/deny.plain?token=${TOKEN}`, { method: 'POST' })).status === 200, false);
  });

  it('from traffic too', async t => {
    const h = await house(t, true);
    const seen = await h.ask(`/lists/seen.plain?minClients=2&token=${TOKEN}`);
    assert.equal(seen.status, 200, seen.text);
    assert.match(seen.text, /^shop\.test$/m);
    assert.doesNotMatch(seen.text, /^ads\.test$/m);
  });
});

it('nobody may poll a console without tokens', async t => {
  const h = await policyHouse(t);
  assert.equal((await h.ask(`/lists/deny.plain?token=${TOKEN}`)).status, 401);
});
