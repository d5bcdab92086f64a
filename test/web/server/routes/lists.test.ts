import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type {
  ImportView,
  ListEntriesView,
  ListPreview,
  ListsView,
  VersionsView,
} from '../../../../web/contract.ts';
import { errorOf } from '../harness.ts';
import type { Answer, House, Person } from '../harness.ts';
import { policyHouse } from '../policy-house.ts';

/** Send bytes to the import. */
function send(h: House, person: Person, params: string, body: string | Buffer): Promise<Answer> {
  return h.ask(`/api/lists/import?${params}`, {
    method: 'POST',
    headers: {
      cookie: person.cookie,
      'x-csrf-token': person.csrf,
      'content-type': 'application/octet-stream',
    },
    body,
  });
}

test('all lists, their entries, and what is wrong with them', async t => {
  const h = await policyHouse(t);
  const auditor = await h.person('auditor');
  const view = (await auditor.get('/api/lists')).json<ListsView>();
  assert.deepEqual(
    view.lists.map(l => [l.name, l.source, l.file, l.entries, l.rules, l.problems]),
    [
      ['banks', 'file', 'lists/banks.txt', 2, ['banks'], []],
      ['ads', 'inline', null, 2, ['no ads'], []],
    ],
  );
  assert.ok((view.lists[0]?.bytes ?? 0) > 0);
  assert.equal(view.inGit, false);
  const hosts = view.formats.find(f => f.format === 'hosts');
  assert.deepEqual([hosts?.sets, hosts?.says], [['deny'], 'one host alone']);
  const found = (await auditor.get('/api/lists/entries?list=banks&find=other')).json<ListEntriesView>();
  assert.deepEqual([found.entries, found.found, found.total], [['other-bank.test'], 1, 2]);
  assert.equal(errorOf(await auditor.get('/api/lists/entries?list=nope')).code, 'not-found');

  writeFileSync(join(h.dir, 'lists/banks.txt'), 'bank.test\nnot a name\n');
  let broken = view;
  while (broken.lists[0]?.problems.length === 0) {
    await sleep(50);
    broken = (await auditor.get('/api/lists')).json<ListsView>();
  }
  assert.deepEqual(
    broken.lists[0]?.problems.map(p => [p.file, p.line]),
    [['banks.txt', 2]],
  );
});

test('an export is previewed and downloaded; what the format cannot say is told', async t => {
  const h = await policyHouse(t, { traffic: true });
  const author = await h.person('policy-author');
  const plain = (await author.get('/api/lists/preview?set=passthrough&format=plain')).json<ListPreview>();
  assert.equal(plain.written, 2);
  assert.ok(plain.files[0]?.head.includes('other-bank.test'), JSON.stringify(plain.files));
  const hosts = (await author.get('/api/lists/preview?set=deny&format=hosts')).json<ListPreview>();
  assert.deepEqual([hosts.written, hosts.withheld.total], [1, 1]);
  assert.match(hosts.withheld.reasons[0]?.reason ?? '', /cannot express/);
  assert.equal(errorOf(await author.get('/api/lists/preview?set=allow&format=hosts')).code, 'bad-request');
  const file = await author.get('/api/lists/export?set=deny&format=hosts');
  assert.equal(file.headers['content-disposition'], 'attachment; filename="sightglass-deny.hosts"');
  assert.match(file.text, /^0\.0\.0\.0 ads\.test$/m);
  const two = (await author.get('/api/lists/preview?set=deny&format=haproxy')).json<ListPreview>();
  assert.equal(two.files.length, 2);
  const second = two.files[1]?.name ?? '';
  const end = await author.get(
    `/api/lists/export?set=deny&format=haproxy&file=${encodeURIComponent(second)}`,
  );
  assert.equal(end.status, 200);
  assert.match(end.text, /tracker\.test/);

  const seen = (await author.get('/api/lists/preview?set=seen&format=plain&since=24h')).json<ListPreview>();
  assert.equal(seen.written, 2);
  const learned = (await author.get('/api/lists/preview?set=learned&format=plain')).json<ListPreview>();
  assert.deepEqual(
    learned.files[0]?.head.filter(line => !line.startsWith('#')),
    ['shop.test'],
  );
  assert.ok(h.trail.page(null, 50).rows.some(r => r.action === 'list.exported'));
});

