import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { MANIFEST, writeBackup, type Manifest } from '../../../src/control/backup/write.ts';
import { dataDir, scratch, tree } from './house.ts';

const COMMON = { version: '1.2.3', now: Date.UTC(2026, 10, 20) };

/** A pair of age's own making. */
function pair(dir: string): { file: string; recipient: string } {
  const file = join(dir, 'key.txt');
  execFileSync('age-keygen', ['-o', file], { stdio: 'ignore' });
  return { file, recipient: /age1\w+/.exec(readFileSync(file, 'utf8'))?.[0] ?? '' };
}

void test('age and tar read what was written, and it is what was there', async t => {
  const { dir, open } = dataDir(t);
  const place = scratch(t);
  const { file, recipient } = pair(place);
  const out = join(place, 'backup.age');
  const seen: string[] = [];
  const manifest = await writeBackup({
    ...COMMON,
    dataDir: dir,
    out,
    lock: { recipients: [recipient] },
    onProgress: ({ path, bytes, of }) => {
      assert.ok(bytes > 0 && of > 0);
      if (seen.at(-1) !== path) seen.push(path);
    },
  });
  assert.equal(statSync(out).mode & 0o777, 0o600);
  assert.ok(!readFileSync(out).includes('the key'));
  assert.deepEqual(
    seen,
    manifest.files.flatMap(f => (f.size > 0 ? f.path : [])),
  );

  const [tar, unpacked] = [join(place, 'plain.tar'), join(place, 'unpacked')];
  execFileSync('age', ['-d', '-i', file, '-o', tar, out]);
  execFileSync('sh', ['-c', 'mkdir "$1" && tar -xpf "$2" -C "$1"', 'sh', unpacked, tar]);
  assert.deepEqual(JSON.parse(readFileSync(join(unpacked, MANIFEST), 'utf8')) as Manifest, manifest);
  const there = tree(unpacked);
  for (const [path, what] of Object.entries(tree(dir)))
    if (!/^run\/|-wal$|-shm$|2026-11-20\.db$/.test(path)) assert.equal(there[path], what, path);
  const copy = new Database(join(unpacked, 'audit/2026-11-20.db'));
  assert.deepEqual(
    copy.prepare('SELECT n FROM row').pluck().all(),
    [1, 2],
    'rows of the log are in the copy',
  );
  copy.close();
  open.prepare('INSERT INTO row VALUES (3)').run();
  assert.ok(!readdirSync(dir).some(name => name.startsWith('.backup-')), 'the scratch folder is gone');
});

void test('an earlier backup is never overwritten, and a failed one leaves nothing', async t => {
  const { dir } = dataDir(t);
  const out = join(scratch(t), 'backup.age');
  writeFileSync(out, 'earlier');
  const options = { ...COMMON, dataDir: dir, out, lock: { passphrase: 'x' } };
  await assert.rejects(writeBackup(options), { code: 'EEXIST' });
  assert.equal(readFileSync(out, 'utf8'), 'earlier');
  rmSync(out);
  writeFileSync(join(dir, 'control.db'), 'this is no database');
  await assert.rejects(writeBackup(options), /not a database/);
  assert.ok(!existsSync(out) && !existsSync(`${out}.partial`));
});

void test('a file that goes away meanwhile is left out, one that grows is taken as it was', async t => {
  const { dir } = dataDir(t);
  const out = join(scratch(t), 'backup.age');
  const segment = join(dir, 'spool/1-1.seg');
  const manifest = await writeBackup({
    ...COMMON,
    dataDir: dir,
    out,
    lock: { passphrase: 'x' },
    onProgress: ({ path }) => {
      if (path === 'policy.yaml') rmSync(join(dir, 'policy/versions/empty'));
      if (path === 'audit/2026-11-18.db') writeFileSync(segment, Buffer.alloc(5_000_000, 1));
    },
  });
  assert.ok(!manifest.files.some(f => f.path.endsWith('empty')));
  assert.equal(manifest.files.find(f => f.path.endsWith('.seg'))?.size, 5_000_000);
});
