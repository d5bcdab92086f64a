/**
 * Credentials for parent proxies: one file each in the folder `parent.secrets`, its first line `user:password`. The policy names
 * the file, never what is in it, and only files of that folder: whoever writes the policy can neither read a secret nor
 * have another file sent to a proxy.
 *
 * Nothing of a file's content leaves this module but the value of `Proxy-Authorization`: not in an error, not in a record. A
 * file is looked at again when its last look is older than `FRESH` ms, so a changed secret holds within two seconds.
 * Bound: policies name at most 100 groups, so at most that many are kept; at `MAX_KEPT` all are read again.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../core/faults.ts';

/** The value of `Proxy-Authorization` for a secret's name. Rejects with parent-login. */
export type Logins = (name: string) => Promise<string>;

const FRESH = 2_000;
const MAX_KEPT = 200;
/** Longer files are no credentials. */
const MAX_BYTES = 4096;

/** `now` gives ms of any clock. */
export function createLogins(folder: string, now: () => number = () => performance.now()): Logins {
  const kept = new Map<string, { at: number; value: Promise<string> }>();
  return name => {
    const known = kept.get(name);
    if (known !== undefined && now() - known.at < FRESH) return known.value;
    if (kept.size >= MAX_KEPT) kept.clear();
    const value = readLogin(join(folder, name), name);
    kept.set(name, { at: now(), value });
    // A failure is told to whoever asked; it must not count as nobody's.
    value.catch(() => undefined);
    return value;
  };
}

async function readLogin(path: string, name: string): Promise<string> {
  let text: string;
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
      text = buffer.toString('utf8', 0, bytesRead);
      buffer.fill(0);
    } finally {
      await file.close();
    }
  } catch (e) {
    const code = (e as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new Fault('parent-login', `secret "${name}": ${code}`);
  }
  const value = basicLogin(text);
  if (value === null) throw new Fault('parent-login', `secret "${name}": its first line is no user:password`);
  return value;
}

/** `Basic …` of a file's first line (RFC 7617 §2, UTF-8); null when it is no user:password. Pure. */
export function basicLogin(text: string): string | null {
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  // No control characters in either part; a user has no colon, a password may.
  if (!/^[^:\p{Cc}\ufffd]+:[^\p{Cc}\ufffd]*$/u.test(line)) return null;
  return `Basic ${Buffer.from(line, 'utf8').toString('base64')}`;
}
