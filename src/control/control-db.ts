/**
 * `control.db`: what the control process must remember beside the audit: users, sessions, the set-up token and the
 * trail of what people did in the console. One SQLite file in the data directory, mode 0600, WAL.
 *
 * Migrations are numbered (`user_version`) and run in one transaction each; a store written by a newer Sightglass is
 * refused, because guessing at its meaning could drop a lock-out or a role. The command line opens the same file while
 * the service runs: WAL and a busy time-out make that safe, so nobody may keep rows of it in memory as truth.
 *
 * Bounds: users are few and made by hand; sessions are capped per user (sessions.ts); the trail grows with what people
 * do and is never pruned here, since it is evidence (about 200 bytes a line). Triggers refuse to change or delete it:
 * that guards against our own mistakes, not against somebody who owns the file.
 */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';

export type ControlDb = Database.Database;

export const CONTROL_DB_FILE = 'control.db';

/** Raised when the store cannot be used; message and hint are for people. */
export class ControlDbError extends Error {
  override readonly name = 'ControlDbError';
  readonly hint: string;
  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

/** Every step of the schema in order; the index + 1 is its number. Never edit one that was released, append. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE users (
    name TEXT PRIMARY KEY,
    roles TEXT NOT NULL,                 -- JSON array of role names
    groups TEXT NOT NULL,                -- JSON array of group names
    password TEXT NOT NULL,              -- encoded scrypt, see password.ts
    disabled INTEGER NOT NULL DEFAULT 0,
    -- Changes with password, roles, disabling: sessions and cached proof made under another revision are void.
    revision INTEGER NOT NULL DEFAULT 1,
    created INTEGER NOT NULL,            -- ms since epoch, as every time here
    last_login INTEGER
  ) STRICT;
  CREATE TABLE sessions (
    token BLOB PRIMARY KEY,              -- SHA-256 of the cookie value, so that a copy of the file opens no session
    user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    address TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_user ON sessions(user, created);
  CREATE TABLE setup (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    token BLOB NOT NULL,                 -- SHA-256
    expires INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE trail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    user TEXT,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL                 -- JSON object
  ) STRICT;
  CREATE TRIGGER trail_no_update BEFORE UPDATE ON trail BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
  CREATE TRIGGER trail_no_delete BEFORE DELETE ON trail BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
  `,
  `
  CREATE TABLE list_tokens (
    name TEXT PRIMARY KEY,
    token BLOB NOT NULL UNIQUE,          -- SHA-256 of the token
    created INTEGER NOT NULL,
    used INTEGER
  ) STRICT;
  `,
  `
  CREATE TABLE streams (
    name TEXT PRIMARY KEY,
    entry TEXT NOT NULL                  -- JSON: cursor, counters, last error
  ) STRICT;
  CREATE TABLE alerts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    rule TEXT NOT NULL,                  -- JSON: query, threshold, window, where it goes
    state TEXT NOT NULL                  -- JSON: when it last fired, what failed
  ) STRICT;
  `,
  `
  CREATE TABLE holds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    first TEXT NOT NULL,                 -- days, inclusive
    last TEXT NOT NULL,
    reason TEXT NOT NULL,
    made_by TEXT NOT NULL,
    created INTEGER NOT NULL,
    lifted INTEGER,
    lifted_by TEXT
  ) STRICT;
  CREATE TRIGGER holds_no_delete BEFORE DELETE ON holds BEGIN SELECT RAISE(ABORT, 'holds are lifted, not deleted'); END;
  -- The links of the trail (trail-chain.ts): one per line, and signed checkpoints over them.
  CREATE TABLE trail_link (
    id INTEGER PRIMARY KEY,              -- the line's
    link TEXT NOT NULL
  ) STRICT;
  CREATE TABLE trail_checkpoint (
    n INTEGER PRIMARY KEY,
    statement TEXT NOT NULL,
    signature BLOB NOT NULL
  ) STRICT;
  CREATE TRIGGER trail_link_no_update BEFORE UPDATE ON trail_link BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER trail_link_no_delete BEFORE DELETE ON trail_link BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER trail_checkpoint_no_update BEFORE UPDATE ON trail_checkpoint BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  CREATE TRIGGER trail_checkpoint_no_delete BEFORE DELETE ON trail_checkpoint BEGIN SELECT RAISE(ABORT, 'append-only'); END;
  `,
  `
  CREATE TABLE second_factor (
    user TEXT PRIMARY KEY REFERENCES users(name) ON DELETE CASCADE,
    secret TEXT NOT NULL,                -- base32
    started INTEGER NOT NULL,
    since INTEGER,                       -- null until a first code has confirmed it
    step INTEGER NOT NULL DEFAULT 0      -- of the last code that was accepted: this one and earlier ones are used up
  ) STRICT;
  CREATE TABLE recovery_codes (
    user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
    code BLOB NOT NULL,                  -- SHA-256
    PRIMARY KEY (user, code)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Issuer and subject of somebody who comes by single sign-on; null for local accounts.
  ALTER TABLE users ADD COLUMN subject TEXT;
  CREATE UNIQUE INDEX users_subject ON users(subject);
  `,
  `
  CREATE TABLE reveals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    what TEXT NOT NULL,                  -- JSON: an exchange and a side, or a question
    reason TEXT NOT NULL,
    case_number TEXT NOT NULL,
    created INTEGER NOT NULL,
    state TEXT NOT NULL,                 -- open, waiting, denied
    decided_by TEXT,
    until INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX reveals_user ON reveals(user, id);
  `,
];

/** Schema number this build writes. */
export const CONTROL_DB_VERSION = MIGRATIONS.length;

/**
 * Open (and create) `<dataDir>/control.db`, private and migrated. The caller closes it.
 * Throws ControlDbError when the file is unusable, a symbolic link, or written by a newer version.
 */
export function openControlDb(dataDir: string): ControlDb {
  const path = join(dataDir, CONTROL_DB_FILE);
  let db: ControlDb;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    makePrivate(path);
    db = new Database(path, { timeout: BUSY_MS });
  } catch (error) {
    if (error instanceof ControlDbError) throw error;
    throw new ControlDbError(
      `The control store ${path} cannot be opened: ${reasonOf(error)}.`,
      'Check that the data directory exists on a writable disk and belongs to the user who runs Sightglass.',
      { cause: error },
    );
  }
  try {
    db.pragma('journal_mode = WAL');
    // A lost session is harmless, a lost trail line is not: every commit reaches the disk.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    migrate(db, path);
    return db;
  } catch (error) {
    db.close();
    if (error instanceof ControlDbError) throw error;
    throw new ControlDbError(
      `The control store ${path} is damaged or locked: ${reasonOf(error)}.`,
      'Stop other Sightglass processes on this data directory; if it stays, restore the file from a backup.',
      { cause: error },
    );
  }
}

