/** An older file read as if it were of the newest version: what it lacks is empty or has its default, what it has is unchanged. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import { completeOlder } from '../../../src/audit/store/older-days.ts';

it('completes tables and columns without touching the file', () => {
  const older = new Database(':memory:');
  older.exec(`CREATE TABLE kept (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO kept VALUES (7, 'x');
    CREATE TABLE same (id INTEGER PRIMARY KEY);`);
  const newest = new Database(':memory:');
  newest.exec(`CREATE TABLE kept (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c INTEGER NOT NULL DEFAULT 3);
    CREATE TABLE same (id INTEGER PRIMARY KEY); CREATE TABLE added (id INTEGER PRIMARY KEY, t TEXT);
    CREATE VIRTUAL TABLE added_fts USING fts5 (t, content='', tokenize = 'unicode61');`);
  completeOlder(older, newest);
  assert.deepEqual(older.prepare('SELECT * FROM kept WHERE id = 7').get(), { id: 7, a: 'x', b: null, c: 3 });
  assert.deepEqual(older.prepare('SELECT * FROM added').all(), []);
  assert.deepEqual(older.prepare(`SELECT rowid FROM added_fts WHERE added_fts MATCH 'word'`).all(), []);
  assert.deepEqual(
    older.prepare(`SELECT name FROM main.sqlite_schema ORDER BY name`).pluck().all(),
    ['kept', 'same'],
    'the file has what it had',
  );
  assert.deepEqual(
    older
      .prepare(`SELECT name FROM temp.sqlite_schema WHERE name NOT GLOB '*_fts_*' ORDER BY name`)
      .pluck()
      .all(),
    ['added', 'added_fts', 'kept'],
    'what is the same is read directly',
  );
  const plan = older.prepare('EXPLAIN QUERY PLAN SELECT a FROM kept x WHERE x.id = ?').get(7) as {
    detail: string;
  };
  assert.match(plan.detail, /USING INTEGER PRIMARY KEY/, 'look-ups by id stay look-ups');
});

it('reads what has another shape through its stand-in', () => {
  const older = new Database(':memory:');
  older.exec('CREATE TABLE seen (value INTEGER); INSERT INTO seen VALUES (3), (40)');
  const newest = new Database(':memory:');
  newest.exec('CREATE TABLE mark (value INTEGER, part INTEGER)');
  completeOlder(older, newest, { mark: 'SELECT value, value >> 5 AS part FROM main.seen' });
  assert.deepEqual(older.prepare('SELECT part FROM mark').pluck().all(), [0, 1]);
});
