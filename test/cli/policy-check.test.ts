/** What `policy check` says beside the records; what it says of the file alone stands in policy.test.ts. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { policyCommand } from '../../src/cli/policy.ts';
import { flow } from '../policy/facts.ts';
import { record, verdict } from '../policy/recorded.ts';
import { runVerb, type Ran } from './run-verb.ts';

const run = (t: TestContext, ...argv: string[]): Promise<Ran> =>
  runVerb(t, policyCommand(), 'check', ...argv);
const RULES = `version: 1
default: inspect
rules:
  - { name: games, when: { host: .games.test }, action: block }
  - { name: idle, when: { host: no.test }, action: block }
`;

function house(t: TestContext): { dir: string; file: string } {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-check-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const file = join(dir, 'policy.yaml');
  writeFileSync(file, RULES);
  return { dir, file };
}

describe('policy check beside records', () => {
  it('says nothing of use where nothing was recorded', async t => {
    const { dir, file } = house(t);
    assert.doesNotMatch((await run(t, file, '--data-dir', dir)).out, /has decided nothing/);
  });

  it('tells the rules in force that met nothing, with their line, and not the new ones of a candidate', async t => {
    const { dir, file } = house(t);
    const now = Date.now() - 60_000;
    record(dir, now, [{ facts: flow('www.games.test', { now }), verdict: verdict('block', 'games') }]);
    const ran = await run(t, file, '--data-dir', dir);
    assert.equal(ran.code, 0, 'an idle rule is no mistake');
    assert.match(ran.out, /line 5: note: rule "idle": has decided nothing since \d{4}-\d\d-\d\d\n {6}\S/);
    assert.doesNotMatch(ran.out, /rule "games"/);
    assert.equal((await run(t, file, '--data-dir', dir, '--strict')).code, 0);

    const candidate = join(dir, 'candidate.yaml');
    writeFileSync(candidate, `${RULES}  - { name: fresh, when: { host: new.test }, action: block }\n`);
    const { findings } = JSON.parse((await run(t, candidate, '--data-dir', dir, '--json')).out) as {
      findings: { kind: string; rule: string }[];
    };
    assert.deepEqual(
      findings.filter(f => f.kind === 'unused').map(f => f.rule),
      ['idle'],
    );
  });

  it('wants a time that is one', async t => {
    const { dir, file } = house(t);
    await assert.rejects(run(t, file, '--data-dir', dir, '--since', 'whenever'), {
      exitCode: 2,
      message: '--since "whenever" is no time',
    });
  });
});
