import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ApplyAnswer,
  RollbackAnswer,
  CheckView,
  DiffView,
  RulesView,
  TaskStarted,
  TaskView,
  VersionsView,
} from '../../../../web/contract.ts';
import type { Person } from '../harness.ts';
import { errorOf } from '../harness.ts';
import { POLICY, policyHouse } from '../policy-house.ts';

const NEXT = POLICY.replace('action: passthrough', 'action: inspect');

async function versionNow(person: Person): Promise<string> {
  return (await person.get('/api/policy/rules')).json<RulesView>().version;
}

test('a candidate is checked against the policy in force, with its problems', async t => {
  const h = await policyHouse(t);
  const auditor = await h.person('auditor');
  const good = (await auditor.post('/api/policy/check', { text: NEXT })).json<CheckView>();
  assert.equal(good.ok, true);
  assert.match(good.version ?? '', /^[0-9a-f]{12}$/);
  assert.deepEqual(good.changes, ['rule "banks": passthrough (headers) → inspect (headers)']);
  assert.match(
    good.diff,
    /^--- a\/policy\.yaml\n\+\+\+ b\/policy\.yaml\n[^]*\n-    action: passthrough\n\+    action: inspect\n/,
  );
  const bad = (
    await auditor.post('/api/policy/check', { text: POLICY.replace('inspect', 'peek') })
  ).json<CheckView>();
  assert.equal(bad.ok, false);
  assert.deepEqual(
    bad.problems.map(p => [p.file, p.line]),
    [['policy.yaml', 2]],
  );
  const missing = POLICY.replace('lists/banks.txt', 'lists/nowhere.txt');
  const listless = (await auditor.post('/api/policy/check', { text: missing })).json<CheckView>();
  assert.match(listless.problems[0]?.message ?? '', /there is no such file/);
  assert.equal(readFileSync(h.policyFile, 'utf8'), POLICY);
  assert.equal(errorOf(await auditor.post('/api/policy/check', { text: '' })).code, 'bad-request');
  const large = { text: '#'.repeat(5 * 1024 * 1024) };
  assert.equal(errorOf(await auditor.post('/api/policy/check', large)).code, 'too-large');
});

test('a replay is a task: progress, then what would change', async t => {
  const h = await policyHouse(t, { traffic: true });
  const auditor = await h.person('auditor');
  const text = POLICY.replace('ads.test', 'shop.test');
  const started = await auditor.post('/api/policy/replay', { text, since: '24h' });
  const { task } = started.json<TaskStarted>();
  const view = await ended(auditor, task);
  assert.equal(view.state, 'done', JSON.stringify(view.error));
  assert.equal(view.replay?.flows, 6);
  assert.deepEqual(
    view.replay?.changes.map(c => [c.from, c.to, c.flows, c.topHosts, c.topUsers]),
    [
      ['inspect', 'block', 5, [{ value: 'shop.test', flows: 5 }], [{ value: 'ada', flows: 5 }]],
      ['block', 'inspect', 1, [{ value: 'ads.test', flows: 1 }], []],
    ],
  );
  const other = await h.person('auditor', 'other');
  assert.equal(errorOf(await other.get(`/api/task/${task}`)).code, 'not-found');
  const broken = (
    await auditor.post('/api/policy/replay', { text: 'nonsense', since: '24h' })
  ).json<TaskStarted>();
  assert.match((await ended(auditor, broken.task)).error?.message ?? '', /cannot be used/);
  assert.equal(errorOf(await auditor.post('/api/policy/replay', { text, since: '1y' })).code, 'bad-request');
});

async function ended(person: Person, task: string): Promise<TaskView> {
  for (;;) {
    const view = (await person.get(`/api/task/${task}`)).json<TaskView>();
    if (view.state !== 'running') return view;
    await sleep(50);
  }
}

