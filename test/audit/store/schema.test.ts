/** Day files: their names, their version, and that a newer one is refused in words. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { MARKS_WHERE, markedBlocks } from '../../../src/audit/store/layout.ts';
import {
  DayFileError,
  dayOf,
  dayPath,
  listDays,
  openDayForReading,
  openDayForWriting,
  SCHEMA_VERSION,
  versionOf,
} from '../../../src/audit/store/schema.ts';
import { NOON, scratch } from '../sample.ts';

/** A day file as the first release made it, with one row. */
function makeVersion1(dir: string, day: string): string {
  const db = new Database(dayPath(dir, day));
  db.exec(fs.readFileSync(new URL('../../fixtures/day-file/version-1.sql', import.meta.url), 'utf8'));
  db.exec(`INSERT INTO meta VALUES ('version', 1), ('day', '${day}')`);
  db.exec(`INSERT INTO event VALUES (1, 1000, 'from version 1', '{}')`);
  db.exec('INSERT INTO seen VALUES (1, 7, 3), (1, 7, 31), (1, 7, 32), (2, 7, 5)');
  db.close();
  return dayPath(dir, day);
}

const marked = (db: Database.Database): number[] =>
  [...markedBlocks(db.prepare(`${MARKS_WHERE} dim = 1 AND value = 7`).pluck().all() as number[])].sort(
    (a, b) => a - b,
  );

const nothing = (): void => undefined;

describe('day files', () => {
  it('are named by the UTC day and listed oldest first', t => {
    const dir = scratch(t);
    assert.equal(dayOf(NOON), '2026-11-20');
    assert.equal(dayOf(Date.UTC(2026, 10, 20, 23, 59, 59, 999)), '2026-11-20');
    for (const name of ['2026-11-21.db', '2026-11-20.db', '2026-11-20.db-wal', 'recorder.lock', 'x.db'])
      fs.writeFileSync(path.join(dir, name), '');
    assert.deepEqual(listDays(dir), ['2026-11-20', '2026-11-21']);
    assert.deepEqual(listDays(path.join(dir, 'none')), []);
  });

  it('belong to their owner and are written ahead', t => {
    const dir = path.join(scratch(t), 'audit');
    const db = openDayForWriting(dir, '2026-11-20', nothing);
    assert.equal(db.pragma('journal_mode', { simple: true }), 'wal');
    assert.equal(fs.statSync(dir).mode & 0o777, 0o700);
    for (const name of fs.readdirSync(dir))
      assert.equal(fs.statSync(path.join(dir, name)).mode & 0o077, 0, name);
    db.close();
  });

  it('are made once, with what is handed over, or not at all', t => {
    const dir = scratch(t);
    const fail = (): never => {
      throw new Error('killed here');
    };
    assert.throws(() => openDayForWriting(dir, '2026-11-20', fail), /killed here/);
    assert.equal(openDayForReading(dir, '2026-11-20'), null, 'a file without its tables counts as not there');
    let filled = 0;
    openDayForWriting(dir, '2026-11-20', () => filled++).close();
    openDayForWriting(dir, '2026-11-20', () => filled++).close();
    assert.equal(filled, 1);
    const db = openDayForReading(dir, '2026-11-20');
    assert.equal(db?.prepare(`SELECT value FROM meta WHERE key = 'day'`).pluck().get(), '2026-11-20');
    assert.throws(() => db?.exec('DELETE FROM meta'), /readonly/);
    db?.close();
  });

  it('of a newer version are refused, for reading and for writing', t => {
    const dir = scratch(t);
    const db = openDayForWriting(dir, '2026-11-20', nothing);
    db.exec(`UPDATE meta SET value = 99 WHERE key = 'version'`);
    db.close();
    const refused = (error: unknown): boolean =>
      error instanceof DayFileError && /newer version \(schema 99/.test(error.message);
    assert.throws(() => openDayForReading(dir, '2026-11-20'), refused);
    assert.throws(() => openDayForWriting(dir, '2026-11-20', nothing), refused);
    assert.ok(fs.existsSync(dayPath(dir, '2026-11-20')));
  });

  it('of version 1 are brought up in place when opened for writing, with their rows', t => {
    const dir = scratch(t);
    const before = fs.readFileSync(makeVersion1(dir, '2026-11-20'));
    const read = openDayForReading(dir, '2026-11-20');
    assert.equal(
      read?.prepare('SELECT count(*) FROM chain').pluck().get(),
      0,
      'reading knows the new tables',
    );
    assert.equal(read.prepare('SELECT name FROM event').pluck().get(), 'from version 1');
    assert.deepEqual(read.prepare(`SELECT rowid FROM body_fts WHERE body_fts MATCH 'word'`).all(), []);
    assert.deepEqual(marked(read), [3, 31, 32], 'where values occur is told in the new shape');
    read.close();
    assert.deepEqual(fs.readFileSync(dayPath(dir, '2026-11-20')), before, 'reading changes nothing');

    const db = openDayForWriting(dir, '2026-11-20', nothing);
    assert.equal(versionOf(db), SCHEMA_VERSION);
    assert.equal(db.prepare('SELECT name FROM event').pluck().get(), 'from version 1');
    assert.deepEqual(marked(db), [3, 31, 32]);
    assert.equal(db.prepare(`SELECT count(*) FROM sqlite_schema WHERE name = 'chain'`).pluck().get(), 1);
    db.close();
    openDayForWriting(dir, '2026-11-20', nothing).close();
  });
});