/** Create the file 0600 before SQLite does with the umask; tighten one that is looser. WAL and shm inherit its mode. */
function makePrivate(path: string): void {
  try {
    const fd = openSync(path, 'wx', 0o600);
    // Exactly this, whatever the umask takes away.
    fchmodSync(fd, 0o600);
    // `sudo sightglass user add` before the service's first start must not leave it a store that it cannot open. SQLite
    // does the same for its WAL.
    if (process.geteuid?.() === 0) {
      const { uid, gid } = statSync(dirname(path));
      fchownSync(fd, uid, gid);
    }
    closeSync(fd);
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const stat = lstatSync(path);
  if (!stat.isFile())
    throw new ControlDbError(
      `The control store ${path} is no regular file.`,
      'Remove what stands there, or name another data-dir.',
    );
  if ((stat.mode & 0o077) !== 0) chmodSync(path, 0o600);
}

function migrate(db: ControlDb, path: string): void {
  const step = db.transaction(() => {
    // Read inside the write transaction: two processes that open a new file at once must not both run a step.
    const version = db.pragma('user_version', { simple: true }) as number;
    if (version > CONTROL_DB_VERSION)
      throw new ControlDbError(
        `The control store ${path} was written by a newer Sightglass (schema ${version}, this one knows ${CONTROL_DB_VERSION}).`,
        'Run the newer version again, or restore a backup made before the upgrade.',
      );
    const sql = MIGRATIONS[version];
    if (sql === undefined) return true;
    db.exec(sql);
    db.pragma(`user_version = ${version + 1}`);
    return false;
  });
  while (!step.immediate()) continue;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How long a writer waits for another process's write, ms. Ours are single small rows. */
const BUSY_MS = 5000;
