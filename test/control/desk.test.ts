import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Desk } from '../../src/control/desk.ts';
import { DeskError } from '../../web/server/desk.ts';
import { recordsIn } from '../helpers/records-in.ts';

test('the desk does three jobs at a time, ends one that is aborted or too slow, and goes on', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sightglass-desk-'));
  const policyFile = join(dataDir, 'policy.yaml');
  writeFileSync(policyFile, 'version: 1\ndefault: block\n');
  const desk = new Desk({ policyFile, dataDir, records: recordsIn(dataDir) });
  t.after(async () => {
    await desk.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const hits = { do: 'hits', since: 0, until: 1 } as const;
  const refusedAs = (code: string) => (error: unknown) =>
    error instanceof DeskError && error.refusal.code === code;

  const stop = new AbortController();
  const aborted = desk.run(hits, { limit: 60_000, signal: stop.signal });
  const slow = desk.run(hits, { limit: 1 });
  const good = desk.run(hits, { limit: 60_000 });
  await assert.rejects(desk.run(hits, { limit: 60_000 }), refusedAs('too-many'));
  stop.abort();
  await assert.rejects(aborted, refusedAs('unavailable'));
  await assert.rejects(slow, refusedAs('unavailable'));
  assert.equal(await good, null);
  const checked = await desk.run(
    { do: 'check', text: 'version: 1\ndefault: inspect\n', against: '', now: 0 },
    { limit: 60_000 },
  );
  assert.deepEqual(checked.problems, []);
});
