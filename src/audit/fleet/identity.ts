/**
 * Identities of a fleet: the random number of a data directory, and the one name that a client certificate stands for.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;

/** Whether a text may name a proxy: lower-case letters, digits, dots and dashes, at most 63. */
export const isProxyName = (text: string): boolean => NAME.test(text);

/**
 * 16 random bytes of this spool, made on first use and never changed. A proxy that is set up anew counts its flows from the
 * beginning again, and only this tells them from the old ones.
 */
export function spoolIdentity(spoolDir: string): Buffer {
  fs.mkdirSync(spoolDir, { recursive: true, mode: 0o700 });
  const file = path.join(spoolDir, 'identity');
  const made = `${file}.${process.pid}`;
  fs.writeFileSync(made, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600, flush: true });
  try {
    // Whoever links first has made it; a file that is there is whole.
    fs.linkSync(made, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    fs.rmSync(made, { force: true });
  }
  const text = fs.readFileSync(file, 'utf8').trim();
  if (!/^[0-9a-f]{32}$/.test(text)) throw new Error(`${file} holds no identity`);
  return Buffer.from(text, 'hex');
}

/**
 * The proxy that a verified client certificate stands for: its subject's only common name. Null when it has none or several,
 * or one that names no proxy: such a certificate stands for nobody.
 */
export function certificateName(subject: Readonly<Record<string, unknown>> | undefined): string | null {
  const name = subject?.['CN'];
  return typeof name === 'string' && isProxyName(name) ? name : null;
}
