import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openAuthority } from '../../../ca/authority.ts';
import { allocateProducer, listSegments } from '../../../src/audit/producer.ts';
import { auditDir, spoolDir } from '../../../src/audit/recorder.ts';
import { openStore } from '../../../src/audit/store/sqlite.ts';
import { openSpool } from '../../../src/audit/spool.ts';
import {
  askDisk,
  askKey,
  askLists,
  askPolicy,
  askSpool,
  seePolicy,
} from '../../../src/control/doctor/house.ts';
import { copiesDir, refreshUrl } from '../../../src/policy/sources.ts';
import { parsePolicy } from '../../../src/policy/parse.ts';
import { exchange } from '../../audit/sample.ts';
import { codes, folder, patient } from './bench.ts';

const DAY = 86_400_000;

void test('policy: absent, sound, refused with the places of its mistakes', async t => {
  const dir = folder(t);
  const file = join(dir, 'policy.yaml');
  assert.deepEqual(codes(askPolicy(await seePolicy(patient(dir)))), ['policy-absent']);
  writeFileSync(file, 'version: 1\ndefault: block\nrules: []\n');
  assert.deepEqual(codes(askPolicy(await seePolicy(patient(dir)))), ['policy-good']);
  writeFileSync(file, 'version: 1\ndefault: blok\nrules: []\n');
  const [refused] = askPolicy(await seePolicy(patient(dir)));
  assert.equal(refused?.code, 'policy-refused');
  assert.match(refused.evidence[0] ?? '', /policy\.yaml:2/);
});

void test('key: absent, plain, encrypted, open to others, ending, and too little randomness', t => {
  const dir = folder(t);
  assert.deepEqual(codes(askKey(patient(dir))), ['key-absent']);
  const entropy = join(dir, 'entropy');
  writeFileSync(entropy, '12\n');
  assert.deepEqual(codes(askKey(patient(dir), entropy)), ['key-random', 'key-absent']);

  openAuthority({ dir: join(dir, 'ca'), passphrase: null });
  assert.deepEqual(codes(askKey(patient(dir))), ['key-plain']);
  chmodSync(join(dir, 'ca', 'authority.key'), 0o644);
  const [open] = askKey(patient(dir));
  assert.equal(open?.code, 'key-refused');
  assert.doesNotMatch(JSON.stringify(open), /PRIVATE/);

  const sealed = folder(t);
  const passphrase = join(sealed, 'passphrase');
  writeFileSync(passphrase, 'correct horse\n', { mode: 0o600 });
  const { notAfter } = openAuthority({ dir: join(sealed, 'ca'), passphrase: 'correct horse' }).describe();
  const flags = { 'ca.passphrase-file': passphrase };
  assert.deepEqual(codes(askKey(patient(sealed, { flags }))), ['key-good']);
  const soon = () => Date.parse(notAfter) - 10 * DAY;
  const [ending] = askKey(patient(sealed, { flags, now: soon }));
  assert.equal(ending?.code, 'key-ending');
  assert.match(ending.finding, /10 days/);
  writeFileSync(passphrase, 'wrong\n');
  assert.deepEqual(codes(askKey(patient(sealed, { flags }))), ['key-refused']);
});

void test('disk: absent and good here; low, full and read-only on a small disk of its own', t => {
  const dir = folder(t);
  assert.deepEqual(codes(askDisk(patient(join(dir, 'none')))), ['disk-absent']);
  assert.deepEqual(codes(askDisk(patient(dir))), ['disk-good']);
  const small = join(dir, 'small');
  mkdirSync(small);
  // A mount name space of its own: the small disk is gone with the child.
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const script = 'mount -t tmpfs -o size=200m sightglass-test "$1" && exec "$2" --import tsx "$3" "$1"';
  const child = fileURLToPath(new URL('./small-disk.ts', import.meta.url));
  const out = execFileSync(
    'unshare',
    ['--mount', ...asRoot, 'sh', '-c', script, 'sh', small, process.execPath, child],
    { encoding: 'utf8' },
  );
  assert.deepEqual(out.trim().split('\n'), ['disk-low', 'disk-full', 'disk-full', 'disk-readonly']);
});

void test('spool: all stored, waiting for a service that is stopped, behind one that runs', async t => {
  const dir = folder(t);
  const store = openStore({ dir: auditDir(dir) });
  const asked = async () => codes(await askSpool(patient(dir), store));
  assert.deepEqual(await asked(), ['spool-good']);
  const spools = spoolDir(dir);
  const spool = openSpool({ dir: spools, producer: allocateProducer(spools) });
  spool.append(exchange());
  spool.flush();
  spool.close();
  assert.deepEqual(await asked(), ['spool-waiting']);

  const service = spawn('sleep', ['60']);
  t.after(() => service.kill());
  await once(service, 'spawn');
  const stat = readFileSync(`/proc/${service.pid ?? 0}/stat`, 'utf8');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  mkdirSync(join(dir, 'run'), { recursive: true });
  writeFileSync(join(dir, 'run/control.json'), JSON.stringify({ pid: service.pid, started }));
  assert.deepEqual(await asked(), ['spool-good'], 'a few bytes are on their way');
  const [segment] = listSegments(spools);
  assert.ok(segment);
  truncateSync(join(spools, segment.name), 65 * 1024 * 1024);
  assert.deepEqual(await asked(), ['spool-behind']);
});

void test('lists: none, fresh, stale with what the publisher said', async t => {
  const dir = folder(t);
  const lists = async (now = Date.now) => {
    const who = patient(dir, { now });
    return askLists(who, await seePolicy(who));
  };
  assert.deepEqual(codes(await lists()), ['list-none']);
  const yaml =
    'version: 1\ndefault: block\nlists: { l: { url: https://lists.test/l, refresh: 1h } }\nrules: []\n';
  writeFileSync(join(dir, 'policy.yaml'), yaml);
  const parsed = parsePolicy(yaml);
  assert.ok(parsed.ok);
  const source = parsed.document.lists['l'];
  assert.ok(source?.kind === 'url');
  const now = Date.now();
  await refreshUrl(source, copiesDir(join(dir, 'policy')), now, () =>
    Promise.resolve({ kind: 'new', body: Buffer.from('a.test\n'), etag: null, lastModified: null }),
  );
  assert.deepEqual(codes(await lists()), ['list-fresh']);
  await refreshUrl(source, copiesDir(join(dir, 'policy')), now + 3_600_000, () =>
    Promise.reject(new Error('410 Gone')),
  );
  const [stale] = await lists(() => now + 4 * 3_600_000);
  assert.equal(stale?.code, 'list-stale');
  assert.match(stale.evidence[0] ?? '', /^l: last current 4\.0 h ago; .*410 Gone/);
});
