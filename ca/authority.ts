/**
 * The authority: the only holder of the key that clients trust. Made once per install (K1), loaded ever after, never
 * made again because something is wrong with it (K5). The key lives in a closure: what leaves this file is certificates,
 * a description, and `sign`, which only the issuer in this room calls.
 *
 * Beside it stands the *untrusted* authority. It signs leaves for pages about an origin whose certificate failed, so the
 * user sees the warning that origin deserves. It is made afresh in memory by every process, has a name that says what it
 * is, is not written anywhere and cannot be exported: nobody can ever come to trust it.
 *
 * Room `ca`: reads and writes nothing outside its folder, opens no socket, knows no policy; it trusts its caller that the
 * origin was verified and the verdict is inspect (C6).
 */
import { createHash, randomBytes, sign as cryptoSign, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join, resolve } from 'node:path';
import { CERTIFICATE_FILE, KEY_FILE, listFolder, readStored, storeNew } from './key-file.ts';
import type { StoredAuthority } from './key-file.ts';
import type { Signer } from './leaf.ts';
import { makeRoot, rootName } from './make-root.ts';
import type { RootName } from './make-root.ts';
import { readConstraints } from './name-constraints.ts';
import { AuthorityRefusal } from './refusal.ts';
import { NEXT_CERTIFICATE_FILE, readChain, storedChains } from './roots.ts';
import { completeSwitch, NEXT_KEY_FILE, readPair, REQUEST_FILE } from './switch.ts';
import { isEncrypted, openKey, readCertificates, sealKey } from './unlock.ts';
import { pem, readIssuer } from './x509.ts';

export interface AuthorityOptions {
  /** Folder of the authority, `<data-dir>/ca`. Its parent is created when missing. */
  dir: string;
  /** Encrypts the key when it is made, and opens it afterwards. Null or absent: the key is protected by its mode only. */
  passphrase?: string | null;
  /** ms since epoch. */
  now?: () => number;
  random?: (size: number) => Buffer;
  /** Used only when the authority is made. */
  subject?: { organization?: string; commonName?: string };
}

export interface AuthorityDescription {
  subject: string;
  issuer: string;
  /** Lower-case hex. */
  serial: string;
  /** Of the certificate's DER, lower-case hex. */
  sha256: string;
  sha1: string;
  /** Of the DER SubjectPublicKeyInfo, lower-case hex: what pins and "is this our own CA" compare. */
  publicKeySha256: string;
  /** ISO 8601. */
  notBefore: string;
  notAfter: string;
  /** Subject key identifier, lower-case hex. */
  keyId: string;
  keyAlgorithm: string;
  keyFile: string;
  certificateFile: string;
  /** Whether the key on disk is encrypted with a passphrase. */
  encrypted: boolean;
}

export interface Authority {
  /** True when this call made it. */
  readonly created: boolean;
  readonly certificatePem: string;
  readonly certificateDer: Buffer;
  /** PEM of the root at the top, which clients have to trust: the same certificate, or an enterprise's. */
  readonly rootPem: string;
  /** PEM of every CA certificate of ours, current first: none of them may ever stand behind an origin. */
  readonly ownPems: readonly string[];
  readonly trusted: Signer;
  readonly untrusted: Signer;
  /** Who will sign after the switch of a rotation; null when none is prepared. */
  readonly next: Signer | null;
  describe(): AuthorityDescription;
}

/**
 * Load the authority of `dir`, or make it when there is none at all. Several processes may start at once: one makes it,
 * the others load that one. Throws AuthorityRefusal whenever the folder holds anything but a private, whole, matching pair.
 */
export function openAuthority(options: AuthorityOptions): Authority {
  const dir = resolve(options.dir);
  const passphrase = checkedPassphrase(options.passphrase);
  const now = options.now ?? Date.now;
  const random = options.random ?? randomBytes;

  completeSwitch(dir);
  refuseUnanswered(dir);
  let stored = readStored(dir);
  let created = false;
  if (stored === null) {
    const fresh = makeRoot(rootName(options.subject, random), now(), random);
    const candidate: StoredAuthority = {
      keyPem: sealKey(fresh.key, passphrase, random),
      certificatePem: pem('CERTIFICATE', fresh.certificate),
    };
    created = storeNew(dir, candidate, random(8).toString('hex')) === 'created';
    // Read back what is there, ours or the faster process's: the one path every later start takes.
    stored = readStored(dir);
    if (stored === null)
      throw new AuthorityRefusal('absent', `${dir} vanished while it was made`, 'Start again.');
  }
  const { chain, certificate, key } = unlock(dir, stored, passphrase);
  const description = describe(dir, stored, chain);
  const untrusted = makeRoot(UNTRUSTED_NAME, now(), random);
  return Object.freeze<Authority>({
    created,
    certificatePem: pem('CERTIFICATE', certificate.raw),
    certificateDer: certificate.raw,
    rootPem: pem('CERTIFICATE', (chain.at(-1) ?? certificate).raw),
    ownPems: storedChains(dir).flatMap(({ chain: [own] }) =>
      own === undefined ? [] : [pem('CERTIFICATE', own.raw)],
    ),
    trusted: signer(chain, key),
    untrusted: signer([new X509Certificate(untrusted.certificate)], untrusted.key),
    next: nextSigner(dir, passphrase),
    describe: () => ({ ...description }),
  });
}

