/** What the backup's tests share: a data directory with a bit of everything, and its digests. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';

export function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-backup-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

/** Files by path below `dir`, with mode and digest. */
export function tree(dir: string, below = ''): Record<string, string> {
  return Object.fromEntries(
    readdirSync(join(dir, below), { withFileTypes: true }).flatMap(entry => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) return Object.entries(tree(dir, path));
      const bytes = readFileSync(join(dir, path));
      const mode = (statSync(join(dir, path)).mode & 0o777).toString(8);
      return [[path, `${mode} ${createHash('sha256').update(bytes).digest('hex')}`]];
    }),
  );
}

/** A data directory with a sealed day, a day that is being written (its writer stays open), and the rest. */
export function dataDir(t: TestContext): { dir: string; open: Database.Database } {
  const dir = join(scratch(t), 'data');
  const put = (path: string, text: string | Buffer, mode = 0o600): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(dir, path), text);
    chmodSync(join(dir, path), mode);
  };
  put('ca/authority.key', 'the key', 0o600);
  put('policy.yaml', 'version: 1\n', 0o640);
  put('policy/versions/empty', '');
  put('audit/2026-11-18.db', Buffer.alloc(100_000, 7), 0o400);
  put('audit/2026-11-18.seal', 'sealed');
  put('spool/1-1.seg', Buffer.alloc(3_000_001, 9));
  put('run/control.json', '{}');
  const db = new Database(join(dir, 'audit/2026-11-20.db'));
  t.after(() => {
    db.close();
  });
  db.pragma('journal_mode = WAL');
  db.exec('CREATE TABLE row (n INTEGER)');
  db.prepare('INSERT INTO row VALUES (1), (2)').run();
  return { dir, open: db };
}
