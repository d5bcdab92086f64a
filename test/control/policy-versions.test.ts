import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { recordVersions } from '../../src/control/policy-versions.ts';
import { openPolicyStore } from '../../src/policy/store.ts';
import { PolicyVersions } from '../../src/policy/versions.ts';

it('every policy that comes into force becomes a version; a full disk is told and stops nothing', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-record-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'policy.yaml');
  writeFileSync(file, 'version: 1\n');
  const store = await openPolicyStore({ file, cacheDir: join(dir, 'policy'), pollMs: 5 });
  t.after(() => store.close());
  // The store's own clock does not keep a process alive.
  const awake = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(awake));
  const told = new EventEmitter();
  const versions = new PolicyVersions(join(dir, 'versions'));
  const events: [string, Record<string, unknown>][] = [];
  await recordVersions(store, versions, (name, detail) => {
    events.push([name, detail]);
    told.emit('event');
  });
  assert.deepEqual(
    events.map(([name, d]) => [name, d['n'], d['origin']]),
    [['policy.version', 1, 'first']],
  );
  const next = once(told, 'event');
  writeFileSync(file, 'version: 1\ndefault: inspect\n');
  await next;
  assert.equal(events[1]?.[1]['n'], 2);
  assert.deepEqual(events[1]?.[1]['changes'], ['default: block (page) → inspect (headers)']);

  // A file where the folder should be: nothing can be written there.
  writeFileSync(join(dir, 'no-folder'), '');
  const lost: string[] = [];
  await recordVersions(store, new PolicyVersions(join(dir, 'no-folder')), name => void lost.push(name));
  assert.deepEqual(lost, ['policy.version-lost']);
});