/** Describe the authority without its passphrase. Same refusals as `openAuthority` but those about opening the key. */
export function describeAuthority(folder: string): AuthorityDescription & { certificate: Buffer } {
  const dir = resolve(folder);
  completeSwitch(dir);
  refuseUnanswered(dir);
  const stored = readStored(dir);
  if (stored === null)
    throw new AuthorityRefusal('absent', `There is no authority in ${dir}`, 'Make one: sightglass ca init');
  const chain = readCertificates(dir, stored);
  const [certificate] = chain;
  if (!isEncrypted(stored.keyPem)) openKey(dir, stored, certificate, null);
  return { ...describe(dir, stored, chain), certificate: certificate.raw };
}

/** A request that nobody answered yet is no authority, and no reason to make one. */
function refuseUnanswered(dir: string): void {
  const names = listFolder(dir) ?? [];
  if (names.includes(REQUEST_FILE) && !names.includes(CERTIFICATE_FILE))
    throw new AuthorityRefusal(
      'absent',
      `The authority in ${dir} waits for the certificate that it asked for`,
      'Bring the answer of the enterprise CA: sightglass ca import FILE',
    );
}

/** Opens with the same passphrase; a rotation that cannot be opened must not keep the service from starting. */
function nextSigner(dir: string, passphrase: string | null): Signer | null {
  const pair = readPair(dir, NEXT_KEY_FILE, NEXT_CERTIFICATE_FILE);
  if (pair === null) return null;
  try {
    const [first, ...rest] = readChain(join(dir, NEXT_CERTIFICATE_FILE), pair.certificatePem);
    if (first === undefined) return null;
    return signer([first, ...rest], openKey(dir, pair, first, passphrase, NEXT_KEY_FILE));
  } catch (error) {
    if (error instanceof AuthorityRefusal) return null;
    throw error;
  }
}

/** The key and certificate of `dir` for an encrypted export. The only way the key leaves `openAuthority`'s closure. */
export function unlockAuthority(
  folder: string,
  passphrase: string | null,
): { key: KeyObject; certificate: Buffer } {
  const dir = resolve(folder);
  completeSwitch(dir);
  refuseUnanswered(dir);
  const stored = readStored(dir);
  if (stored === null)
    throw new AuthorityRefusal('absent', `There is no authority in ${dir}`, 'Make one: sightglass ca init');
  const { key, certificate } = unlock(dir, stored, checkedPassphrase(passphrase));
  return { key, certificate: certificate.raw };
}

const UNTRUSTED_NAME: RootName = {
  organization: 'Sightglass, NOT TRUSTED',
  commonName: 'Origin certificate failed verification',
};

function signer(chain: readonly [X509Certificate, ...X509Certificate[]], key: KeyObject): Signer {
  const [certificate] = chain;
  const names = readIssuer(certificate.raw);
  if (names === null) throw new Error('certificate without subject key identifier');
  return Object.freeze<Signer>({
    subject: names.subject,
    keyId: names.keyId,
    publicKey: certificate.publicKey.export({ type: 'spki', format: 'der' }),
    // A leaf must fit into the life of every certificate above it.
    notBefore: Math.max(...chain.map(link => Date.parse(link.validFrom))),
    notAfter: Math.min(...chain.map(link => Date.parse(link.validTo))),
    sign: (tbs: Buffer) => cryptoSign('sha256', tbs, key),
    chainPem: chain
      .slice(0, -1)
      .map(link => pem('CERTIFICATE', link.raw))
      .join(''),
    rootSha256: createHash('sha256')
      .update((chain.at(-1) ?? certificate).raw)
      .digest('hex'),
    // What a root says about itself constrains nobody (RFC 5280 §6.1: trust anchors are no part of the path).
    constraints: chain
      .slice(0, Math.max(1, chain.length - 1))
      .flatMap(link => readConstraints(link.raw) ?? []),
  });
}

function checkedPassphrase(passphrase: string | null | undefined): string | null {
  if (passphrase === '')
    throw new AuthorityRefusal(
      'passphrase-missing',
      'The passphrase of the authority is empty',
      'Check the file named by ca.passphrase-file.',
    );
  return passphrase ?? null;
}

function unlock(
  dir: string,
  stored: StoredAuthority,
  passphrase: string | null,
): { chain: [X509Certificate, ...X509Certificate[]]; certificate: X509Certificate; key: KeyObject } {
  const chain = readCertificates(dir, stored);
  const [certificate] = chain;
  return { chain, certificate, key: openKey(dir, stored, certificate, passphrase) };
}

function describe(
  dir: string,
  stored: StoredAuthority,
  [certificate]: readonly [X509Certificate, ...X509Certificate[]],
): AuthorityDescription {
  const digest = (algorithm: string, data: Buffer): string =>
    createHash(algorithm).update(data).digest('hex');
  return {
    subject: certificate.subject.replaceAll('\n', ', '),
    issuer: certificate.issuer.replaceAll('\n', ', '),
    serial: certificate.serialNumber.toLowerCase(),
    sha256: digest('sha256', certificate.raw),
    sha1: digest('sha1', certificate.raw),
    publicKeySha256: digest('sha256', certificate.publicKey.export({ type: 'spki', format: 'der' })),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
    keyId: readIssuer(certificate.raw)?.keyId.toString('hex') ?? '',
    keyAlgorithm: 'ECDSA P-256',
    keyFile: join(dir, KEY_FILE),
    certificateFile: join(dir, CERTIFICATE_FILE),
    encrypted: isEncrypted(stored.keyPem),
  };
}
