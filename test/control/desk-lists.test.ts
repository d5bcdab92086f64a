import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportNames } from '../../src/control/desk-lists.ts';
import { documentOf, flow } from '../policy/facts.ts';
import { record, verdict } from '../policy/recorded.ts';
import { recordsIn } from '../helpers/records-in.ts';

test('what clients pin and what is broken is exported from traffic as a learned list would hold it', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sightglass-desk-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const now = Date.UTC(2026, 10, 20, 12);
  const at = now - 3_600_000;
  const seen = (host: string, client: string, fault: string | null) => ({
    facts: flow(host, { now: at, client }),
    verdict: verdict('inspect', 'r'),
    ...(fault === null ? {} : { fault }),
  });
  const clients = ['10.0.0.1', '10.0.0.2'];
  record(
    dataDir,
    at,
    clients.flatMap(c => [
      seen('web.test', c, null),
      seen('pin.test', c, 'client-rejected-leaf'),
      seen('bad.test', c, 'cert-expired'),
    ]),
  );
  const place = { policyFile: join(dataDir, 'policy.yaml'), dataDir, records: recordsIn(dataDir) };
  const snapshot = {
    version: '0'.repeat(12),
    document: documentOf('version: 1\ndefault: block\n'),
    lists: {},
  };
  const names = async (set: 'learned-pinned' | 'learned-broken', minClients: string): Promise<string[]> => {
    const params = { set, format: 'plain', minClients };
    const job = { do: 'export' as const, snapshot, params, name: 'x', now };
    const { files } = await exportNames(place, job, () => undefined);
    return (files[0]?.text ?? '').split('\n').filter(l => l !== '' && !l.startsWith('#'));
  };
  assert.deepEqual(await names('learned-pinned', '2'), ['pin.test']);
  assert.deepEqual(await names('learned-pinned', '3'), []);
  assert.deepEqual(await names('learned-broken', '2'), ['bad.test']);
});
