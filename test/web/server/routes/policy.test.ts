import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiffView, ExplainView, RulesView, VersionsView } from '../../../../web/contract.ts';
import { errorOf, house } from '../harness.ts';
import { flow as flowFacts } from '../../../policy/facts.ts';
import { verdict as recordedVerdict } from '../../../policy/recorded.ts';
import { flow } from '../memory-reader.ts';
import { policyHouse } from '../policy-house.ts';

test('rules come with their hits, and with what is wrong with them', async t => {
  const h = await policyHouse(t, { traffic: true });
  const author = await h.person('policy-author');
  const view = (await author.get('/api/policy/rules?since=24h')).json<RulesView>();
  assert.equal(view.counted, true);
  assert.deepEqual(
    view.rules.map(r => [r.name, r.action, r.hits, r.notes.map(n => n.kind)]),
    [
      ['no ads', 'block', 1, []],
      ['banks', 'passthrough', 0, ['unused']],
      ['old guests', 'inspect', 0, ['expired']],
    ],
  );
  assert.equal(view.rules[0]?.when, 'host list:ads');
  assert.equal(view.rules[0]?.line, 7);
  assert.deepEqual(
    view.others.map(o => [o.rule, o.known, o.hits]),
    [['default', true, 5]],
  );
  assert.equal(errorOf(await author.get('/api/policy/rules?since=soon')).code, 'bad-request');
  assert.equal(h.trail.page(null, 1).rows[0]?.action, 'policy.rules-viewed');
});

test('without records the rules are told without hits', async t => {
  const h = await policyHouse(t);
  const view = (await (await h.person('policy-author')).get('/api/policy/rules')).json<RulesView>();
  assert.equal(view.counted, false);
  assert.deepEqual(
    view.rules.map(r => r.hits),
    [null, null, null],
  );
});

test('explain tells every earlier rule and the deciding one', async t => {
  const h = await policyHouse(t);
  const author = await h.person('policy-author');
  const told = (
    await author.get('/api/policy/explain?sni=www.bank.test&client=10.1.2.3&user=ada')
  ).json<ExplainView>();
  assert.deepEqual([told.verdict, told.rule], ['passthrough', 'banks']);
  assert.deepEqual(
    told.skipped.map(s => s.rule),
    ['no ads'],
  );
  assert.match(told.skipped[0]?.why ?? '', /www\.bank\.test/);
  assert.deepEqual([told.after, told.afterCount, told.when], [['old guests'], 1, 'host list:banks']);
  const other = (await author.get('/api/policy/explain?host=else.test&sni=ads.test')).json<ExplainView>();
  assert.deepEqual([other.rule, other.doubt], ['doubt:sni-mismatch', 'sni-mismatch']);
  for (const bad of ['', 'sni=a..b', 'sni=a.test&client=me', 'sni=a.test&port=0', 'sni=a.test&at=noon'])
    assert.equal(errorOf(await author.get(`/api/policy/explain?${bad}`)).code, 'bad-request', bad);
});

test('explain decides what was recorded with everything that was recorded of it', async t => {
  const h = await policyHouse(t);
  const facts = flowFacts('www.bank.test', { client: '10.9.8.7', user: 'ada' });
  const found = flow('1-1');
  const verdict = { ...recordedVerdict('block', 'older rule'), policy: 'ba9876543210' };
  h.audit.flows.set('1-1', { ...found, record: { ...found.record, facts, verdict } });
  const author = await h.person('policy-author');
  const told = (await author.get('/api/policy/explain?record=1-1&sni=other.test')).json<ExplainView>();
  assert.deepEqual(
    [told.verdict, told.rule, told.asked.client, told.asked.user],
    ['passthrough', 'banks', '10.9.8.7', 'ada'],
  );
  assert.deepEqual(told.recorded, {
    id: '1-1',
    verdict: 'block',
    rule: 'older rule',
    policy: 'ba9876543210',
  });
  assert.equal((await author.get('/api/policy/explain?sni=a.test')).json<ExplainView>().recorded, null);
  for (const [id, code] of [
    ['9-9', 'not-found'],
    ['1-1.7', 'not-found'],
    ['x', 'bad-request'],
  ] as const)
    assert.equal(errorOf(await author.get(`/api/policy/explain?record=${id}`)).code, code, id);
});

test('versions and their difference', async t => {
  const h = await policyHouse(t);
  const author = await h.person('policy-author');
  const before = (await author.get('/api/policy/versions')).json<VersionsView>();
  assert.deepEqual([before.current, before.versions.map(v => v.origin)], [1, ['first']]);
  assert.equal(errorOf(await author.get('/api/policy/diff?from=1&to=7')).code, 'not-found');
  assert.equal(errorOf(await author.get('/api/policy/diff?from=1&to=x')).code, 'bad-request');
  assert.equal((await author.get('/api/policy/diff?from=1&to=1')).json<DiffView>().diff, '');
});

test('a viewer sees none of it; a console without a policy to work on says so', async t => {
  const h = await house(t);
  const viewer = await h.person('viewer');
  const author = await h.person('policy-author');
  for (const path of ['policy/rules', 'policy/explain?sni=a.test', 'policy/versions', 'lists']) {
    assert.equal(errorOf(await viewer.get(`/api/${path}`)).code, 'not-allowed', path);
    assert.equal(errorOf(await author.get(`/api/${path}`)).code, 'unavailable', path);
  }
});
