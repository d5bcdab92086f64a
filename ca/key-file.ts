/**
 * The authority on disk: a folder (0700) with `authority.key` (0600) and `authority.crt`, both or neither.
 *
 * Creation is one rename. Both files are written, with O_EXCL and an explicit mode, into a fresh folder beside the real
 * one, synced, and the folder is renamed into place: the kernel lets exactly one of several processes do that, a crash
 * leaves either all or nothing, and what is there is never overwritten. (A process killed in the middle leaves a folder
 * `<dir>.new-…` whose key nobody trusts; it may be deleted.)
 *
 * Reading refuses rather than repairs (requirements K2, K5): anything open to others, foreign, linked, damaged or half
 * there is a refusal with a hint, and nothing is ever generated in its place. Texts never hold file contents.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { AuthorityRefusal } from './refusal.ts';

export const KEY_FILE = 'authority.key';
export const CERTIFICATE_FILE = 'authority.crt';

export interface StoredAuthority {
  keyPem: string;
  certificatePem: string;
}

/** Names of the two files. The key of the audit lies in a folder of its own, in the same way. */
export interface PairNames {
  key: string;
  certificate: string;
  /** What the pair is, in words. */
  what: string;
}
const AUTHORITY: PairNames = { key: KEY_FILE, certificate: CERTIFICATE_FILE, what: 'authority' };

/**
 * Read both files. Null when the folder does not exist or is empty: then, and only then, a new authority may be made.
 * Throws AuthorityRefusal for everything else that is not a whole, private pair of files.
 */
export function readStored(dir: string, names: PairNames = AUTHORITY): StoredAuthority | null {
  const entries = checkFolder(dir);
  if (entries === null || entries.length === 0) return null;
  const hasKey = entries.includes(names.key);
  const hasCertificate = entries.includes(names.certificate);
  const restore = 'Restore it from a backup. To start over with a new one, move the whole folder away.';
  if (!hasKey && !hasCertificate)
    throw new AuthorityRefusal('not-empty', `${dir} holds files but no ${names.what}`, restore);
  if (!hasKey)
    throw new AuthorityRefusal(
      'incomplete',
      `${join(dir, names.key)} is missing, ${names.certificate} is there`,
      restore,
    );
  if (!hasCertificate)
    throw new AuthorityRefusal(
      'incomplete',
      `${join(dir, names.certificate)} is missing, its key is there`,
      restore,
    );
  return {
    keyPem: readPrivate(join(dir, names.key), true),
    certificatePem: readPrivate(join(dir, names.certificate), false),
  };
}

/**
 * Put a new pair in place. `exists` when another process was faster: read theirs.
 * @param suffix makes the name of the staging folder unique.
 */
export function storeNew(
  dir: string,
  stored: StoredAuthority,
  suffix: string,
  names: PairNames = AUTHORITY,
): 'created' | 'exists' {
  const parent = dirname(dir);
  const staging = `${dir}.new-${suffix}`;
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    refuseUnsafeParent(parent);
    makeFolder(staging);
    try {
      writeNew(join(staging, names.key), stored.keyPem, 0o600);
      writeNew(join(staging, names.certificate), stored.certificatePem, 0o644);
      syncFolder(staging);
      if (!movedInto(staging, dir)) return 'exists';
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
    syncFolder(parent);
    return 'created';
  } catch (error) {
    throw asRefusal(error, dir, 'unwritable');
  }
}

