/** Kits for the tests of this room: roots made on the spot, one with a name that wants to be code everywhere. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { openAuthority } from '../../../ca/authority.ts';
import { buildKit } from '../../../ca/kits/kit.ts';
import type { KitFile, KitOptions } from '../../../ca/kits/plan.ts';
import { scratch } from '../scratch.ts';

export const TIME = Date.UTC(2026, 10, 20, 12);

/** A root of ours, DER. */
export function ownRoot(t: TestContext, commonName = 'Sightglass CA test'): Buffer {
  return openAuthority({ dir: join(scratch(t), 'ca'), subject: { commonName } }).certificateDer;
}

/** Says something in the language of each file it lands in, should quoting fail. */
export const HOSTILE = `x' "$(touch pwned)" \`id\` ]]></a>&; \u2019#{}|%`;

/** A root made by openssl, as an enterprise has it. */
export function foreignRoot(t: TestContext, key: string[], digest = '-sha256'): Buffer {
  const dir = scratch(t);
  const out = join(dir, 'root.pem');
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', ...key, '-nodes', '-keyout', join(dir, 'key.pem'), '-out', out, digest]
      .concat([
        '-days',
        '3650',
        '-subj',
        '/O=Example/CN=Example Root',
        '-addext',
        'basicConstraints=critical,CA:TRUE',
      ])
      .concat(['-addext', 'keyUsage=critical,keyCertSign,cRLSign']),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  return execFileSync('openssl', ['x509', '-in', out, '-outform', 'DER']);
}

/** A kit on disk, as a user unpacks it. */
export function unpack(t: TestContext, options: Omit<KitOptions, 'time'>): { dir: string; files: KitFile[] } {
  const dir = scratch(t);
  const files = buildKit({ time: TIME, ...options });
  for (const { path, data, executable } of files) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), data, { mode: executable === true ? 0o755 : 0o644 });
  }
  return { dir, files };
}

export const read = (dir: string, path: string): string => readFileSync(join(dir, path), 'utf8');

/** Runs Debian's python3 (the one that knows Samba) and reads the JSON it prints. `args` are argv[1] and on. */
export function python(program: string, ...args: string[]): unknown {
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', program, ...args], { encoding: 'utf8' }));
}
