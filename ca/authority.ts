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
import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  sign as cryptoSign,
  X509Certificate,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { CERTIFICATE_FILE, KEY_FILE, readStored, storeNew } from './key-file.ts';
import type { StoredAuthority } from './key-file.ts';
import { DAY, leafSerial } from './leaf.ts';
import type { Signer } from './leaf.ts';
import { AuthorityRefusal } from './refusal.ts';
import { isEncrypted, openKey, readCertificate, sealKey } from './unlock.ts';
import {
  caConstraints,
  caKeyUsage,
  distinguishedName,
  keyIdentifier,
  MAX_COMMON_NAME,
  p256Point,
  pem,
  readIssuer,
  signCertificate,
  subjectKeyId,
} from './x509.ts';

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
  readonly trusted: Signer;
  readonly untrusted: Signer;
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

  let stored = readStored(dir);
  let created = false;
  if (stored === null) {
    const fresh = makeRoot(defaultSubject(options.subject, random), now(), random);
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
  const { certificate, key } = unlock(dir, stored, passphrase);
  const description = describe(dir, stored, certificate);
  const untrusted = makeRoot(UNTRUSTED_NAME, now(), random);
  return Object.freeze<Authority>({
    created,
    certificatePem: pem('CERTIFICATE', certificate.raw),
    certificateDer: certificate.raw,
    trusted: signer(certificate, key),
    untrusted: signer(new X509Certificate(untrusted.certificate), untrusted.key),
    describe: () => ({ ...description }),
  });
}

/** Describe the authority without its passphrase. Same refusals as `openAuthority` but those about opening the key. */
export function describeAuthority(folder: string): AuthorityDescription & { certificate: Buffer } {
  const dir = resolve(folder);
  const stored = readStored(dir);
  if (stored === null)
    throw new AuthorityRefusal('absent', `There is no authority in ${dir}`, 'Make one: sightglass ca init');
  const certificate = readCertificate(dir, stored);
  if (!isEncrypted(stored.keyPem)) openKey(dir, stored, certificate, null);
  return { ...describe(dir, stored, certificate), certificate: certificate.raw };
}

/** The key and certificate of `dir` for an encrypted export. The only way the key leaves `openAuthority`'s closure. */
export function unlockAuthority(
  folder: string,
  passphrase: string | null,
): { key: KeyObject; certificate: Buffer } {
  const dir = resolve(folder);
  const stored = readStored(dir);
  if (stored === null)
    throw new AuthorityRefusal('absent', `There is no authority in ${dir}`, 'Make one: sightglass ca init');
  const { key, certificate } = unlock(dir, stored, checkedPassphrase(passphrase));
  return { key, certificate: certificate.raw };
}

interface Root {
  key: KeyObject;
  /** DER. */
  certificate: Buffer;
}

interface RootName {
  organization: string;
  commonName: string;
}

const UNTRUSTED_NAME: RootName = {
  organization: 'Sightglass, NOT TRUSTED',
  commonName: 'Origin certificate failed verification',
};

/** A self-signed P-256 root: pathLen 0, ten years, begun a day ago for clients whose clock is slow. */
function makeRoot(name: RootName, now: number, random: (size: number) => Buffer): Root {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const point = p256Point(spki);
  if (point === null) throw new Error('node:crypto made a P-256 key in an unexpected encoding');
  const subject = distinguishedName(name.organization, name.commonName);
  const start = Math.floor(now / 1000) * 1000;
  const certificate = signCertificate(
    {
      serial: leafSerial(random(16)),
      issuer: subject,
      subject,
      notBefore: start - DAY,
      notAfter: start + ROOT_DAYS * DAY,
      publicKey: spki,
      extensions: [caConstraints(), caKeyUsage(), subjectKeyId(keyIdentifier(point))],
    },
    tbs => cryptoSign('sha256', tbs, privateKey),
  );
  return { key: privateKey, certificate };
}
const ROOT_DAYS = 3652;

/** Host and a short id in the name: who has two of them in a trust store must be able to tell them apart. */
function defaultSubject(subject: AuthorityOptions['subject'], random: (size: number) => Buffer): RootName {
  const id = random(3).toString('hex');
  const host = (hostname().split('.')[0] ?? '').replace(/[^A-Za-z0-9-]/g, '').slice(0, 40) || 'host';
  const commonName = subject?.commonName ?? `Sightglass CA ${host} ${id}`;
  const organization = subject?.organization ?? 'Sightglass';
  for (const text of [commonName, organization])
    if (text === '' || text.length > MAX_COMMON_NAME)
      throw new RangeError(`a name of the authority must have 1 to ${MAX_COMMON_NAME} characters`);
  return { organization, commonName };
}

function signer(certificate: X509Certificate, key: KeyObject): Signer {
  const names = readIssuer(certificate.raw);
  if (names === null) throw new Error('certificate without subject key identifier');
  return Object.freeze<Signer>({
    subject: names.subject,
    keyId: names.keyId,
    publicKey: certificate.publicKey.export({ type: 'spki', format: 'der' }),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    sign: (tbs: Buffer) => cryptoSign('sha256', tbs, key),
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
): { certificate: X509Certificate; key: KeyObject } {
  const certificate = readCertificate(dir, stored);
  return { certificate, key: openKey(dir, stored, certificate, passphrase) };
}

function describe(dir: string, stored: StoredAuthority, certificate: X509Certificate): AuthorityDescription {
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
