import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it, test } from 'node:test';
import { auditDir } from '../../../src/audit/recorder.ts';
import { countRuleHits, walkFlows } from '../../../src/audit/store/flow-walk.ts';
import { flow } from '../../policy/facts.ts';
import { record, verdict } from '../../policy/recorded.ts';
import { DAY, NOON, scratch } from '../sample.ts';

describe('walking recorded flows', () => {
  it('gives back the facts that were decided on, over days, within the range', t => {
    const dir = scratch(t);
    const one = flow('one.test', { now: NOON - DAY, user: 'ada', groups: ['staff'] });
    const two = flow('two.test', { now: NOON });
    const plain = flow('plain.test', { now: NOON, scheme: 'http', outcome: 'none', hello: null });
    record(dir, NOON - DAY, [{ facts: one, verdict: verdict('inspect', 'a') }]);
    record(dir, NOON, [
      { facts: two, verdict: verdict('block', 'b'), fault: 'blocked-by-policy' },
      { facts: plain, verdict: verdict('inspect', 'a') },
      { facts: null, verdict: null, time: NOON, fault: 'ingress-timeout' },
    ]);
    const all = [...walkFlows({ dir: auditDir(dir) })].flat();
    assert.deepEqual(
      all.map(f => f.facts),
      [one, two, plain, null],
    );
    assert.deepEqual(all[1], {
      time: NOON,
      client: '10.1.2.3',
      facts: two,
      verdict: verdict('block', 'b'),
      fault: 'blocked-by-policy',
      bytes: 300,
      exchanges: 0,
    });
    assert.deepEqual(
      [...walkFlows({ dir: auditDir(dir), since: NOON })].flat().map(f => f.facts?.host),
      ['two.test', 'plain.test', undefined],
    );
    assert.deepEqual(
      [...walkFlows({ dir: auditDir(dir), until: NOON })].flat().map(f => f.facts?.host),
      ['one.test'],
    );
    assert.deepEqual([...walkFlows({ dir: path.join(dir, 'nothing') })], []);
  });

  it('knows what the origin showed, though the policy then did not look at it', t => {
    const dir = scratch(t);
    const cert = {
      subject: 'CN=one.test',
      issuer: 'CN=Some CA',
      names: ['one.test'],
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2027-01-01T00:00:00.000Z',
      fingerprint: 'ab',
      serial: '01',
    };
    const at = (name: string) => flow(name, { now: NOON });
    const asked = { subject: 'CN=as-decided', issuer: '', fault: null };
    record(dir, NOON, [
      { facts: at('one.test'), verdict: verdict('inspect', 'a'), cert },
      { facts: at('two.test'), verdict: verdict('inspect', 'a'), cert, fault: 'cert-expired' },
      { facts: at('three.test'), verdict: verdict('inspect', 'a'), fault: 'dns-failed' },
      { facts: { ...at('four.test'), origin: asked }, verdict: verdict('inspect', 'a'), cert },
    ]);
    const shown = { subject: 'CN=one.test', issuer: 'CN=Some CA' };
    assert.deepEqual(
      [...walkFlows({ dir: auditDir(dir) })].flat().map(f => f.facts?.origin),
      [{ ...shown, fault: null }, { ...shown, fault: 'cert-expired' }, undefined, asked],
    );
  });

  it('comes in batches, each flow once', t => {
    const dir = scratch(t);
    const flows = Array.from({ length: 2500 }, (_, i) => ({
      facts: flow(`h${i}.test`, { now: NOON }),
      verdict: verdict('inspect', 'a'),
    }));
    record(dir, NOON, flows);
    const batches = [...walkFlows({ dir: auditDir(dir) })];
    assert.deepEqual(
      batches.map(b => b.length),
      [1000, 1000, 500],
    );
    assert.equal(new Set(batches.flat().map(f => f.facts?.host)).size, 2500);
  });

  it('leaves out a day that cannot be read, and says so', t => {
    const dir = scratch(t);
    record(dir, NOON, [{ facts: flow('a.test', { now: NOON }), verdict: verdict('inspect', 'a') }]);
    fs.writeFileSync(
      path.join(auditDir(dir), '2026-11-19.db'),
      'no database at all, but long enough to be read',
    );
    const told: string[] = [];
    const found = [...walkFlows({ dir: auditDir(dir), onProblem: day => told.push(day) })].flat();
    assert.equal(found.length, 1);
    assert.deepEqual(told, ['2026-11-19']);
    assert.throws(() => [...walkFlows({ dir: auditDir(dir) })]);
  });
});

it('hits of each rule: how many flows, when last, under which versions', t => {
  const dir = scratch(t);
  const at = (now: number) => flow('a.test', { now });
  record(dir, NOON - DAY, [{ facts: at(NOON - DAY), verdict: verdict('inspect', 'a', 'aaaaaaaaaaaa') }]);
  record(dir, NOON, [
    { facts: at(NOON), verdict: verdict('inspect', 'a', 'bbbbbbbbbbbb') },
    { facts: at(NOON - 5), verdict: verdict('inspect', 'a', 'bbbbbbbbbbbb') },
    { facts: at(NOON), verdict: verdict('block', 'b', 'bbbbbbbbbbbb') },
    { facts: null, verdict: null, time: NOON },
  ]);
  assert.deepEqual(countRuleHits({ dir: auditDir(dir) }), [
    { rule: 'a', action: 'inspect', flows: 3, last: NOON, versions: ['bbbbbbbbbbbb', 'aaaaaaaaaaaa'] },
    { rule: 'b', action: 'block', flows: 1, last: NOON, versions: ['bbbbbbbbbbbb'] },
  ]);
  assert.deepEqual(
    countRuleHits({ dir: auditDir(dir), since: NOON }).map(h => [h.rule, h.flows]),
    [
      ['a', 1],
      ['b', 1],
    ],
  );
});

test('rules on requests have hits too: flows in which they decided a request, and when last', t => {
  const dir = scratch(t);
  const facts = flow('one.test', { now: NOON });
  const posted = { method: 'POST', verdict: verdict('block', 'no-upload') };
  const undecided = { fault: 'request-malformed' as const, verdict: verdict('block', 'request-malformed') };
  const requests = [{}, posted, posted];
  record(dir, NOON, [
    { facts, verdict: verdict('inspect', 'web'), requests },
    { facts, verdict: verdict('inspect', 'web'), requests: [{}, posted] },
    { facts, verdict: verdict('inspect', 'web'), requests: [undecided] },
    { facts, verdict: verdict('inspect', 'web'), requests: [{}] },
  ]);
  assert.deepEqual(
    countRuleHits({ dir: auditDir(dir) }).map(h => [h.rule, h.action, h.flows, h.last]),
    [
      ['web', 'inspect', 4, NOON],
      ['no-upload', 'block', 2, NOON + 3],
    ],
  );
});