test('apply and roll back: versions with author and comment, refused for other roles, bases and tokens', async t => {
  const h = await policyHouse(t);
  const author = await h.person('policy-author');
  const auditor = await h.person('auditor');
  const base = await versionNow(author);
  const change = { text: NEXT, comment: 'banks are inspected now', base };
  assert.equal(errorOf(await auditor.post('/api/policy/apply', change)).code, 'not-allowed');
  assert.equal(
    errorOf(await author.post('/api/policy/apply', change, { 'x-csrf-token': 'none' })).code,
    'csrf',
  );
  assert.equal(
    errorOf(await author.post('/api/policy/apply', { ...change, comment: ' ' })).code,
    'bad-request',
  );
  assert.equal(errorOf(await author.post('/api/policy/apply', { ...change, base: 'x' })).code, 'conflict');
  const refused = (
    await author.post('/api/policy/apply', { ...change, text: 'rules: 7\n' })
  ).json<ApplyAnswer>();
  assert.equal(refused.written, false);
  assert.ok(refused.problems.length > 0);
  assert.equal(readFileSync(h.policyFile, 'utf8'), POLICY);

  const applied = (await author.post('/api/policy/apply', change)).json<ApplyAnswer>();
  assert.deepEqual([applied.written, applied.n, applied.problems], [true, 2, []]);
  assert.equal(readFileSync(h.policyFile, 'utf8'), NEXT);
  assert.equal(await versionNow(author), applied.version);
  const { versions, current } = (await author.get('/api/policy/versions')).json<VersionsView>();
  assert.equal(current, 2);
  assert.deepEqual(
    [versions[0]?.origin, versions[0]?.author, versions[0]?.comment],
    ['console', 'policy-author', 'banks are inspected now'],
  );
  const diff = (await author.get('/api/policy/diff?from=1&to=2')).json<DiffView>();
  assert.match(diff.diff, /\+    action: inspect/);

  const back = { n: 1, comment: 'too early', base: applied.version };
  assert.equal(errorOf(await auditor.post('/api/policy/rollback', back)).code, 'not-allowed');
  assert.equal(errorOf(await author.post('/api/policy/rollback', { ...back, n: 9 })).code, 'not-found');
  assert.equal(errorOf(await author.post('/api/policy/rollback', { ...back, base })).code, 'conflict');
  const rolled = (await author.post('/api/policy/rollback', back)).json<RollbackAnswer>();
  assert.deepEqual(
    [rolled.written, rolled.n, rolled.restored, rolled.held, rolled.otherLists],
    [true, 3, [], [], []],
  );
  assert.equal(readFileSync(h.policyFile, 'utf8'), POLICY);
  const actions = h.trail.page(null, 50).rows.map(r => r.action);
  for (const action of [
    'policy.apply',
    'policy.applied',
    'policy.apply-refused',
    'policy.rollback',
    'policy.rolled-back',
  ])
    assert.ok(actions.includes(action), action);
});

test('a rollback brings the lists back too, unless they are to stay; the difference says which names', async t => {
  const h = await policyHouse(t);
  const author = await h.person('policy-author');
  const list = join(h.dir, 'lists/banks.txt');
  const then = readFileSync(list, 'utf8');
  writeFileSync(list, '# fewer\nbank.test\nnew-bank.test\n');
  const policy = await h.takeUp();
  const { versions } = (await author.get('/api/policy/versions')).json<VersionsView>();
  const change =
    'list banks: 2 added, 2 removed, 2 → 2 names: + bank.test, + new-bank.test, - .bank.test, - other-bank.test';
  assert.deepEqual(versions[0]?.changes, [change]);
  const diff = (await author.get('/api/policy/diff?from=1&to=2')).json<DiffView>();
  assert.deepEqual([diff.diff, diff.changes], ['', [change]]);

  const back = { n: 1, comment: 'the list was wrong', base: policy };
  const kept = (await author.post('/api/policy/rollback', { ...back, lists: 'keep' })).json<RollbackAnswer>();
  assert.deepEqual([kept.written, kept.restored, kept.otherLists], [false, [], ['banks']]);
  const rolled = (await author.post('/api/policy/rollback', back)).json<RollbackAnswer>();
  assert.deepEqual([rolled.written, rolled.n, rolled.restored, rolled.otherLists], [true, 3, ['banks'], []]);
  assert.equal(rolled.version, versions[1]?.version);
  assert.equal(readFileSync(list, 'utf8'), then);
});

test('a policy that is kept in git is never written; git takes the patch that is proposed instead', async t => {
  const h = await policyHouse(t);
  // The repository begins above the folder of the policy, as in a checkout of everything a machine is set up with.
  const top = join(h.dir, '..');
  const git = (...args: string[]): Buffer => execFileSync('git', ['-C', top, ...args]);
  git('init', '-q');
  const author = await h.person('policy-author');
  const base = await versionNow(author);
  const checked = (await author.post('/api/policy/check', { text: NEXT })).json<CheckView>();
  assert.equal(checked.inGit, true);
  assert.match(checked.diff, /^--- a\/etc\/policy\.yaml\n\+\+\+ b\/etc\/policy\.yaml\n/);
  for (const [path, body] of [
    ['/api/policy/apply', { text: NEXT, comment: 'no', base }],
    ['/api/policy/rollback', { n: 1, comment: 'no', base }],
  ] as const) {
    const error = errorOf(await author.post(path, body));
    assert.deepEqual([error.code, /kept in git/.test(error.message)], ['conflict', true]);
  }
  assert.equal(readFileSync(h.policyFile, 'utf8'), POLICY);
  writeFileSync(join(top, 'change.patch'), checked.diff);
  git('apply', 'change.patch');
  assert.equal(readFileSync(h.policyFile, 'utf8'), NEXT);
  await h.takeUp();
  const back = (await author.get('/api/policy/diff?from=2&to=1')).json<DiffView>();
  writeFileSync(join(top, 'back.patch'), back.diff);
  git('apply', 'back.patch');
  assert.equal(readFileSync(h.policyFile, 'utf8'), POLICY);
});