/** rename(2) replaces an empty folder and refuses a full one: the one step that decides who made the authority. */
function movedInto(staging: string, dir: string): boolean {
  try {
    renameSync(staging, dir);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Names in the authority's folder, checked as `readStored` checks it; null when there is no folder. */
export const listFolder = (dir: string): string[] | null => checkFolder(dir);

/** Text of a certificate file of the folder. Refuses links, strangers' files and anything that is no file. */
export const readCertificateFile = (path: string): string => readPrivate(path, false);

/** Text of a key file of the folder, which nobody else may be able to read. */
export const readKeyFile = (path: string): string => readPrivate(path, true);

/** Make the folder if it is missing, private, in a parent that not everybody can change. */
export function ensureFolder(dir: string): void {
  try {
    mkdirSync(dirname(dir), { recursive: true, mode: 0o700 });
    refuseUnsafeParent(dirname(dir));
    if (checkFolder(dir) === null) makeFolder(dir);
  } catch (error) {
    throw asRefusal(error, dir, 'unwritable');
  }
}

/** Names in the folder; null when there is none. */
function checkFolder(dir: string): string[] | null {
  let stats: Stats;
  try {
    stats = lstatSync(dir);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw asRefusal(error, dir, 'unreadable');
  }
  if (stats.isSymbolicLink())
    throw new AuthorityRefusal('folder-unsafe', `${dir} is a symbolic link`, 'Put the real folder there.');
  if (!stats.isDirectory())
    throw new AuthorityRefusal('folder-unsafe', `${dir} is no folder`, 'Move it away.');
  refuseForeign(dir, stats, 'folder-unsafe');
  if ((stats.mode & 0o077) !== 0)
    throw new AuthorityRefusal(
      'folder-unsafe',
      `${dir} is open to other users (mode ${modeText(stats)})`,
      `Find out who had access, then: chmod 700 ${dir}`,
    );
  refuseUnsafeParent(dirname(dir));
  try {
    return readdirSync(dir);
  } catch (error) {
    throw asRefusal(error, dir, 'unreadable');
  }
}

/** Who may rename our folder away could make us start over with a new authority. */
function refuseUnsafeParent(parent: string): void {
  const { mode } = lstatSync(join(parent, '.'));
  if ((mode & 0o002) !== 0 && (mode & constants.S_IFMT) === constants.S_IFDIR && (mode & STICKY) === 0)
    throw new AuthorityRefusal(
      'folder-unsafe',
      `${parent} can be changed by every user`,
      `Close it: chmod o-w ${parent}`,
    );
}
const STICKY = 0o1000;

function readPrivate(path: string, secret: boolean): string {
  let fd: number;
  try {
    // O_NONBLOCK: opening a named pipe must not hang the start.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ELOOP')
      throw new AuthorityRefusal('file-unsafe', `${path} is a symbolic link`, 'Put the real file there.');
    throw asRefusal(error, path, 'unreadable');
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile())
      throw new AuthorityRefusal('file-unsafe', `${path} is no regular file`, 'Restore it from a backup.');
    refuseForeign(path, stats, 'file-unsafe');
    if (secret && (stats.mode & 0o077) !== 0)
      throw new AuthorityRefusal(
        'file-unsafe',
        `${path} can be read by other users (mode ${modeText(stats)})`,
        `If nobody else can have read it: chmod 600 ${path}. Otherwise replace the authority.`,
      );
    if (stats.size > MAX_FILE)
      throw new AuthorityRefusal('corrupt', `${path} is too large`, 'Restore it from a backup.');
    const buffer = Buffer.alloc(MAX_FILE);
    let length = 0;
    for (let n = -1; n !== 0 && length < buffer.length; length += n)
      n = readSync(fd, buffer, length, buffer.length - length, null);
    const text = buffer.toString('latin1', 0, length);
    if (secret) buffer.fill(0);
    return text;
  } finally {
    closeSync(fd);
  }
}
/** A PEM key or certificate of ours is below 2 KiB; anything near this bound is something else. */
const MAX_FILE = 65_536;

function refuseForeign(path: string, stats: Stats, code: 'folder-unsafe' | 'file-unsafe'): void {
  const own = process.getuid?.();
  if (own === undefined || stats.uid === own) return;
  throw new AuthorityRefusal(
    code,
    `${path} belongs to user id ${stats.uid}, this process runs as ${own}`,
    `Run as its owner (sudo -u '#${stats.uid}' …) or give it to this user with chown.`,
  );
}

function makeFolder(path: string): void {
  mkdirSync(path, { mode: 0o700 });
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    fchmodSync(fd, 0o700);
  } finally {
    closeSync(fd);
  }
}

/** Create, never replace. fchmod on the open file makes the mode independent of umask. */
export function writeNew(path: string, text: string, mode: number): void {
  const fd = openSync(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    mode,
  );
  try {
    fchmodSync(fd, mode);
    const data = Buffer.from(text, 'latin1');
    for (let offset = 0; offset < data.length;) offset += writeSync(fd, data, offset);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Make a change of names durable. */
export function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const modeText = (stats: Stats): string => (stats.mode & 0o7777).toString(8).padStart(4, '0');

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** An error of the system about a path, as a refusal; a refusal stays what it is. */
export function asRefusal(error: unknown, path: string, code: 'unreadable' | 'unwritable'): AuthorityRefusal {
  if (error instanceof AuthorityRefusal) return error;
  const verb = code === 'unreadable' ? 'read' : 'written';
  return new AuthorityRefusal(
    code,
    `${path} cannot be ${verb} (${codeOf(error) || 'unexpected error'})`,
    'Check that the data directory exists, has space, and belongs to the user that runs this.',
  );
}
