import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { report } from '../../src/cli/doctor.ts';
import { answer } from '../../src/control/doctor/answer.ts';
import { freePort } from '../helpers/free-port.ts';
import { runCli } from '../helpers/product.ts';

void test('the report: questions in order, evidence of what is not good, next steps, a sum', () => {
  const examination = {
    answers: [
      answer('port-closed', 'Nothing listens.', ['ECONNREFUSED']),
      answer('disk-good', 'There is \u001b[31mroom.', ['much']),
    ],
    failed: [{ check: 'key', message: 'odd' }],
  };
  const lines = report(examination, false);
  assert.equal(lines[0], 'Can clients reach the proxy here?');
  assert.ok(lines.includes('      ECONNREFUSED'));
  assert.ok(lines.some(l => l.startsWith('    → Start the service')));
  assert.ok(!lines.some(l => l.includes('much')), 'good answers are short');
  assert.ok(report(examination, true).some(l => l.includes('much')));
  assert.ok(!lines.join('').includes('\u001b'), 'nothing from outside reaches the terminal as it is');
  assert.ok(lines.some(l => l.includes('"key" could not be made: odd')));
  assert.equal(lines.at(-1), '1 good, 1 to attend to, 0 broken, 0 could not be seen');
});

describe('the verb', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'sightglass-doctor-cli-'));
  });
  after(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  test('for people and for machines; exit 1 when something is broken', async () => {
    const common = ['doctor', '--data-dir', dir, '--proxy.listen', `127.0.0.1:${await freePort()}`];
    const people = await runCli(...common);
    assert.match(people.stdout, /Can clients reach the proxy here\?\n {2}! Nothing listens/);
    const machine = await runCli(...common, '--host', `127.0.0.1:${await freePort()}`, '--json');
    const { state, answers } = JSON.parse(machine.stdout) as { state: string; answers: { code: string }[] };
    assert.equal(state, 'bad');
    assert.equal(machine.code, 1);
    assert.ok(
      answers.some(a => a.code === 'origin-ours'),
      'loopback is refused by the egress rules',
    );
  });

  test('used wrongly', async () => {
    const wrong = await runCli('doctor', '--data-dir', dir, '--host', 'a b');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--host a b is no host/);
  });
});
