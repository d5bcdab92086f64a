import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { doJob } from '../../src/control/desk-work.ts';
import type { DeskResult } from '../../web/server/desk.ts';

const POLICY = 'version: 1\ndefault: block\n';

test('jobs check, replay nothing and import without touching what they only look at', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sightglass-desk-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const policyFile = join(dataDir, 'policy.yaml');
  writeFileSync(policyFile, POLICY);
  const place = { policyFile, dataDir };
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
    apply: null,
  };
  const bytes = Buffer.from('ads.test\nmore.test\n');
  const imported = (await doJob(place, { do: 'import', bytes, params }, ignore)) as DeskResult['import'];
  assert.deepEqual([imported.plan?.after, imported.plan?.known, imported.written], [2, false, false]);
  assert.equal(readFileSync(policyFile, 'utf8'), POLICY);
});
