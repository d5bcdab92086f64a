/**
 * A throw-away authority for origins under test, with openssl doing the work: certificates of every bad kind come from
 * an implementation that is not ours. Nothing of it is ever written outside its scratch folder, and it goes away.
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface CertificateAsk {
  /** DNS names and IP literals; the first is the common name too. */
  names: readonly string[];
  /** Default `ec` (P-256). */
  key?: 'ec' | 'rsa';
  /** RSA modulus; default 2048. */
  bits?: number;
  /** EC curve; default prime256v1. */
  curve?: string;
  /** Defaults: a day ago, in 90 days. */
  notBefore?: Date;
  notAfter?: Date;
  /** Leave the SAN out: the name stands in the common name alone. */
  cnOnly?: boolean;
  /** extendedKeyUsage in openssl's words; default `serverAuth`; null leaves the extension out. */
  eku?: string | null;
  /** keyUsage in openssl's words; default digitalSignature (and keyEncipherment for RSA). */
  keyUsage?: string;
  /** Signed by its own key and not by this authority. */
  selfSigned?: boolean;
  /** Signature hash; default sha256. */
  hash?: 'sha256' | 'sha1' | 'sha384';
  /** Leave the intermediates out of `certFile`. */
  bare?: boolean;
  /** Use this key and not a new one. */
  privateKey?: KeyObject;
}

export interface IssuedFiles {
  /** PEM: the leaf, then intermediates if there are any. */
  certFile: string;
  keyFile: string;
  cert: string;
  key: string;
}

export interface TestCa {
  readonly dir: string;
  /** PEM and file of the root at the top, which clients and proxies are told to trust. */
  readonly caPem: string;
  readonly caFile: string;
  issue: (ask: CertificateAsk) => IssuedFiles;
  /** A subordinate authority under this one. `isCa: false` makes the kind that must not be believed. */
  subordinate: (options?: { name?: string; isCa?: boolean; pathLen?: number }) => TestCa;
  /** Delete everything of this authority; for the root only. */
  remove: () => void;
}

const DAY = 86_400_000;

/** Make a root. `signWith` lets a given key and certificate (PEM) act as the authority, for instance the product's own. */
export function makeTestCa(
  options: { name?: string; signWith?: { cert: string; key: string } } = {},
): TestCa {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-test-ca-'));
  const name = options.name ?? `Test root ${randomBytes(3).toString('hex')}`;
  if (options.signWith !== undefined) {
    writeFileSync(join(dir, 'ca.key'), options.signWith.key, { mode: 0o600 });
    writeFileSync(join(dir, 'ca.crt'), options.signWith.cert);
  } else {
    writeKey(join(dir, 'ca.key'), { names: [name] });
    const subject = ['-subj', `/O=Sightglass tests/CN=${name}`];
    const extensions = [
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'keyUsage=critical,keyCertSign,cRLSign',
    ];
    const files = ['-key', join(dir, 'ca.key'), '-out', join(dir, 'ca.crt')];
    // With -config, openssl takes nothing from the system's configuration (it adds a second set of extensions otherwise).
    openssl([
      'req',
      '-x509',
      '-new',
      '-config',
      config(dir),
      '-days',
      '3650',
      ...subject,
      ...extensions,
      ...files,
    ]);
  }
  return authority(dir, join(dir, 'ca.crt'), []);
}

