/** An enterprise CA made by openssl: a root, an issuing CA below it if wanted, and what it makes of our requests. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { scratch } from './scratch.ts';

export interface Enterprise {
  /** PEM of the CA that signs us, and of those above it. */
  pem: string;
  chain: string;
  dir: string;
  /** Signs a request with these extension lines (openssl's words); gives PEM. */
  sign(request: string, extensions?: string[], days?: number): string;
  /** An issuing CA below this one. */
  below(extensions: string[]): Enterprise;
}

const SUBORDINATE = [
  'basicConstraints=critical,CA:TRUE,pathlen:0',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
  'authorityKeyIdentifier=keyid',
];

/** The root is RSA, as most are. */
export function enterprise(
  t: TestContext,
  extensions: string[] = ['basicConstraints=critical,CA:TRUE'],
): Enterprise {
  const dir = scratch(t);
  run(
    ...[
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      join(dir, 'ca.key'),
      '-out',
      join(dir, 'ca.pem'),
    ],
    ...['-days', '3650', '-subj', '/O=Example/CN=Example Root'],
    ...[...extensions, 'keyUsage=critical,keyCertSign,cRLSign', 'subjectKeyIdentifier=hash'].flatMap(e => [
      '-addext',
      e,
    ]),
  );
  return at(t, dir, '');
}

function run(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

let serial = 1;

function at(t: TestContext, dir: string, above: string): Enterprise {
  const pem = readFileSync(join(dir, 'ca.pem'), 'utf8');
  const sign = (request: string, extensions: string[] = SUBORDINATE, days = 1000): string => {
    const [csr, ext, out] = ['request.csr', 'request.ext', 'answer.pem'].map(name => join(dir, name));
    writeFileSync(csr ?? '', request);
    writeFileSync(ext ?? '', extensions.join('\n'));
    run(
      ...['x509', '-req', '-in', csr ?? '', '-CA', join(dir, 'ca.pem'), '-CAkey', join(dir, 'ca.key')],
      ...[
        '-set_serial',
        String(serial++),
        '-days',
        String(days),
        '-extfile',
        ext ?? '',
        '-out',
        out ?? '',
        '-sha256',
      ],
    );
    return readFileSync(out ?? '', 'utf8');
  };
  return {
    pem,
    chain: pem + above,
    dir,
    sign,
    below(extensions) {
      const lower = scratch(t);
      run(
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        join(lower, 'ca.key'),
        '-out',
        join(lower, 'ca.csr'),
        '-subj',
        '/O=Example/CN=Example Issuing CA',
      );
      writeFileSync(
        join(lower, 'ca.pem'),
        sign(readFileSync(join(lower, 'ca.csr'), 'utf8'), extensions, 2000),
      );
      return at(t, lower, pem + above);
    },
  };
}
