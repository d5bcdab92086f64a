/**
 * What of a data directory belongs into a backup, and in which order it is read while the service may be writing.
 *
 * Order is what makes the copy whole: day files first, the spool last. A day file says how far each spool segment was
 * taken in when it was copied; a segment copied later holds at least that much. So after a restore the recorder goes on at
 * the right place: nothing twice, nothing missing that was there when the backup began.
 *
 * Left out: notes of running processes, write-ahead logs (their contents are in the copies), and copies of lists that are
 * fetched again anyway stay in, because a policy does not start without them.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface BackupFile {
  /** Path below the data directory, with `/`. */
  path: string;
  /** A database that may be written meanwhile is copied by SQLite, everything else byte by byte. */
  how: 'database' | 'bytes';
}

const LEFT_OUT = /(^run\/)|(-wal|-shm|-journal)$|(^|\/)\.(doctor|backup)-/;
const DATABASE = /\.db$/;
const DAY_FILE = /^audit\/(\d{4}-\d\d-\d\d)\.db$/;
/** What is read in which turn; the first that matches counts. */
const TURNS: readonly RegExp[] = [/^audit\//, /^control\.db$/, /^(?!spool\/)/, /^spool\//];

/** Files of `dataDir` in the order in which they are to be read. A file that comes later is not in it. */
export function backupFiles(dataDir: string): BackupFile[] {
  const paths = walk(dataDir, '').filter(path => !LEFT_OUT.test(path));
  const present = new Set(paths);
  const turn = (path: string): number => TURNS.findIndex(t => t.test(path));
  return paths
    .sort((a, b) => turn(a) - turn(b) || (a < b ? -1 : 1))
    .map(path => ({ path, how: isLive(path, present) ? 'database' : 'bytes' }));
}

/** A sealed day is never written again, and its very bytes are signed. */
function isLive(path: string, present: ReadonlySet<string>): boolean {
  const day = DAY_FILE.exec(path)?.[1];
  return DATABASE.test(path) && (day === undefined || !present.has(`audit/${day}.seal`));
}

function walk(root: string, below: string): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap(entry => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) return walk(root, path);
    return entry.isFile() ? [path] : [];
  });
}
