/**
 * Host names of the bench without touching the machine's /etc/hosts: every implementation starts in a mount namespace
 * of its own in which /etc/hosts is our file. All of them resolve the ordinary way (getaddrinfo, or Squid's own reading
 * of that file), none gets a short cut. Needs root and mount namespaces, which a plain `sudo` or a container with
 * CAP_SYS_ADMIN has.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const MAIN_NAME = 'www.origin.bench';

export function coldName(i: number): string {
  return `h${String(i).padStart(4, '0')}.origin.bench`;
}

/** Writes the hosts file and returns what to put before a command so that it sees that file. */
export function namespaceWith(names: readonly string[], folder: string): readonly string[] {
  const file = join(folder, 'hosts');
  writeFileSync(file, `127.0.0.1 localhost\n${names.map(n => `127.0.0.1 ${n}\n`).join('')}`, { mode: 0o644 });
  const prefix = [
    'unshare',
    '--mount',
    '--',
    'sh',
    '-c',
    'mount --bind "$1" /etc/hosts; shift; exec "$@"',
    'sh',
    file,
  ];
  const [first = '', ...rest] = prefix;
  const probe = spawnSync(first, [...rest, 'getent', 'hosts', MAIN_NAME], { encoding: 'utf8' });
  if (probe.status !== 0 || !probe.stdout.includes('127.0.0.1'))
    throw new Error(
      `the bench gives its host names in a mount namespace, which failed here: ${probe.stderr.trim() || 'unshare is missing'}\n` +
        'hint: run it as root, in a container with CAP_SYS_ADMIN',
    );
  return prefix;
}
