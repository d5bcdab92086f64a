/**
 * The day file: one SQLite database per UTC day of ingestion, `YYYY-MM-DD.db`. This file owns its tables, its version and
 * how it is opened.
 *
 * Lean by construction: an exchange row holds small integers. What repeats lies once in `who`, `what`, `url`, `block`
 * (header block), and an exchange points at it. Sharing is a saving, never a promise: after a restart, or beyond the
 * bounds of the recorder's caches, the same text may get a second row, and no query may rely on there being only one.
 *
 * Instead of secondary indexes on the hot tables there is `mark`: "this value occurs in these blocks of 1024
 * consecutive rows". It costs a row per value and 32 blocks instead of one per value and row, and lets a reader
 * skip nearly everything that cannot match, newest first.
 *
 * Version: `meta.version`. STEPS are numbered; a file is made by running all of them, and one of an older version is brought up
 * in place when the recorder opens it for writing. Files of days gone by are never changed: opened for reading, an older
 * one gets what it lacks as empty temporary tables and columns (older-days.ts), so that queries know one shape only. A
 * file of a newer version is refused. Adding a column means: an ALTER TABLE in the newest unreleased step, the column in
 * the statement that writes it, and a decision in chain-rows.ts whether it is part of a row's canonical form.
 */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { completeOlder } from './older-days.ts';

const TOKENS = `tokenize = 'unicode61 remove_diacritics 2'`;

