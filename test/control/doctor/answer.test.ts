import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { answer, ANSWERS, CHECKS, worst } from '../../../src/control/doctor/answer.ts';

void test('an answer carries the state and the next step of its code, and the check its code begins with', () => {
  assert.deepEqual(answer('disk-full', 'It is full.', ['0 MiB']), {
    check: 'disk',
    code: 'disk-full',
    state: 'bad',
    finding: 'It is full.',
    evidence: ['0 MiB'],
    next: ANSWERS['disk-full'].next,
  });
  for (const [code, { state, next }] of Object.entries(ANSWERS)) {
    assert.ok(Object.hasOwn(CHECKS, code.slice(0, code.indexOf('-'))), code);
    assert.equal(state === 'good', next === null, `${code}: whatever is not good says what to do`);
  }
});

void test('the worst state counts', () => {
  const good = answer('disk-good', '');
  assert.equal(worst([]), 'good');
  assert.equal(worst([good, answer('client-none', '')]), 'unknown');
  assert.equal(worst([answer('port-closed', ''), answer('client-none', ''), good]), 'attention');
  assert.equal(worst([answer('disk-full', ''), answer('port-closed', ''), good]), 'bad');
});

void test('every answer is provoked by a test of this folder', () => {
  const tests = readdirSync(import.meta.dirname)
    .filter(name => name.endsWith('.test.ts') && name !== 'answer.test.ts')
    .map(name => readFileSync(join(import.meta.dirname, name), 'utf8'))
    .join('\n');
  const silent = Object.keys(ANSWERS).filter(code => !tests.includes(`'${code}'`));
  assert.deepEqual(silent, []);
});
