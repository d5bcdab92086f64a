/**
 * The passphrase of the authority: the first line of a file, without its line end; or a systemd credential, which is a file
 * too; or a variable, for containers that know nothing else. Never a flag: those show in process lists. A variable shows in
 * environment listings of its user and root, so it is taken out of the environment when it is read, before any child could
 * inherit it (requirement K3). Of several sources the first in this order counts: file, credential, variable. Symbolic links are followed and a group
 * may read it, since that is how secrets are mounted into containers and services; others may not.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AuthorityRefusal } from './refusal.ts';

/** The variable, and the name of the credential below `$CREDENTIALS_DIRECTORY`. */
export const PASSPHRASE_VARIABLE = 'SIGHTGLASS_CA_PASSPHRASE';
export const PASSPHRASE_CREDENTIAL = 'sightglass-ca-passphrase';

/**
 * The passphrase from wherever it is, or null when there is none. `env` is usually process.env; the variable is deleted
 * from it. Throws as `readPassphrase` does.
 */
export function findPassphrase(
  file: string | null,
  env: Record<string, string | undefined>,
): { passphrase: string; from: 'file' | 'credential' | 'variable' } | null {
  const value = env[PASSPHRASE_VARIABLE];
  delete env[PASSPHRASE_VARIABLE];
  if (file !== null) return { passphrase: readPassphrase(file), from: 'file' };
  const folder = env['CREDENTIALS_DIRECTORY'];
  if (folder !== undefined && folder !== '') {
    const credential = join(folder, PASSPHRASE_CREDENTIAL);
    if (existsSync(credential)) return { passphrase: readPassphrase(credential), from: 'credential' };
  }
  if (value === undefined || value === '') return null;
  if (Buffer.byteLength(value) > MAX_BYTES || /[\r\n]/.test(value))
    throw new AuthorityRefusal(
      'passphrase-missing',
      `${PASSPHRASE_VARIABLE} must hold a passphrase of 1 to ${MAX_BYTES} bytes on one line`,
      'Make one: openssl rand -base64 24',
    );
  return { passphrase: value, from: 'variable' };
}

/** Read it. Throws AuthorityRefusal when it is unreadable, open to everybody, empty, or longer than 1,024 bytes. */
export function readPassphrase(path: string): string {
  const buffer = Buffer.alloc(MAX_BYTES + 2);
  let length = 0;
  let fd: number | null = null;
  try {
    fd = openSync(path, 'r');
    if ((fstatSync(fd).mode & 0o007) !== 0)
      throw new AuthorityRefusal(
        'file-unsafe',
        `${path} holds a passphrase and is open to every user`,
        `Close it: chmod o-rwx ${path}`,
      );
    length = readSync(fd, buffer);
  } catch (error) {
    if (error instanceof AuthorityRefusal) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unexpected error';
    throw new AuthorityRefusal(
      'unreadable',
      `${path} cannot be read (${code})`,
      'Check the path and its owner.',
    );
  } finally {
    if (fd !== null) closeSync(fd);
  }
  const end = buffer.subarray(0, length).indexOf('\n');
  const line = buffer.toString('utf8', 0, end < 0 ? length : end).replace(/\r$/, '');
  buffer.fill(0);
  if (line === '' || Buffer.byteLength(line) > MAX_BYTES)
    throw new AuthorityRefusal(
      'passphrase-missing',
      `The first line of ${path} must hold a passphrase of 1 to ${MAX_BYTES} bytes`,
      'Make one: openssl rand -base64 24',
    );
  return line;
}
const MAX_BYTES = 1024;