test('an import shows its difference first and is written only as it was shown', async t => {
  const h = await policyHouse(t);
  const author = await h.person('policy-author');
  const auditor = await h.person('auditor');
  const list = '0.0.0.0 bank.test\n0.0.0.0 new-bank.test\nhello world\n127.0.0.1 localhost\n';
  const shown = (await send(h, auditor, 'name=banks', list)).json<ImportView>();
  assert.deepEqual(
    [shown.format, shown.detected, shown.entries, shown.rejected, shown.written],
    ['hosts', true, 2, 1, false],
  );
  assert.deepEqual(
    shown.rejects.map(r => [r.line, r.text]),
    [[3, 'hello world']],
  );
  assert.equal(shown.plan?.known, true);
  assert.ok(shown.plan.sample.includes('+ new-bank.test'));
  const digest = shown.plan.digest;
  const apply = `name=banks&expect=${digest}&comment=${encodeURIComponent('new bank')}`;
  assert.equal(errorOf(await send(h, auditor, apply, list)).code, 'not-allowed');
  assert.equal(errorOf(await send(h, author, `name=banks&expect=${digest}`, list)).code, 'bad-request');
  assert.equal(errorOf(await send(h, author, apply, `${list}0.0.0.0 more.test\n`)).code, 'conflict');
  assert.match(readFileSync(join(h.dir, 'lists/banks.txt'), 'utf8'), /other-bank/);
  const done = (await send(h, author, apply, list)).json<ImportView>();
  assert.equal(done.written, true);
  assert.deepEqual(
    readFileSync(join(h.dir, 'lists/banks.txt'), 'utf8').split('\n').slice(1).filter(Boolean).sort(),
    ['bank.test', 'new-bank.test'],
  );
  const newest = (await author.get('/api/policy/versions')).json<VersionsView>().versions[0];
  assert.deepEqual([newest?.author, newest?.comment], ['policy-author', 'new bank']);
  assert.ok(h.trail.page(null, 50).rows.some(r => r.action === 'list.imported'));
});

test('the exceptions of a list go into a list of their own, both shown and written together', async t => {
  const h = await policyHouse(t);
  const author = await h.person('policy-author');
  const list = '||ads.example^\n@@||ok.ads.example^\n';
  const left = (await send(h, author, 'name=more', list)).json<ImportView>();
  assert.deepEqual([left.exceptionsLeft, left.exceptionsPlan], [1, null]);
  const named = 'name=more&exceptions=fine';
  assert.equal(errorOf(await send(h, author, 'name=more&exceptions=more', list)).code, 'bad-request');
  const shown = (await send(h, author, named, list)).json<ImportView>();
  assert.deepEqual(
    [shown.exceptionsLeft, shown.plan?.sample, shown.exceptionsPlan?.sample],
    [0, ['+ .ads.example'], ['+ .ok.ads.example']],
  );
  const apply = `${named}&expect=${shown.plan?.digest}&comment=both`;
  const other = `||ads.example^\n@@||other.ads.example^\n`;
  assert.equal(errorOf(await send(h, author, apply, other)).code, 'conflict', 'the digest speaks for both');
  assert.equal((await send(h, author, apply, list)).json<ImportView>().written, true);
  const read = (name: string): string => readFileSync(join(h.dir, `lists/${name}.txt`), 'utf8');
  assert.match(read('more'), /^\.ads\.example$/m);
  assert.match(read('fine'), /^\.ok\.ads\.example$/m);
  const newest = (await author.get('/api/policy/versions')).json<VersionsView>().versions[0];
  assert.deepEqual([newest?.author, newest?.comment], ['policy-author', 'both']);
});

test('a list that is new is added to the policy; gzip is undone; what is no list is refused', async t => {
  const h = await policyHouse(t);
  const author = await h.person('policy-author');
  const bytes = gzipSync('fresh.test\n*.fresh.test\n');
  const shown = (await send(h, author, 'name=fresh&file=fresh.txt.gz', bytes)).json<ImportView>();
  assert.deepEqual([shown.plan?.known, shown.plan?.file], [false, 'lists/fresh.txt']);
  const apply = `name=fresh&expect=${shown.plan?.digest}&comment=first`;
  assert.equal((await send(h, author, apply, bytes)).json<ImportView>().written, true);
  assert.match(readFileSync(h.policyFile, 'utf8'), /fresh: \{ file: lists\/fresh\.txt \}/);
  const { lists } = (await author.get('/api/lists')).json<ListsView>();
  assert.ok(lists.some(l => l.name === 'fresh' && l.entries === 1));

  assert.equal(errorOf(await send(h, author, 'name=x', Buffer.from([0, 1, 2, 0]))).code, 'bad-request');
  assert.equal(errorOf(await send(h, author, 'name=x', '')).code, 'bad-request');
  assert.equal(errorOf(await send(h, author, 'name=../x', 'a.test\n')).code, 'bad-request');
  assert.equal(errorOf(await send(h, author, 'name=ads', 'a.test\n')).code, 'bad-request');
  const wrong = await author.post('/api/lists/import?name=x', {});
  assert.equal(errorOf(wrong).code, 'bad-request');
});
