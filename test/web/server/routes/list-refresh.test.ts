import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Desk } from '../../../../src/control/desk.ts';
import { copiesDir, holdCopy, replaceCopy } from '../../../../src/policy/list-copies.ts';
import { openPolicyStore } from '../../../../src/policy/store.ts';
import { storeLearned } from '../../../../src/policy/sources.ts';
import { PolicyVersions, versionsDir } from '../../../../src/policy/versions.ts';
import type { PolicyWork } from '../../../../web/server/deps.ts';
import type { ListFetchAnswer, ListsView } from '../../../../web/contract.ts';
import { errorOf } from '../harness.ts';
import { policyHouse } from '../policy-house.ts';
import { recordsIn } from '../../../helpers/records-in.ts';

test('a held list shows why it stands still, and goes on when somebody has it fetched', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sightglass-refresh-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const file = join(dataDir, 'policy.yaml');
  writeFileSync(file, 'version: 1\nlists: { often: { learned: seen }, here: { domains: [a.test] } }\n');
  const store = await openPolicyStore({ file, cacheDir: join(dataDir, 'policy'), pollMs: 60_000 });
  t.after(() => {
    store.close();
  });
  const copies = copiesDir(join(dataDir, 'policy'));
  const source = store.loaded().document.lists['often'];
  assert.ok(source?.kind === 'learned');
  await replaceCopy(copies, source, []);
  await holdCopy(copies, source, { n: 4, since: '2026-11-20T12:00:00.000Z' }, 0);

  const desk = new Desk({ policyFile: file, dataDir, records: recordsIn(dataDir) });
  t.after(() => desk.close());
  const policyWork: PolicyWork = {
    store,
    versions: new PolicyVersions(versionsDir(dataDir)),
    desk,
    copies,
    repository: () => Promise.resolve(null),
    refresh: async list => {
      assert.equal(list, 'often');
      await storeLearned(source, copies, 7, [{ name: 'b.test', match: 'exact' }]);
    },
  };
  const h = await policyHouse(t, { deps: { policyWork } });
  const author = await h.person('policy-author');
  const auditor = await h.person('auditor');
  const view = (await auditor.get('/api/lists')).json<ListsView>();
  assert.deepEqual(view.lists[0]?.copy?.held, { n: 4, since: '2026-11-20T12:00:00.000Z' });
  const ask = { list: 'often' };
  assert.equal(errorOf(await auditor.post('/api/lists/fetch', ask)).code, 'not-allowed');
  assert.equal(errorOf(await author.post('/api/lists/fetch', { list: 'here' })).code, 'not-found');
  assert.equal(errorOf(await author.post('/api/lists/fetch', {})).code, 'not-found');
  const { copy } = (await author.post('/api/lists/fetch', ask)).json<ListFetchAnswer>();
  assert.deepEqual([copy.held, copy.checked], [null, '1970-01-01T00:00:00.007Z']);
  assert.equal(store.current().lists.get('often')?.set.size, 1, 'in force at once');
  assert.ok(h.trail.page(null, 50).rows.some(r => r.action === 'list.fetch' && r.detail['list'] === 'often'));
});
