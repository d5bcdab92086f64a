import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import {
  CONTROL_DB_FILE,
  CONTROL_DB_VERSION,
  ControlDbError,
  openControlDb,
} from '../../src/control/control-db.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-control-db-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('a new store is private, WAL and at the current schema', t => {
  const dir = join(folder(t), 'made', 'on', 'the', 'way');
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  const db = openControlDb(dir);
  t.after(() => db.close());
  assert.equal(modeOf(dir), 0o700);
  for (const name of ['', '-wal', '-shm']) assert.equal(modeOf(join(dir, CONTROL_DB_FILE + name)), 0o600);
  assert.equal(db.pragma('journal_mode', { simple: true }), 'wal');
  assert.equal(db.pragma('user_version', { simple: true }), CONTROL_DB_VERSION);
});

test('opening again keeps what is there, also beside another open handle', t => {
  const dir = folder(t);
  const first = openControlDb(dir);
  t.after(() => first.close());
  first.exec("INSERT INTO trail (time, address, action, detail) VALUES (1, 'a', 'b', '{}')");
  const second = openControlDb(dir);
  t.after(() => second.close());
  assert.deepEqual(second.prepare('SELECT action FROM trail').all(), [{ action: 'b' }]);
});

test('a store written by a newer version is refused and left alone', t => {
  const dir = folder(t);
  const newer = openControlDb(dir);
  newer.pragma(`user_version = ${CONTROL_DB_VERSION + 1}`);
  newer.close();
  assert.throws(
    () => openControlDb(dir),
    (error: unknown) =>
      error instanceof ControlDbError && /newer Sightglass/.test(error.message) && error.hint !== '',
  );
});

test('a store that others could read is tightened', t => {
  const dir = folder(t);
  openControlDb(dir).close();
  chmodSync(join(dir, CONTROL_DB_FILE), 0o644);
  openControlDb(dir).close();
  assert.equal(modeOf(join(dir, CONTROL_DB_FILE)), 0o600);
});

test('garbage, a symbolic link and a folder in its place are refused in sentences', t => {
  const garbage = folder(t);
  writeFileSync(
    join(garbage, CONTROL_DB_FILE),
    'this is no database, only text that is long enough'.repeat(40),
  );
  assert.throws(() => openControlDb(garbage), /is damaged or locked/);
  const linked = folder(t);
  writeFileSync(join(linked, 'elsewhere'), '');
  symlinkSync(join(linked, 'elsewhere'), join(linked, CONTROL_DB_FILE));
  assert.throws(() => openControlDb(linked), /no regular file/);
  writeFileSync(join(linked, 'file'), '');
  assert.throws(() => openControlDb(join(linked, 'file')), /cannot be opened/);
});

test('the trail can be neither changed nor deleted', t => {
  const db = openControlDb(folder(t));
  t.after(() => db.close());
  db.exec("INSERT INTO trail (time, address, action, detail) VALUES (1, 'a', 'b', '{}')");
  assert.throws(() => db.exec("UPDATE trail SET action = 'c'"), /append-only/);
  assert.throws(() => db.exec('DELETE FROM trail'), /append-only/);
});
