import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { CERTIFICATE_FILE, KEY_FILE, readStored, storeNew } from '../../ca/key-file.ts';
import { AuthorityRefusal } from '../../ca/refusal.ts';
import type { RefusalCode } from '../../ca/refusal.ts';
import { scratch } from './scratch.ts';

const SECRET = 'the words of the key file';
const pair = { keyPem: SECRET, certificatePem: 'a certificate' };

function place(t: TestContext): { parent: string; dir: string; key: string; certificate: string } {
  const parent = scratch(t);
  const dir = join(parent, 'ca');
  return { parent, dir, key: join(dir, KEY_FILE), certificate: join(dir, CERTIFICATE_FILE) };
}

/** The folder refuses with this code, says why and what to do, and tells nothing of the key. */
function refuses(dir: string, code: RefusalCode, words: RegExp): void {
  assert.throws(
    () => readStored(dir),
    error => {
      assert.ok(error instanceof AuthorityRefusal);
      assert.equal(error.code, code);
      assert.match(error.message, words);
      assert.ok(error.hint.length > 10);
      assert.ok(!`${error.message} ${error.hint} ${error.stack}`.includes(SECRET));
      return true;
    },
  );
}

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

test('nothing there, or an empty folder, is the only state that allows a new authority', t => {
  const { dir } = place(t);
  assert.equal(readStored(dir), null);
  mkdirSync(dir, { mode: 0o700 });
  assert.equal(readStored(dir), null);
});

for (const umask of [0o000, 0o022, 0o777])
  test(`modes do not depend on the umask (${umask.toString(8).padStart(3, '0')})`, t => {
    const { parent, dir, key, certificate } = place(t);
    // In a process of its own: the umask belongs to the whole process.
    const script = `process.umask(${umask}); const { storeNew } = await import('./ca/key-file.ts');
      process.stdout.write(storeNew(process.argv[1], ${JSON.stringify(pair)}, 'x'));`;
    const flags = ['--import', 'tsx', '--input-type=module', '-e', script, dir];
    // tsx keeps a cache whose files would otherwise carry the odd umask.
    const env = { ...process.env, TSX_DISABLE_CACHE: '1' };
    assert.equal(execFileSync(process.execPath, flags, { encoding: 'utf8', env }), 'created');
    assert.equal(modeOf(dir), 0o700);
    assert.equal(modeOf(key), 0o600);
    assert.equal(modeOf(certificate), 0o644);
    assert.deepEqual(readdirSync(parent), ['ca'], 'no staging folder stays behind');
    assert.deepEqual(readStored(dir), pair);
  });

test('what is there is never replaced', t => {
  const { parent, dir } = place(t);
  assert.equal(storeNew(dir, pair, 'a'), 'created');
  assert.equal(storeNew(dir, { keyPem: 'other', certificatePem: 'other' }, 'b'), 'exists');
  assert.deepEqual(readStored(dir), pair);
  assert.deepEqual(readdirSync(parent), ['ca']);
});

test('a folder with anything in it is not taken over, not even when both files are gone', t => {
  const { dir, key, certificate } = place(t);
  storeNew(dir, pair, 'a');
  writeFileSync(join(dir, 'crl.pem'), 'x');
  rmSync(key);
  rmSync(certificate);
  assert.equal(storeNew(dir, pair, 'b'), 'exists');
  refuses(dir, 'not-empty', /no authority/);
  assert.deepEqual(readdirSync(dir), ['crl.pem']);
});

test('a planted staging folder is not used', t => {
  const { parent, dir } = place(t);
  mkdirSync(`${dir}.new-a`);
  assert.throws(() => storeNew(dir, pair, 'a'), /cannot be written \(EEXIST\)/);
  assert.equal(existsSync(dir), false);
  assert.deepEqual(readdirSync(parent), ['ca.new-a']);
});

test('half of the pair refuses and generates nothing', t => {
  for (const lost of ['key', 'certificate'] as const) {
    const { parent, dir, ...files } = place(t);
    storeNew(dir, pair, 'a');
    renameSync(files[lost], join(parent, 'kept'));
    refuses(dir, 'incomplete', lost === 'key' ? /authority\.key is missing/ : /authority\.crt is missing/);
    assert.equal(readdirSync(dir).length, 1);
  }
});

