import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { learn, learnInThread } from '../../src/control/learn-thread.ts';
import { flow } from '../policy/facts.ts';
import { record, verdict } from '../policy/recorded.ts';
import { recordsIn } from '../helpers/records-in.ts';

it('a thread learns what the same work here does', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-learn-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const now = Date.UTC(2026, 10, 20, 12);
  record(
    dir,
    now,
    ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map(client => ({
      facts: flow('a.test', { now, client }),
      verdict: verdict('inspect', 'r'),
    })),
  );
  const task = {
    records: recordsIn(dir),
    since: now - 1000,
    source: {
      kind: 'learned' as const,
      what: 'seen' as const,
      minClients: 3,
      within: 1000,
      refresh: 1000,
      allowPublicSuffix: false,
    },
  };
  const expected = [{ name: 'a.test', match: 'exact', flows: 3, clients: 3 }];
  assert.deepEqual(await learn(task), expected);
  // The thread alone keeps no process alive; here somebody waits for it.
  const awake = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(awake));
  assert.deepEqual(await learnInThread(task), expected);
  assert.deepEqual(await learnInThread({ ...task, records: recordsIn(join(dir, 'nothing')) }), []);
});
