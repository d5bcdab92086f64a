import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { doJob } from '../../src/control/desk-work.ts';
import { flow } from '../policy/facts.ts';
import { record, verdict } from '../policy/recorded.ts';
import type { DeskResult } from '../../web/server/desk.ts';
import { recordsIn } from '../helpers/records-in.ts';

const POLICY = 'version: 1\ndefault: block\n';

test('a replay looks at requests too, unless its time is over before', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sightglass-desk-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const policyFile = join(dataDir, 'policy.yaml');
  writeFileSync(policyFile, POLICY);
  const now = Date.now();
  const facts = flow('a.test', { now });
  record(dataDir, now, [{ facts, verdict: verdict('inspect', 'all'), requests: [{ method: 'POST' }, {}] }]);
  const text = 'version: 1\ndefault: inspect\nrules: [{ name: no, when: { method: POST }, action: block }]\n';
  const replayed = async (budget: number) =>
    (await doJob(
      { policyFile, dataDir, records: recordsIn(dataDir) },
      { do: 'replay', text, since: now - 1000, until: now + 1000, budget },
      () => undefined,
    )) as DeskResult['replay'];
  const { requests, summary, complete } = await replayed(10_000);
  assert.deepEqual([summary?.changed, requests?.requests, requests?.changed, complete], [0, 2, 1, true]);
  const cut = await replayed(-1);
  assert.deepEqual([cut.requests, cut.complete], [null, false]);
});

test('jobs check, replay nothing and import without touching what they only look at', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sightglass-desk-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const policyFile = join(dataDir, 'policy.yaml');
  writeFileSync(policyFile, POLICY);
  const place = { policyFile, dataDir, records: recordsIn(dataDir) };
  const ignore = (): void => undefined;
  const text = `${POLICY}rules:\n  - name: all\n    action: inspect\n  - name: never\n    action: block\n`;
  const checked = (await doJob(
    place,
    { do: 'check', text, against: POLICY, now: 0 },
    ignore,
  )) as DeskResult['check'];
  assert.deepEqual(
    checked.findings.map(f => [f.kind, f.rule]),
    [['contradictory', 'never']],
  );
  const replayed = (await doJob(
    place,
    { do: 'replay', text, since: 0, until: 1, budget: 1000 },
    ignore,
  )) as DeskResult['replay'];
  assert.deepEqual([replayed.summary?.flows, replayed.complete], [0, true]);
  const params = {
    name: 'ads',
    file: 'ads.txt',
    format: null,
    bare: 'exact' as const,
    add: false,
    suffixes: false,
    categories: null,
    exceptions: null,
    apply: null,
  };
  const bytes = Buffer.from('ads.test\nmore.test\n');
  const imported = (await doJob(place, { do: 'import', bytes, params }, ignore)) as DeskResult['import'];
  assert.deepEqual([imported.plan?.after, imported.plan?.known, imported.written], [2, false, false]);
  assert.equal(readFileSync(policyFile, 'utf8'), POLICY);
  const both = (await doJob(
    place,
    {
      do: 'import',
      bytes: Buffer.from('||ads.test^\n@@||ok.ads.test^\n'),
      params: { ...params, exceptions: 'not-ads' },
    },
    ignore,
  )) as DeskResult['import'];
  assert.deepEqual(
    [both.plan?.sample, both.exceptionsPlan?.name, both.exceptionsPlan?.sample, both.exceptionsLeft],
    [['+ .ads.test'], 'not-ads', ['+ .ok.ads.test'], 0],
  );
  assert.equal(both.plan?.digest, both.exceptionsPlan?.digest, 'one digest for both');
});
