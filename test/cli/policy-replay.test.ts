import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { ReplaySummary } from '../../src/policy/replay.ts';
import type { RequestSummary } from '../../src/policy/replay-requests.ts';
import { flow } from '../policy/facts.ts';
import { record, verdict } from '../policy/recorded.ts';
import { policyCommand } from '../../src/cli/policy.ts';
import { runVerb, type Ran } from './run-verb.ts';

const run = (t: TestContext, ...argv: string[]): Promise<Ran> => runVerb(t, policyCommand(), ...argv);

/** A data directory in which three flows were recorded a moment ago. */
function recordedHouse(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-replay-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const now = Date.now() - 60_000;
  const at = (name: string) => flow(name, { now, user: 'ada' });
  record(dir, now, [
    { facts: at('www.games.test'), verdict: verdict('inspect', 'default') },
    { facts: at('cdn.games.test'), verdict: verdict('inspect', 'default') },
    { facts: at('ev\u001b]0;il.test'), verdict: verdict('block', 'gone') },
  ]);
  writeFileSync(
    join(dir, 'policy.yaml'),
    'version: 1\ndefault: inspect\nrules:\n  - { name: games, when: { host: .games.test }, action: block }\n  - { name: unused, when: { host: no.test }, action: block }\n',
  );
  return dir;
}

describe('policy replay', () => {
  it('tells what a candidate would change', async t => {
    const dir = recordedHouse(t);
    const args = ['replay', join(dir, 'policy.yaml'), '--data-dir', dir];
    const json = await run(t, ...args, '--json');
    assert.equal(json.code, 0, json.err);
    const summary = JSON.parse(json.out) as ReplaySummary;
    assert.equal(summary.changed, 3);
    assert.deepEqual(
      summary.changes.map(c => [c.from, c.to, c.flows, c.hosts]),
      [
        ['inspect', 'block', 2, 2],
        ['block', 'inspect', 1, 1],
      ],
    );
    const text = await run(t, ...args);
    assert.match(
      text.out,
      /inspect → block: 2 flows, 2 hosts, 1 clients, 1 users\n {9}2 {2}default → games\n/,
    );
    assert.match(text.out, /rules that would decide nothing: unused/);
    assert.ok(!text.out.includes('\u001b'), 'recorded names cannot steer the terminal');
  });

  it('tells what keeps its verdict and would be carried out otherwise', async t => {
    const dir = recordedHouse(t);
    const file = join(dir, 'candidate.yaml');
    writeFileSync(
      file,
      "version: 1\nparents: { corp: ['p.test:3128'] }\ndefault: { action: inspect, capture: bodies, parent: corp }\n",
    );
    const text = await run(t, 'replay', file, '--data-dir', dir);
    assert.match(text.out, /unchanged {5}2, 2 of them recorded, told or led otherwise/);
    assert.match(
      text.out,
      /^same verdict, records headers → bodies: 2 flows, 2 hosts, 1 clients, 1 users\n {9}2 {2}default → default$/m,
    );
    assert.match(text.out, /^same verdict, goes through no parent → corp: 2 flows/m);
  });

  it('judges rules on requests over recorded requests, and says what it cannot judge', async t => {
    const dir = mkdtempSync(join(tmpdir(), 'sightglass-replay-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const now = Date.now() - 60_000;
    const at = (name: string) => flow(name, { now, user: 'ada' });
    record(dir, now, [
      {
        facts: at('files.test'),
        verdict: verdict('inspect', 'default'),
        requests: [{ method: 'POST', path: '/up/\u001b]0;x' }, { method: 'POST', path: '/up/2' }, {}],
      },
      { facts: at('bank.test'), verdict: verdict('passthrough', 'old') },
    ]);
    const file = join(dir, 'candidate.yaml');
    writeFileSync(
      file,
      'version: 1\ndefault: inspect\nrules:\n  - { name: no-upload, when: { method: POST, path: /up/* }, action: block }\n',
    );
    const json = await run(t, 'replay', file, '--data-dir', dir, '--json');
    const { requests, requestsUnknown } = JSON.parse(json.out) as ReplaySummary & {
      requests: RequestSummary;
    };
    assert.deepEqual([requests.requests, requests.changed, requestsUnknown], [3, 2, 1]);
    const text = await run(t, 'replay', file, '--data-dir', dir);
    assert.match(text.out, /rules on requests against 3 recorded requests\n {2}would change {2}2\n/);
    assert.match(
      text.out,
      /inspect → block: 2 requests in 1 flows, 1 hosts, 1 clients, 1 users\n {9}2 {2}default → no-upload\n/,
    );
    assert.match(text.out, /not known {5}the requests in 1 flows that would be inspected/);
    assert.ok(!text.out.includes('\u001b'), 'recorded paths cannot steer the terminal');
  });

  it('refuses a bad candidate, a bad time and an empty house', async t => {
    const dir = recordedHouse(t);
    const bad = join(dir, 'bad.yaml');
    writeFileSync(bad, 'version: 2\n');
    const refused = await run(t, 'replay', bad, '--data-dir', dir);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /bad\.yaml:1:10: /);
    await assert.rejects(run(t, 'replay', bad, '--data-dir', dir, '--since', 'soon'), /"soon" is no time/);
    await assert.rejects(run(t, 'replay', bad, '--data-dir', join(dir, 'empty')), /there are no records in/);
  });
});

it('policy hits: every rule with its flows, unused and former ones too', async t => {
  const dir = recordedHouse(t);
  const { rules } = JSON.parse((await run(t, 'hits', '--data-dir', dir, '--json')).out) as {
    rules: { rule: string; flows: number; last: string | null; inPolicy: boolean }[];
  };
  assert.deepEqual(
    rules.map(r => [r.rule, r.flows, r.last === null, r.inPolicy]),
    [
      ['games', 0, true, true],
      ['unused', 0, true, true],
      ['default', 2, false, true],
      ['gone', 1, false, false],
    ],
  );
  const text = await run(t, 'hits', '--data-dir', dir);
  assert.match(text.out, /^games +0 {2}never$/m);
  assert.match(text.out, /^gone .*\(no rule of the policy now\)$/m);
});
