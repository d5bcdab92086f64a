import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { test, type TestContext } from 'node:test';
import { Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { pack, type Pack } from 'tar-stream';
import { BackupError, restoreBackup, verifyBackup } from '../../../src/control/backup/restore.ts';
import { MANIFEST, writeBackup } from '../../../src/control/backup/write.ts';
import { dataDir, scratch, tree } from './house.ts';

/** What an entry may say of itself. */
type Header = Exclude<Parameters<Pack['entry']>[0], null>;

async function pair(): Promise<{ identity: string; recipient: string }> {
  const identity = await generateIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}

async function made(t: TestContext) {
  const { dir, open } = dataDir(t);
  const place = scratch(t);
  const { identity, recipient } = await pair();
  const file = join(place, 'backup.age');
  const manifest = await writeBackup({
    dataDir: dir,
    out: file,
    lock: { recipients: [recipient] },
    version: '1',
    now: 0,
  });
  open.close();
  return { dir, place, file, manifest, opener: { identities: [identity] } };
}

void test('what comes back is what was there, with its modes; into an absent and into an empty folder', async t => {
  const { dir, place, file, manifest, opener } = await made(t);
  const before = Object.entries(tree(dir)).filter(([path]) => !/^run\/|2026-11-20/.test(path));
  for (const name of ['absent', 'empty']) {
    const target = join(place, name);
    if (name === 'empty') mkdirSync(target);
    assert.deepEqual(await restoreBackup({ file, dataDir: target, opener }), manifest);
    const after = tree(target);
    // What a group could read it cannot after a restore; nobody else than the service needs it.
    for (const [path, what] of before) assert.equal(after[path], what.replace(/^640/, '600'), path);
  }
  assert.deepEqual(await verifyBackup({ file, opener }), manifest);
});

void test('a folder with something in it stays as it is', async t => {
  const { place, file, opener } = await made(t);
  const target = join(place, 'filled');
  mkdirSync(target);
  writeFileSync(join(target, 'mine'), 'x');
  await assert.rejects(restoreBackup({ file, dataDir: target, opener }), /is not empty/);
  assert.deepEqual(readdirSync(target), ['mine']);
});

void test('under a passphrase, and not under another one', async t => {
  const { dir } = dataDir(t);
  const file = join(scratch(t), 'b.age');
  await writeBackup({ dataDir: dir, out: file, lock: { passphrase: 'plum orbit' }, version: '1', now: 0 });
  assert.equal((await verifyBackup({ file, opener: { passphrase: 'plum orbit' } })).version, '1');
  await assert.rejects(verifyBackup({ file, opener: { passphrase: 'plum' } }), BackupError);
});

void test('a changed or cut backup restores nothing', async t => {
  const { place, file, opener } = await made(t);
  const bytes = readFileSync(file);
  const target = join(place, 'target');
  for (const [what, damaged] of [
    ['cut', bytes.subarray(0, bytes.length - 100)],
    ['cut early', bytes.subarray(0, 500)],
    ['changed', Buffer.from(bytes).fill(0, 200_000, 200_001)],
    ['empty', Buffer.alloc(0)],
    ['junk', Buffer.from('hello')],
  ] as const) {
    const bad = join(place, 'bad.age');
    writeFileSync(bad, damaged);
    await assert.rejects(restoreBackup({ file: bad, dataDir: target, opener }), BackupError, what);
    assert.ok(!existsSync(target) && !existsSync(`${target}.restoring`), what);
  }
  await assert.rejects(restoreBackup({ file: join(place, 'none'), dataDir: target, opener }), {
    code: 'ENOENT',
  });
});

void test('an archive of somebody who has the key is not believed either', async t => {
  const { identity, recipient } = await pair();
  const place = scratch(t);
  const target = join(place, 'target');
  const forged = async (...entries: [Header, string][]): Promise<string> => {
    const archive = pack();
    for (const [header, text] of entries) archive.entry(header, text);
    archive.finalize();
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const stream = await encrypter.encrypt(
      Readable.toWeb(Readable.from(archive)) as ReadableStream<Uint8Array>,
    );
    const file = join(place, 'forged.age');
    writeFileSync(
      file,
      Buffer.concat(await Readable.fromWeb(stream as ReadableStream<Uint8Array>).toArray()),
    );
    return file;
  };
  const manifest = (change: object = {}): [Header, string] => [
    { name: MANIFEST },
    JSON.stringify({
      format: 'sightglass-backup',
      formatVersion: 1,
      version: '1',
      created: '',
      files: [],
      ...change,
    }),
  ];
  const opener = { identities: [identity] };
  const attempts: [RegExp, ...[Header, string][]][] = [
    [/has no place/, [{ name: '../out' }, 'x'], manifest()],
    [/has no place/, [{ name: '/etc/out' }, 'x'], manifest()],
    [/has no place/, [{ name: 'a/../../out' }, 'x'], manifest()],
    [/has no place/, [{ name: 'link', type: 'symlink', linkname: '/etc/passwd' }, ''], manifest()],
    [/has no place/, [{ name: 'a' }, 'x'], [{ name: 'a' }, 'y'], manifest()],
    [/not in the manifest/, [{ name: 'a' }, 'x'], manifest()],
    [/not what the manifest says/, manifest({ files: [{ path: 'a', size: 1, sha256: '00' }] })],
    [/follows the manifest/, manifest(), [{ name: 'a' }, 'x']],
    [/has no manifest/, [{ name: 'a' }, 'x']],
    [/no JSON/, [{ name: MANIFEST }, '{']],
    [/another kind/, manifest({ format: 'x' })],
    [/newer Sightglass/, manifest({ formatVersion: 2 })],
  ];
  for (const [message, ...entries] of attempts) {
    await assert.rejects(restoreBackup({ file: await forged(...entries), dataDir: target, opener }), message);
    assert.deepEqual(readdirSync(place), ['forged.age']);
  }
});