const VERSION_1 = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- client and user; ip is 16 bytes (IPv4 mapped) for networks, NULL when the text is no address
CREATE TABLE who (id INTEGER PRIMARY KEY, client TEXT NOT NULL, ip BLOB, user TEXT);
CREATE TABLE host (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE INDEX host_name ON host (name);
-- everything of an exchange that repeats within a site: origin, verdict, method, outcome
CREATE TABLE what (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, port INTEGER NOT NULL, scheme TEXT NOT NULL,
  protocol TEXT NOT NULL, method TEXT NOT NULL, status INTEGER, type TEXT, fault TEXT, sni TEXT,
  action TEXT NOT NULL, rule TEXT NOT NULL, policy TEXT NOT NULL, reason TEXT NOT NULL, capture TEXT NOT NULL,
  block TEXT NOT NULL);
CREATE INDEX what_host ON what (host);
-- first: block of exchanges in which the row was made, so that a URL seen once needs no mark
CREATE TABLE url (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, path TEXT NOT NULL, first INTEGER NOT NULL);
-- a header block without what varies (see headers.ts), and what varies: searchable, and not (see req_volatile)
CREATE TABLE block (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE rest (id INTEGER PRIMARY KEY, varied TEXT NOT NULL, volatile TEXT NOT NULL, first INTEGER NOT NULL);
CREATE VIRTUAL TABLE host_fts USING fts5 (name, content='', ${TOKENS});
CREATE VIRTUAL TABLE url_fts USING fts5 (path, content='', columnsize=0, ${TOKENS});
CREATE VIRTUAL TABLE block_fts USING fts5 (text, content='', columnsize=0, ${TOKENS});
CREATE VIRTUAL TABLE rest_fts USING fts5 (text, content='', columnsize=0, ${TOKENS});

CREATE TABLE exchange (id INTEGER PRIMARY KEY, flow INTEGER NOT NULL, n INTEGER NOT NULL, time INTEGER NOT NULL,
  us INTEGER NOT NULL, wait INTEGER, who INTEGER NOT NULL, what INTEGER NOT NULL, url INTEGER NOT NULL,
  up INTEGER NOT NULL, down INTEGER NOT NULL, req_block INTEGER NOT NULL, req_rest INTEGER NOT NULL,
  res_block INTEGER NOT NULL, res_rest INTEGER NOT NULL, flags INTEGER NOT NULL,
  req_body INTEGER, res_body INTEGER, req_sha BLOB, res_sha BLOB, fault_detail TEXT);

-- bodies by SHA-256 of the kept bytes; enc: 0 as is, 1 raw deflate
CREATE TABLE body (id INTEGER PRIMARY KEY, sha BLOB NOT NULL, size INTEGER NOT NULL, enc INTEGER NOT NULL,
  data BLOB NOT NULL);
CREATE INDEX body_sha ON body (sha);
-- bodies whose exchange has not come yet
CREATE TABLE waiting_body (flow INTEGER NOT NULL, n INTEGER NOT NULL, side INTEGER NOT NULL, body INTEGER NOT NULL,
  PRIMARY KEY (flow, n, side)) WITHOUT ROWID;

-- everything of a flow that repeats; doc: JSON that repeats (hello, certificate, verdict)
CREATE TABLE lane (id INTEGER PRIMARY KEY, host INTEGER, port INTEGER, scheme TEXT, ingress TEXT, sni TEXT, alpn TEXT,
  ja4 TEXT, outcome TEXT, action TEXT, rule TEXT, policy TEXT, reason TEXT, fault TEXT);
CREATE VIRTUAL TABLE lane_fts USING fts5 (text, content='', columnsize=0, ${TOKENS});
CREATE TABLE doc (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE flow (id INTEGER PRIMARY KEY, flow INTEGER NOT NULL, time INTEGER NOT NULL, us INTEGER NOT NULL,
  who INTEGER NOT NULL, lane INTEGER NOT NULL, up INTEGER NOT NULL, down INTEGER NOT NULL, exchanges INTEGER NOT NULL,
  hello INTEGER, cert INTEGER, verdict INTEGER, detail TEXT NOT NULL);
CREATE INDEX flow_flow ON flow (flow);
-- flows without their flow row yet; exchanges: how many lie in earlier day files
CREATE TABLE open_flow (flow INTEGER PRIMARY KEY, start TEXT NOT NULL, exchanges INTEGER NOT NULL);

CREATE TABLE event (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, name TEXT NOT NULL, detail TEXT NOT NULL);

CREATE TABLE seen (dim INTEGER NOT NULL, value INTEGER NOT NULL, block INTEGER NOT NULL,
  PRIMARY KEY (dim, value, block)) WITHOUT ROWID;
-- per block of rows: how many, and their earliest and latest time
CREATE TABLE span (kind INTEGER NOT NULL, block INTEGER NOT NULL, n INTEGER NOT NULL, lo INTEGER NOT NULL,
  hi INTEGER NOT NULL, PRIMARY KEY (kind, block)) WITHOUT ROWID;
-- per minute and verdict, for charts of everything
CREATE TABLE minute (kind INTEGER NOT NULL, minute INTEGER NOT NULL, action TEXT NOT NULL, n INTEGER NOT NULL,
  faults INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (kind, minute, action)) WITHOUT ROWID;

-- how far each spool segment is in the store: committed with the rows themselves
CREATE TABLE cursor (segment TEXT PRIMARY KEY, offset INTEGER NOT NULL, done INTEGER NOT NULL, bad INTEGER NOT NULL)
  WITHOUT ROWID;
`;

/** Version 2 (not released yet: all of this session's additions go here). */
const VERSION_2 = `
-- the hash chain (chain.ts): packed entries of the rows of one batch and the link of the last one; seq: number of the first
-- one, counted over all days
CREATE TABLE chain (seq INTEGER PRIMARY KEY, entries BLOB NOT NULL, link BLOB NOT NULL);
-- signed statements over the chain (checkpoint.ts); n is counted over all days
CREATE TABLE checkpoint (n INTEGER PRIMARY KEY, statement TEXT NOT NULL, signature BLOB NOT NULL);
-- the manner of a verdict (core/verdict.ts: mannerOf); NULL also where version 1 wrote the row and nobody knows
ALTER TABLE what ADD COLUMN mask TEXT;
ALTER TABLE what ADD COLUMN tls TEXT;
ALTER TABLE what ADD COLUMN parent TEXT;
-- what was masked (core/masking.ts: maskedText); NULL where nothing was, or version 1 wrote the row
ALTER TABLE what ADD COLUMN masked TEXT;
-- volatile header values of the two heads (volatile.ts), so that rows of rest can be shared; version 1 has them in rest
ALTER TABLE exchange ADD COLUMN req_volatile TEXT;
ALTER TABLE exchange ADD COLUMN res_volatile TEXT;
ALTER TABLE lane ADD COLUMN mask TEXT;
ALTER TABLE lane ADD COLUMN tls TEXT;
ALTER TABLE lane ADD COLUMN parent TEXT;
-- columns of whole blocks as packed numbers (strip.ts); which pieces of letters occur in a run of URLs, and what
-- all of them begin with (grams.ts). Both are
-- derived: what they lack, as all blocks of version 1, is read from the rows
CREATE TABLE strip (id INTEGER PRIMARY KEY, lo NUMERIC, hi NUMERIC, data BLOB);
-- words of bodies, by body.id. reading: how the body is read (body-text.ts); NULL while its exchange is not known, and where
-- version 1 wrote the row, whose words are not in the index
ALTER TABLE body ADD COLUMN reading TEXT;
CREATE VIRTUAL TABLE body_fts USING fts5 (text, content='', columnsize=0, ${TOKENS});
CREATE TABLE gram (run INTEGER PRIMARY KEY, bits BLOB NOT NULL, start TEXT NOT NULL);
-- for the rare ones
CREATE INDEX what_status ON what (status);
CREATE INDEX what_method ON what (lower(method));
CREATE INDEX what_action ON what (lower(action));
-- larger pieces of index are kept in memory (bytes) before they are written, and merged eight at a time
INSERT INTO rest_fts (rest_fts, rank) VALUES ('hashsize', 8388608), ('automerge', 8);
INSERT INTO url_fts (url_fts, rank) VALUES ('hashsize', 8388608), ('automerge', 8);
-- what of flow.detail many flows share (flow-detail.ts): a row of doc; NULL where version 1 wrote the row
ALTER TABLE flow ADD COLUMN frame INTEGER;
-- blocks in which a value occurs (marks.ts): one bit each for the 32 from part << 5 on
CREATE TABLE mark (dim INTEGER NOT NULL, value INTEGER NOT NULL, part INTEGER NOT NULL, bits INTEGER NOT NULL,
  PRIMARY KEY (dim, value, part)) WITHOUT ROWID;
INSERT INTO mark SELECT dim, value, block >> 5, sum(1 << (block & 31)) FROM seen GROUP BY 1, 2, 3;
DROP TABLE seen;
`;

/** The index + 1 is the version a step leads to. Never edit one that was released, append. */
const STEPS: readonly string[] = [VERSION_1, VERSION_2];
export const SCHEMA_VERSION = STEPS.length;

/** Bring a file to the newest version, inside the caller's transaction. */
export function migrate(db: Database.Database, from: number): void {
  for (const sql of STEPS.slice(from)) db.exec(sql);
  db.prepare(
    `INSERT INTO meta (key, value) VALUES ('version', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  ).run(SCHEMA_VERSION);
}

const DAY_FILE = /^(\d{4}-\d\d-\d\d)\.db$/;

/** `2026-11-20` of a time in ms since epoch, UTC. */
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

export const dayPath = (dir: string, day: string): string => path.join(dir, `${day}.db`);

/** Days that have a file, oldest first. A missing folder has none. */
export function listDays(dir: string): string[] {
  let names: string[];
  try {
    names = fs.readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap(name => DAY_FILE.exec(name)?.[1] ?? []).sort();
}

/** Whether an error says that a file is damaged, and not that it is busy, full or read-only. */
export const isDamage = (error: unknown): boolean =>
  error instanceof Database.SqliteError && /^SQLITE_(?:CORRUPT|NOTADB)/.test(error.code);

/**
 * Put a damaged day file aside under a name that is none of a day, log and all, so that a new one can be begun. Returns that
 * name; null when there is no such file.
 */
export function setAside(dir: string, day: string, now: number): string | null {
  const name = `${day}.damaged-${now}.db`;
  if (!fs.existsSync(dayPath(dir, day))) return null;
  for (const suffix of ['-wal', '-shm', '']) {
    const file = dayPath(dir, day) + suffix;
    if (fs.existsSync(file)) fs.renameSync(file, path.join(dir, name) + suffix);
  }
  return name;
}

/** A day file that cannot be used, with the reason in words. */
export class DayFileError extends Error {}

/**
 * Open the day's file for writing, or make it; `fill` runs in the transaction that makes it, so that a file either has its
 * tables and what was carried over, or counts as not there.
 */
export function openDayForWriting(
  dir: string,
  day: string,
  fill: (db: Database.Database) => void,
): Database.Database {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = dayPath(dir, day);
  const existed = fs.existsSync(file);
  const db = new Database(file, { timeout: 5000 });
  try {
    if (!existed) {
      fs.chmodSync(file, 0o600);
      db.pragma('page_size = 4096');
    }
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.pragma('wal_autocheckpoint = 4000');
    db.pragma('journal_size_limit = 67108864');
    db.pragma('cache_size = -32768');
    db.pragma('temp_store = MEMORY');
    db.transaction(() => {
      const version = versionOf(db);
      if (version === null) {
        migrate(db, 0);
        db.prepare(`INSERT INTO meta (key, value) VALUES ('day', ?)`).run(day);
        fill(db);
      } else if (version < SCHEMA_VERSION) migrate(db, version);
    }).immediate();
    checkVersion(db, file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Open a day file for reading; null when the recorder has not finished making it. */
export function openDayForReading(dir: string, day: string): Database.Database | null {
  const file = dayPath(dir, day);
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: 2000 });
  try {
    if (versionOf(db) === null) {
      db.close();
      return null;
    }
    checkVersion(db, file);
    db.pragma('cache_size = -8192');
    db.pragma('temp_store = MEMORY');
    if (versionOf(db) !== SCHEMA_VERSION) completeOlder(db, reference(), STAND_INS);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What older files have under another name or in another shape. */
const STAND_INS = {
  mark: 'SELECT dim, value, block >> 5 AS part, 1 << (block & 31) AS bits FROM main.seen',
};

/** An empty store of the newest version, to compare older files with; made when the first older file is read. */
function reference(): Database.Database {
  if (newest === null) {
    newest = new Database(':memory:');
    migrate(newest, 0);
  }
  return newest;
}
let newest: Database.Database | null = null;

/** Version of a file; null when it has no tables yet. */
export function versionOf(db: Database.Database): number | null {
  const made = db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'meta'`).get();
  if (made === undefined) return null;
  return db.prepare(`SELECT value FROM meta WHERE key = 'version'`).pluck().get() as number;
}

function checkVersion(db: Database.Database, file: string): void {
  const version = versionOf(db);
  if (version === null || version > SCHEMA_VERSION)
    throw new DayFileError(
      `${path.basename(file)} was written by a newer version (schema ${String(version)}, this is ${SCHEMA_VERSION}): use that version.`,
    );
}
