import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CHECKS } from '../../../src/control/doctor/answer.ts';
import { examine } from '../../../src/control/doctor/examine.ts';
import { flow } from '../../policy/facts.ts';
import { record, verdict } from '../../policy/recorded.ts';
import { freePort } from '../../helpers/free-port.ts';
import { startParent } from '../../helpers/parent.ts';
import { folder, patient } from './bench.ts';

void test('every question is answered, in the order of the catalogue, on an empty folder too', async t => {
  const listen = `127.0.0.1:${await freePort()}`;
  const { answers, failed } = await examine(
    patient(folder(t), { flags: { 'proxy.listen': listen }, patience: 300 }),
  );
  assert.deepEqual(failed, []);
  assert.deepEqual([...new Set(answers.map(a => a.check))], Object.keys(CHECKS));
});

void test('hosts come from the records, parents from the policy', async t => {
  const dir = folder(t);
  const parent = await startParent();
  t.after(() => parent.stop());
  parent.answer = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n';
  writeFileSync(
    join(dir, 'policy.yaml'),
    `version: 1\ndefault: block\nparents: { up: ['127.0.0.1:${parent.port}'] }\nrules: []\n`,
  );
  record(dir, Date.now(), [
    { facts: flow('used.invalid', { now: Date.now() }), verdict: verdict('inspect', 'r') },
  ]);
  const listen = `127.0.0.1:${await freePort()}`;
  const { answers } = await examine(patient(dir, { flags: { 'proxy.listen': listen }, patience: 300 }));
  assert.ok(parent.asked.every(line => line === 'CONNECT used.invalid:443 HTTP/1.1'));
  assert.ok(answers.some(a => a.code === 'parent-refused'));
  assert.ok(answers.some(a => a.check === 'names' && a.finding.includes('used.invalid')));
});

void test('a check that breaks is told and takes no other along', async t => {
  const dir = folder(t);
  // A folder where the policy should be.
  mkdirSync(join(dir, 'ca'));
  writeFileSync(join(dir, 'audit'), 'no folder');
  const { answers, failed } = await examine(
    patient(dir, { flags: { 'proxy.listen': `127.0.0.1:${await freePort()}` }, patience: 300 }),
  );
  assert.ok(failed.length > 0);
  assert.ok(answers.some(a => a.check === 'shell') && answers.some(a => a.check === 'disk'));
});
