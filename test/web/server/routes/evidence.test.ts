/** The console's evidence bundle: in the trail first, verified offline with the public key alone, one flipped byte found. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { verifyBundle } from '../../../../src/audit/evidence/verify.ts';
import { consoleEvidence } from '../../../../src/control/evidence.ts';
import { loadSettings } from '../../../../src/settings/load.ts';
import { scratch } from '../../../audit/sample.ts';
import { pair, recorded, signer } from '../../../audit/verify/recorded.ts';
import { recordFleet, ROWS_A_DAY } from '../../../audit/verify/recorded-fleet.ts';
import { startPostgres } from '../../../helpers/postgres.ts';
import { errorOf, house } from '../harness.ts';
import type { TestContext } from 'node:test';
import type { StoreSettings } from '../../../../src/control/fleet.ts';
import type { ConsoleEvidence } from '../../../../web/server/deps.ts';

const publicPem = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));

/** Rows that this console puts into a bundle. */
const MAX = 50;

/** Records of the machine whose console is asked. */
interface Recorded {
  settings: StoreSettings;
  /** Exchanges that are there. */
  exchanges: number;
}

const settingsOf = (dataDir: string, flags: Record<string, string> = {}): StoreSettings =>
  loadSettings({ flags: { 'data-dir': dataDir, ...flags }, env: {} });

async function inDayFiles(t: TestContext): Promise<Recorded> {
  const dataDir = scratch(t);
  recorded(dataDir, 20);
  return { settings: settingsOf(dataDir), exchanges: 60 };
}

async function inPostgres(t: TestContext): Promise<Recorded> {
  const postgres = await startPostgres();
  t.after(() => postgres.cleanUp());
  const dataDir = scratch(t);
  await recordFleet(postgres.target, dataDir);
  const flags = { 'audit.store': postgres.url, 'audit.store-password-file': postgres.passwordFile };
  return { settings: settingsOf(dataDir, flags), exchanges: ROWS_A_DAY };
}

for (const [place, make] of [
  ['day files', inDayFiles],
  ['PostgreSQL', inPostgres],
] as const)
  test(`a download from ${place} is proven with the public key alone, and shows a flipped byte`, async t => {
    await download(t, await make(t));
  });

async function download(t: TestContext, { settings, exchanges }: Recorded): Promise<void> {
  assert.ok(exchanges > MAX, 'the bound is reached');
  const dataDir = settings['data-dir'];
  fs.mkdirSync(path.join(dataDir, 'exports', 'evidence-left'), { recursive: true });
  const evidence = consoleEvidence(settings, { signer, publicPem }, 0);
  assert.ok(!fs.existsSync(path.join(dataDir, 'exports')), 'what a crash left is gone');
  let linesBefore: string[] = [];
  const h = await house(t, {
    exportMax: MAX,
    deps: {
      evidence: {
        make: (wanted, signal) => {
          linesBefore = h.trail.page(null, 1).rows.map(line => line.action);
          return evidence.make(wanted, signal);
        },
      },
    },
  });
  h.clock.now += 40 * 86_400_000;
  const auditor = await h.person('auditor', 'ann');
  const answer = await auditor.get('/api/export/evidence?kind=exchanges&q=');
  assert.equal(answer.status, 200, answer.text.slice(0, 200));
  assert.equal(answer.headers['content-type'], 'application/zip');
  assert.match(String(answer.headers['content-disposition']), /filename="sightglass-evidence-[\dT-]+\.zip"/);
  assert.deepEqual(linesBefore, ['export.evidence']);
  const file = path.join(dataDir, 'got.zip');
  fs.writeFileSync(file, answer.body);
  const { manifest, proven, findings } = verifyBundle(file, pair.publicKey);
  assert.deepEqual(findings, []);
  assert.deepEqual([manifest?.rows, manifest?.limit, manifest?.by, proven], [MAX, MAX, 'ann', MAX]);
  const at = answer.body.length >> 1;
  answer.body[at] = (answer.body[at] ?? 0) ^ 1;
  fs.writeFileSync(file, answer.body);
  assert.ok(verifyBundle(file, pair.publicKey).findings.length > 0);
  const [ended] = h.trail.page(null, 1).rows;
  assert.equal(ended?.action, 'export.ended');
  assert.deepEqual([ended?.detail['rows'], ended?.detail['aborted']], [MAX, false]);
  assert.deepEqual(fs.readdirSync(path.join(dataDir, 'exports')), [], 'nothing stays on the disk');
}

test('who may not export, a full disk, records of another machine and a second bundle are told so', async t => {
  const dataDir = scratch(t);
  const full = consoleEvidence(settingsOf(dataDir), { signer, publicPem }, Number.MAX_SAFE_INTEGER);
  const none = await house(t);
  assert.equal(errorOf(await (await none.person('auditor')).get('/api/export/evidence')).code, 'unavailable');

  let goOn = (): void => undefined;
  const wait = new Promise<void>(resolve => (goOn = resolve));
  let began: (signal: AbortSignal) => void = () => undefined;
  const begun = new Promise<AbortSignal>(resolve => (began = resolve));
  let make: ConsoleEvidence['make'] = (wanted, signal) => full.make(wanted, signal);
  const h = await house(t, { deps: { evidence: { make: (wanted, signal) => make(wanted, signal) } } });
  assert.equal((await (await h.person('viewer')).get('/api/export/evidence')).status, 403);
  const auditor = await h.person('auditor');
  const refused = errorOf(await auditor.get('/api/export/evidence'));
  assert.match(refused.message, /too little room/);
  assert.match(refused.hint, /MiB free/);

  make = async (_wanted, signal) => {
    began(signal);
    await wait;
    return { rows: 7, zip: [], done: () => undefined };
  };
  const first = http.get({
    ...{ host: '127.0.0.1', port: h.port, path: '/api/export/evidence', agent: false },
    headers: { cookie: auditor.cookie },
  });
  first.on('error', () => undefined);
  const signal = await begun;
  assert.equal(errorOf(await auditor.get('/api/export/evidence')).code, 'too-many');
  const aborted = new Promise(resolve => signal.addEventListener('abort', resolve));
  first.destroy();
  await aborted;
  goOn();
  for (let last = ''; last !== 'export.ended'; await new Promise(setImmediate))
    last = h.trail.page(null, 1).rows[0]?.action ?? '';
  assert.equal(h.trail.page(null, 1).rows[0]?.detail['aborted'], true);
});
