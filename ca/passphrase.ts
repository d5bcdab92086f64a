/**
 * The passphrase of the authority, from a file: the first line, without its line end. A file and not a flag or variable,
 * because those show in process lists and environment listings (requirement K3). Symbolic links are followed and a group
 * may read it, since that is how secrets are mounted into containers and services; others may not.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AuthorityRefusal } from './refusal.ts';

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
