/**
 * Writes a backup: a tar archive of the data directory, encrypted with age (age-encryption.org/v1) for one or more
 * recipients or under a passphrase. There is no unencrypted kind, since it holds the CA key. Both formats are read by
 * programs that are not ours.
 *
 * The service may run meanwhile; contents.ts says why the copy is whole all the same. The last entry, `MANIFEST.json`,
 * names every file with size and SHA-256. Memory stays flat whatever the size. The file appears under its name only
 * when it is complete.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { Encrypter } from 'age-encryption';
import Database from 'better-sqlite3';
import { pack, type Pack } from 'tar-stream';
import { backupFiles, type BackupFile } from './contents.ts';

export const MANIFEST = 'MANIFEST.json';

/** For whom a backup is: people with a passphrase, or holders of age identities. */
export type Lock = { passphrase: string } | { recipients: readonly string[] };

export interface Manifest {
  format: 'sightglass-backup';
  /** Of this format; a newer one is refused. */
  formatVersion: 1;
  /** Version of the program that wrote it. */
  version: string;
  /** ISO 8601, UTC: when the backup began. */
  created: string;
  files: { path: string; size: number; sha256: string }[];
}

export interface BackupOptions {
  dataDir: string;
  /** Must not exist. */
  out: string;
  lock: Lock;
  version: string;
  now: number;
  /** After every piece of a file: bytes so far, and about how many there will be. */
  onProgress?: (done: { bytes: number; of: number; path: string }) => void;
  /** Ends the work; it rejects, and no file is left. */
  signal?: AbortSignal | undefined;
}

/** Rejects with the system's errors (disk full, no access), EEXIST when `out` exists, and leaves no half file then. */
export async function writeBackup(options: BackupOptions): Promise<Manifest> {
  const { dataDir, out, lock, version, now } = options;
  const files = backupFiles(dataDir);
  const partial = `${out}.partial`;
  // Reserve both names: an earlier backup is never overwritten.
  await (await open(out, 'wx', 0o600)).close();
  // Beside the data, where there is room for a copy of a day that is being written.
  const scratch = mkdtempSync(join(dataDir, '.backup-'));
  try {
    const archive = pack();
    const encrypted = await encrypterFor(lock).encrypt(
      Readable.toWeb(Readable.from(archive)) as ReadableStream<Uint8Array>,
    );
    const written = pipeline(
      Readable.fromWeb(encrypted as ReadableStream<Uint8Array>),
      createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }),
    );
    const manifest: Manifest = {
      format: 'sightglass-backup',
      formatVersion: 1,
      version,
      created: new Date(now).toISOString(),
      files: [],
    };
    const filled = (async () => {
      const of = files.reduce((sum, { path }) => sum + sizeOf(join(dataDir, path)), 0);
      let bytes = 0;
      for (const file of files) {
        const entry = await addFile(archive, dataDir, file, scratch, options.signal, piece => {
          bytes += piece;
          options.onProgress?.({ bytes, of, path: file.path });
        });
        if (entry !== null) manifest.files.push(entry);
      }
      archive.entry({ name: MANIFEST, mode: 0o600 }, `${JSON.stringify(manifest, null, 2)}\n`);
      archive.finalize();
    })();
    filled.catch((e: unknown) => archive.destroy(e as Error));
    await Promise.all([filled, written]);
    renameSync(partial, out);
    return manifest;
  } catch (e) {
    rmSync(partial, { force: true });
    rmSync(out, { force: true });
    throw e;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function encrypterFor(lock: Lock): Encrypter {
  const encrypter = new Encrypter();
  if ('passphrase' in lock) encrypter.setPassphrase(lock.passphrase);
  else for (const recipient of lock.recipients) encrypter.addRecipient(recipient);
  return encrypter;
}

/** Puts one file into the archive; null when it is gone by now (a segment that was taken in, a day that was dropped). */
async function addFile(
  archive: Pack,
  dataDir: string,
  { path, how }: BackupFile,
  scratch: string,
  signal: AbortSignal | undefined,
  onPiece: (bytes: number) => void,
): Promise<Manifest['files'][number] | null> {
  const original = join(dataDir, path);
  const stat = statSync(original, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  let source = original;
  if (how === 'database') {
    source = join(scratch, 'copy.db');
    rmSync(source, { force: true });
    await copyDatabase(original, source, signal);
  }
  // A file that grows meanwhile is taken up to the size it had.
  const { size } = statSync(source);
  const hash = createHash('sha256');
  const entry = archive.entry({ name: path, size, mode: stat.mode & 0o777, mtime: stat.mtime });
  if (size > 0) {
    const reader = createReadStream(source, { end: size - 1 });
    reader.on('data', chunk => {
      hash.update(chunk);
      onPiece(chunk.length);
    });
    await pipeline(reader, entry as unknown as NodeJS.WritableStream, signal === undefined ? {} : { signal });
  } else entry.end(undefined);
  return { path, size, sha256: hash.digest('hex') };
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** Pages that SQLite copies between two turns of the event loop. */
const PAGES_A_TURN = 1000;

/** A consistent copy of a database that may be written meanwhile (SQLite's online backup). */
async function copyDatabase(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const db = new Database(from, { readonly: true, fileMustExist: true, timeout: 5_000 });
  try {
    await db.backup(to, {
      progress: () => {
        signal?.throwIfAborted();
        return PAGES_A_TURN;
      },
    });
  } finally {
    db.close();
  }
}
