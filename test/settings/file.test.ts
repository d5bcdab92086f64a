import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettingsFile } from '../../src/settings/file.ts';

const read = (text: string) => readSettingsFile(text, 'some.yaml', '/etc');

test('keeps values as they were written, whatever YAML makes of them', () => {
  const { values, problems } = read('workers: 010\nlimits.head: "64KiB"\nproxy.realm: yes\n');
  assert.deepEqual(problems, []);
  assert.equal(values.get('workers')?.texts[0]?.text, '010');
  assert.equal(values.get('limits.head')?.texts[0]?.text, '64KiB');
  assert.equal(values.get('proxy.realm')?.texts[0]?.text, 'yes');
});

test('divides a plain value at commas, but never the entries of a list', () => {
  const { values } = read('proxy.connect-ports: 443,8443\negress.allow: ["10.0.0.0/8,::1"]\n');
  assert.equal(values.get('proxy.connect-ports')?.split, true);
  assert.equal(values.get('egress.allow')?.split, false);
});

test('gives every entry its own place', () => {
  const { values } = read('egress:\n  allow:\n    - 10.0.0.0/8\n    - ::1\n');
  assert.deepEqual(
    values.get('egress.allow')?.texts.map(t => t.where),
    ['some.yaml:3:7', 'some.yaml:4:7'],
  );
});

test('an alias bomb is refused, not expanded', () => {
  const bomb = 'a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n';
  const { problems } = read(bomb);
  assert.ok(problems.length >= 3);
  assert.ok(problems.every(p => p.message === 'there is no such setting'));
});

test('keys that are no plain text are refused with their place', () => {
  const { problems } = read('? [a]\n: 1\n');
  assert.match(problems[0]?.message ?? '', /plain text/);
  assert.match(problems[0]?.where ?? '', /^some\.yaml:1:/);
});