function authority(dir: string, rootFile: string, chain: readonly string[]): TestCa {
  let count = 0;
  const caPem = readFileSync(rootFile, 'utf8');

  function issue(ask: CertificateAsk): IssuedFiles {
    const base = join(dir, `leaf-${++count}`);
    const [certFile, keyFile] = [`${base}.crt`, `${base}.key`];
    writeKey(keyFile, ask);
    const isRsa = ask.key === 'rsa' || ask.privateKey?.asymmetricKeyType === 'rsa';
    const usage = ask.keyUsage ?? (isRsa ? 'digitalSignature,keyEncipherment' : 'digitalSignature');
    const eku = ask.eku === undefined ? 'serverAuth' : ask.eku;
    const altNames = ask.names.map(name => (isIP(name) !== 0 ? `IP:${name}` : `DNS:${name}`)).join(',');
    sign(dir, base, ask, [
      'basicConstraints=critical,CA:FALSE',
      `keyUsage=critical,${usage}`,
      ...(eku === null ? [] : [`extendedKeyUsage=${eku}`]),
      ...(ask.cnOnly === true ? [] : [`subjectAltName=${altNames}`]),
    ]);
    if (ask.bare !== true && ask.selfSigned !== true)
      writeFileSync(certFile, [readFileSync(certFile, 'utf8'), ...chain].join(''));
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  }

  return {
    dir,
    caPem,
    caFile: rootFile,
    issue,
    subordinate: ({ name = 'Test intermediate', isCa = true, pathLen } = {}) => {
      const below = join(dir, `sub-${++count}`);
      mkdirSync(below);
      const base = join(below, 'ca');
      writeKey(`${base}.key`, { names: [name] });
      const length = pathLen === undefined ? '' : `,pathlen:${pathLen}`;
      sign(dir, base, { names: [name] }, [
        `basicConstraints=critical,CA:${isCa ? `TRUE${length}` : 'FALSE'}`,
        `keyUsage=critical,${isCa ? 'keyCertSign,cRLSign' : 'digitalSignature'}`,
      ]);
      return authority(below, rootFile, [readFileSync(`${base}.crt`, 'utf8'), ...chain]);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Certificates an honest proxy must refuse, by what is wrong with them. All but `untrusted` and `selfSigned` come from `ca`. */
export function badCertificates(ca: TestCa, name: string): Record<BadKind, IssuedFiles> {
  const now = Date.now();
  const stranger = makeTestCa({ name: 'Stranger' });
  try {
    return {
      expired: ca.issue({
        names: [name],
        notBefore: new Date(now - 30 * DAY),
        notAfter: new Date(now - DAY),
      }),
      notYetValid: ca.issue({
        names: [name],
        notBefore: new Date(now + DAY),
        notAfter: new Date(now + 30 * DAY),
      }),
      wrongName: ca.issue({ names: [`not-${name}`] }),
      selfSigned: ca.issue({ names: [name], selfSigned: true }),
      untrusted: inlined(stranger.issue({ names: [name] })),
      weakKey: ca.issue({ names: [name], key: 'rsa', bits: 1024 }),
      cnOnly: ca.issue({ names: [name], cnOnly: true }),
      wrongUse: ca.issue({ names: [name], eku: 'codeSigning' }),
      missingIntermediate: ca.subordinate().issue({ names: [name], bare: true }),
      falseIntermediate: ca.subordinate({ isCa: false }).issue({ names: [name] }),
    };
  } finally {
    stranger.remove();
  }

  /** The stranger's folder goes away: its files move into ours. */
  function inlined(files: IssuedFiles): IssuedFiles {
    const [certFile, keyFile] = [join(ca.dir, 'untrusted.crt'), join(ca.dir, 'untrusted.key')];
    writeFileSync(certFile, files.cert);
    writeFileSync(keyFile, files.key, { mode: 0o600 });
    return { ...files, certFile, keyFile };
  }
}

export const BAD_KINDS = [
  'expired',
  'notYetValid',
  'wrongName',
  'selfSigned',
  'untrusted',
  'weakKey',
  'cnOnly',
  'wrongUse',
  'missingIntermediate',
  'falseIntermediate',
] as const;
export type BadKind = (typeof BAD_KINDS)[number];

function writeKey(
  file: string,
  ask: Pick<CertificateAsk, 'names' | 'key' | 'bits' | 'curve' | 'privateKey'>,
): void {
  const key =
    ask.privateKey ??
    (ask.key === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: ask.bits ?? 2048 }).privateKey
      : generateKeyPairSync('ec', { namedCurve: ask.curve ?? 'prime256v1' }).privateKey);
  writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
}

/** `openssl ca` and not `openssl x509`, because only it takes both ends of the validity in OpenSSL 3.0. */
function sign(dir: string, base: string, ask: CertificateAsk, extensions: readonly string[]): void {
  const name = (ask.names[0] ?? 'nobody').slice(0, 64);
  writeFileSync(`${base}.ext`, `${extensions.join('\n')}\n`);
  const settings = config(dir);
  const request = [
    '-new',
    '-config',
    settings,
    '-key',
    `${base}.key`,
    '-subj',
    `/CN=${name}`,
    '-out',
    `${base}.csr`,
  ];
  openssl(['req', ...request]);
  const time = (date: Date): string => `${date.toISOString().replace(/[-:T]|\..*$/g, '')}Z`;
  const signer =
    ask.selfSigned === true
      ? ['-selfsign', '-keyfile', `${base}.key`]
      : ['-cert', join(dir, 'ca.crt'), '-keyfile', join(dir, 'ca.key')];
  const validity = [
    '-startdate',
    time(ask.notBefore ?? new Date(Date.now() - DAY)),
    '-enddate',
    time(ask.notAfter ?? new Date(Date.now() + 90 * DAY)),
  ];
  const files = ['-in', `${base}.csr`, '-out', `${base}.crt`, '-extfile', `${base}.ext`];
  const ca = ['ca', '-batch', '-notext', '-config', settings, '-md', ask.hash ?? 'sha256'];
  openssl([...ca, ...signer, ...validity, ...files]);
}

/** The least that `openssl req` and `openssl ca` insist on. */
function config(dir: string): string {
  const file = join(dir, 'openssl.cnf');
  writeFileSync(join(dir, 'index.txt'), '');
  writeFileSync(
    file,
    `[req]\ndistinguished_name = dn\n[dn]\n[ca]\ndefault_ca = own\n[own]\ndatabase = ${join(dir, 'index.txt')}\n` +
      `new_certs_dir = ${dir}\nunique_subject = no\nrand_serial = yes\npolicy = any\n[any]\ncommonName = supplied\n`,
  );
  return file;
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}
