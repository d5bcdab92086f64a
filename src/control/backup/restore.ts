/**
 * Brings a backup back into a data directory that is empty or not there. Everything is written beside it first, compared
 * with the manifest, and moved into its place only when all of it is right: a broken or cut backup leaves nothing behind.
 *
 * Names in the archive are not believed: no absolute path, no `..`, no links, no second entry of a name.
 */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { Decrypter } from 'age-encryption';
import { extract } from 'tar-stream';
import { MANIFEST, type Manifest } from './write.ts';

/** What opens a backup. */
export type Opener = { passphrase: string } | { identities: readonly string[] };

/** A backup that cannot be used; message and hint are for people. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly hint: string;
  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

export interface RestoreOptions {
  file: string;
  /** Must be empty or absent. */
  dataDir: string;
  opener: Opener;
  onProgress?: (done: { bytes: number; of: number; path: string }) => void;
  /** Ends the work; it rejects, and the data directory is as it was. */
  signal?: AbortSignal | undefined;
}

/** A manifest of a hundred thousand files is some twenty megabytes; more is no manifest of ours. */
const MAX_MANIFEST = 64 * 1024 * 1024;

/** Rejects with a BackupError, or the system's error; then `dataDir` is as it was. */
export async function restoreBackup(options: RestoreOptions): Promise<Manifest> {
  const target = resolve(options.dataDir);
  refuseFilled(target);
  const staging = `${target}.restoring`;
  mkdirSync(staging, { mode: 0o700 });
  try {
    const manifest = await read(options, staging);
    // An empty folder gives way; rename would refuse otherwise on some systems.
    try {
      rmdirSync(target);
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'ENOENT') throw e;
    }
    renameSync(staging, target);
    return manifest;
  } catch (e) {
    rmSync(staging, { recursive: true, force: true });
    throw e;
  }
}

/** Reads a backup to its end and compares it with its manifest without writing anything. */
export function verifyBackup(
  options: Pick<RestoreOptions, 'file' | 'opener' | 'onProgress' | 'signal'>,
): Promise<Manifest> {
  return read(options, null);
}

async function read(
  { file, opener, onProgress, signal }: Pick<RestoreOptions, 'file' | 'opener' | 'onProgress' | 'signal'>,
  into: string | null,
): Promise<Manifest> {
  const plain = await decrypted(file, opener);
  const found = new Map<string, { size: number; sha256: string }>();
  let text: string | null = null;
  let bytes = 0;
  // Encryption and tar add a few per mille.
  const of = statSync(file).size;
  const archive = extract();
  const unpacking = pipeline(plain, archive as unknown as NodeJS.WritableStream);
  // The loop below tells what went wrong; without this the same failure would be told twice.
  unpacking.catch(() => undefined);
  try {
    for await (const entry of archive) {
      const { name, type, size = 0, mode } = entry.header;
      if (text !== null) throw broken(`${name} follows the manifest`);
      if (type !== 'file' || !isPlainPath(name) || found.has(name))
        throw broken(`${name} has no place in a backup`);
      if (name === MANIFEST) {
        if (size > MAX_MANIFEST) throw broken('its manifest is too long');
        text = (await collected(entry)).toString('utf8');
        continue;
      }
      const hash = createHash('sha256');
      const source = Readable.from(
        seen(entry as AsyncIterable<Buffer>, chunk => {
          signal?.throwIfAborted();
          hash.update(chunk);
          bytes += chunk.length;
          onProgress?.({ bytes, of, path: name });
        }),
      );
      if (into === null) for await (const chunk of source) void chunk;
      else {
        const to = join(into, name);
        mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
        await pipeline(
          source,
          createWriteStream(to, { flags: 'wx', mode: (mode ?? 0o600) & 0o700, flush: true }),
        );
      }
      found.set(name, { size, sha256: hash.digest('hex') });
    }
    await unpacking;
  } catch (e) {
    archive.destroy();
    if (e instanceof BackupError || isSystemError(e)) throw e;
    throw broken(e instanceof Error ? e.message : String(e));
  }
  const manifest = manifestOf(text);
  for (const { path, size, sha256 } of manifest.files) {
    const there = found.get(path);
    if (there?.size !== size || there.sha256 !== sha256)
      throw broken(`${path} is not what the manifest says`);
    found.delete(path);
  }
  const [extra] = found.keys();
  if (extra !== undefined) throw broken(`${extra} is not in the manifest`);
  return manifest;
}

async function collected(source: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function* seen(source: AsyncIterable<Buffer>, look: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    look(chunk);
    yield chunk;
  }
}

async function decrypted(file: string, opener: Opener): Promise<Readable> {
  const decrypter = new Decrypter();
  if ('passphrase' in opener) decrypter.addPassphrase(opener.passphrase);
  else for (const identity of opener.identities) decrypter.addIdentity(identity);
  const source = createReadStream(file);
  await new Promise<void>((done, fail) => {
    source.once('open', () => {
      done();
    });
    source.once('error', fail);
  });
  try {
    const plain = await decrypter.decrypt(Readable.toWeb(source) as ReadableStream<Uint8Array>);
    return Readable.fromWeb(plain as ReadableStream<Uint8Array>);
  } catch (e) {
    source.destroy();
    throw new BackupError(
      `${file} cannot be opened: ${e instanceof Error ? e.message : String(e)}`,
      'Name the passphrase or the identity of one of its recipients; without one of them nobody can read it.',
      { cause: e },
    );
  }
}

function manifestOf(text: string | null): Manifest {
  if (text === null) throw broken('it has no manifest, so it was cut');
  let manifest: Partial<Manifest>;
  try {
    manifest = JSON.parse(text) as Partial<Manifest>;
  } catch {
    throw broken('its manifest is no JSON');
  }
  if (manifest.format !== 'sightglass-backup' || !Array.isArray(manifest.files))
    throw broken('its manifest is of another kind');
  if (manifest.formatVersion !== 1)
    throw new BackupError('The backup was written by a newer Sightglass.', 'Restore it with that version.');
  return manifest as Manifest;
}

function refuseFilled(dir: string): void {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw e;
  }
  if (names.length > 0)
    throw new BackupError(
      `${dir} is not empty.`,
      'Restore into a new folder, or move what is there away first.',
    );
}

const isPlainPath = (path: string): boolean =>
  path !== '' &&
  !path.startsWith('/') &&
  !path.includes('\\') &&
  !path.includes('\0') &&
  path.split('/').every(part => part !== '' && part !== '.' && part !== '..');

const broken = (what: string): BackupError =>
  new BackupError(`The backup is damaged: ${what}.`, 'Use another one; nothing was restored.');

const isSystemError = (e: unknown): boolean => e instanceof Error && 'errno' in e && 'syscall' in e;