test('a key that group or others can reach refuses', t => {
  const { dir, key } = place(t);
  storeNew(dir, pair, 'a');
  for (const mode of [0o640, 0o604, 0o660, 0o610, 0o601, 0o644]) {
    chmodSync(key, mode);
    refuses(dir, 'file-unsafe', new RegExp(`authority\\.key.*0${mode.toString(8)}`));
    assert.equal(modeOf(key), mode, 'nothing is mended silently');
  }
  chmodSync(key, 0o400);
  assert.deepEqual(readStored(dir), pair, 'read-only is fine');
});

test('a folder that group or others can reach refuses', t => {
  const { dir } = place(t);
  storeNew(dir, pair, 'a');
  for (const mode of [0o750, 0o705, 0o755, 0o770, 0o711]) {
    chmodSync(dir, mode);
    refuses(dir, 'folder-unsafe', new RegExp(`0${mode.toString(8)}`));
  }
});

test('a data directory that every user can change refuses, unless it is sticky', t => {
  const { parent, dir } = place(t);
  chmodSync(parent, 0o777);
  assert.throws(() => storeNew(dir, pair, 'a'), /every user/);
  assert.equal(existsSync(dir), false);
  chmodSync(parent, 0o1777);
  assert.equal(storeNew(dir, pair, 'a'), 'created');
  chmodSync(parent, 0o777);
  refuses(dir, 'folder-unsafe', /every user/);
});

test('links are not followed', t => {
  const { parent, dir, key, certificate } = place(t);
  storeNew(dir, pair, 'a');
  for (const path of [key, certificate]) {
    const real = join(parent, 'elsewhere');
    renameSync(path, real);
    symlinkSync(real, path);
    refuses(dir, 'file-unsafe', /symbolic link/);
    rmSync(path);
    renameSync(real, path);
  }
  renameSync(dir, join(parent, 'moved'));
  symlinkSync(join(parent, 'moved'), dir);
  refuses(dir, 'folder-unsafe', /symbolic link/);
  rmSync(dir);
  symlinkSync(join(parent, 'nowhere'), dir);
  refuses(dir, 'folder-unsafe', /symbolic link/);
  assert.throws(() => storeNew(dir, pair, 'b'), AuthorityRefusal);
  assert.equal(existsSync(join(parent, 'nowhere')), false, 'nothing is created through a dangling link');
});

test('what is no regular file refuses and does not hang', t => {
  const { dir, key } = place(t);
  storeNew(dir, pair, 'a');
  rmSync(key);
  execFileSync('mkfifo', ['-m', '600', key]);
  refuses(dir, 'file-unsafe', /no regular file/);
  rmSync(key);
  mkdirSync(key, { mode: 0o700 });
  refuses(dir, 'file-unsafe', /no regular file/);
  rmSync(dir, { recursive: true });
  writeFileSync(dir, '');
  refuses(dir, 'folder-unsafe', /no folder/);
});

test('a file far too large is not read', t => {
  const { dir, key } = place(t);
  storeNew(dir, pair, 'a');
  truncateSync(key, 2 ** 40);
  refuses(dir, 'corrupt', /too large/);
});

test('files of another user refuse', t => {
  const { dir, key } = place(t);
  storeNew(dir, pair, 'a');
  if (process.getuid?.() === 0) {
    chownSync(key, 12345, 12345);
    refuses(dir, 'file-unsafe', /user id 12345/);
    chownSync(dir, 12345, 12345);
    refuses(dir, 'folder-unsafe', /user id 12345/);
  } else {
    // Only root can give files away; everybody else meets a folder that is root's.
    refuses('/root', 'folder-unsafe', /user id 0|cannot be read/);
  }
});

test('a folder that cannot be written is told as such', t => {
  const parent = scratch(t);
  writeFileSync(join(parent, 'file'), '');
  assert.throws(
    () => storeNew(join(parent, 'file', 'ca'), pair, 'a'),
    error => error instanceof AuthorityRefusal && error.code === 'unwritable',
  );
  assert.equal(readFileSync(join(parent, 'file'), 'utf8'), '');
});
