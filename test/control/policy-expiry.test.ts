import assert from 'node:assert/strict';
import { it } from 'node:test';
import { watchExpiry } from '../../src/control/policy-expiry.ts';
import { policyOf } from '../policy/facts.ts';

it('tells each expired rule once, when it expires or when its policy comes into force', () => {
  let policy = policyOf(`version: 1
rules:
  - { name: old, action: inspect, expires: 2026-01-01, owner: ada }
  - { name: soon, when: { host: a.test }, action: block, expires: 2026-06-01 }
  - { name: never, action: inspect }
`);
  let now = Date.UTC(2026, 2, 1);
  const told: unknown[] = [];
  const watch = watchExpiry(
    { current: () => policy },
    (name, detail) => told.push([name, detail['rule'], detail['owner'], detail['expired']]),
    () => now,
    1_000_000,
  );
  const old = ['policy.rule-expired', 'old', 'ada', '2026-01-01T00:00:00.000Z'];
  const soon = ['policy.rule-expired', 'soon', null, '2026-06-01T00:00:00.000Z'];
  assert.deepEqual(told, [old]);
  watch.look();
  assert.equal(told.length, 1);
  now = Date.UTC(2026, 5, 1);
  watch.look();
  watch.look();
  assert.deepEqual(told, [old, soon]);
  policy = policyOf('version: 1\nrules: [{ name: old, action: block, expires: 2026-02-02 }]\n');
  watch.look();
  assert.equal(told.length, 3, 'another date is another expiry');
  watch.stop();
});
