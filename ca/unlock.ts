/**
 * From PEM texts to a key and a certificate that belong together, or a refusal. Nothing here touches files: the names are
 * only for the sentences. A key is believed when it signs for the certificate, a certificate when it signed itself.
 */
import { createPrivateKey, sign as cryptoSign, verify as cryptoVerify } from 'node:crypto';
import type { KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { decode } from './der.ts';
import { readChain } from './roots.ts';
import { CERTIFICATE_FILE, KEY_FILE } from './key-file.ts';
import type { StoredAuthority } from './key-file.ts';
import { AuthorityRefusal } from './refusal.ts';
import { shroud } from './shroud.ts';
import { p256Point, pem, readIssuer } from './x509.ts';

/** PEM of a key for the file: PKCS#8, encrypted when there is a passphrase. */
export function sealKey(key: KeyObject, passphrase: string | null, random: (size: number) => Buffer): string {
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const text =
    passphrase === null
      ? pem(PLAIN_LABEL, pkcs8)
      : pem(ENCRYPTED_LABEL, shroud(pkcs8, passphrase, 'scrypt', random));
  pkcs8.fill(0);
  return text;
}
const PLAIN_LABEL = 'PRIVATE KEY';
const ENCRYPTED_LABEL = 'ENCRYPTED PRIVATE KEY';
export const isEncrypted = (keyPem: string): boolean => keyPem.includes(`-----BEGIN ${ENCRYPTED_LABEL}-----`);

const RESTORE = 'Restore it from a backup. Nothing is generated in its place.';

/**
 * The certificate of a P-256 authority and the chain above it, up to a root that signed itself. Every byte of each is covered
 * by a signature that is checked. Refuses with `corrupt`.
 */
export function readCertificates(
  dir: string,
  stored: StoredAuthority,
): [X509Certificate, ...X509Certificate[]] {
  const path = join(dir, CERTIFICATE_FILE);
  const [certificate, ...above] = readChain(path, stored.certificatePem);
  let sound = false;
  try {
    if (certificate !== undefined) {
      const names = readIssuer(certificate.raw);
      sound =
        p256Point(certificate.publicKey.export({ type: 'spki', format: 'der' })) !== null &&
        names !== null &&
        certificate.raw.includes(names.subject);
    }
  } catch {
    // Told below.
  }
  if (certificate === undefined || !sound)
    throw new AuthorityRefusal(
      'corrupt',
      `${path} is damaged or no certificate of a P-256 authority`,
      RESTORE,
    );
  return [certificate, ...above];
}

/** Refuses an encrypted key without a passphrase, and a passphrase for a key that is not encrypted. */
export function matchPassphrase(path: string, encrypted: boolean, passphrase: string | null): void {
  if (encrypted && passphrase === null)
    throw new AuthorityRefusal(
      'passphrase-missing',
      `${path} is encrypted and no passphrase was given`,
      'Name the file that holds it with ca.passphrase-file.',
    );
  if (!encrypted && passphrase !== null)
    throw new AuthorityRefusal(
      'passphrase-unused',
      `A passphrase was given, but ${path} is not encrypted`,
      `Encrypt it (openssl pkcs8 -topk8 -scrypt), keeping mode 0600, or remove ca.passphrase-file.`,
    );
}

/** The private key of `certificate`. Refuses with `corrupt`, `mismatch` or one of the `passphrase-…` codes. */
export function openKey(
  dir: string,
  stored: StoredAuthority,
  certificate: X509Certificate,
  passphrase: string | null,
  keyFile = KEY_FILE,
): KeyObject {
  const path = join(dir, keyFile);
  const corrupt = (): AuthorityRefusal =>
    new AuthorityRefusal('corrupt', `${path} is damaged: it holds no readable private key`, RESTORE);
  const encrypted = isEncrypted(stored.keyPem);
  const body = pemBody(stored.keyPem, encrypted ? ENCRYPTED_LABEL : PLAIN_LABEL);
  if (body === null) throw corrupt();
  matchPassphrase(path, encrypted, passphrase);
  let key: KeyObject;
  try {
    key = createPrivateKey({
      key: body,
      format: 'der',
      type: 'pkcs8',
      ...(passphrase === null ? {} : { passphrase }),
    });
  } catch {
    // CBC has no integrity check, so a wrong passphrase and damage inside the ciphertext look the same.
    if (!encrypted) throw corrupt();
    throw new AuthorityRefusal(
      'passphrase-wrong',
      `The passphrase does not open ${path}`,
      'Check ca.passphrase-file; if the passphrase is right the file is damaged: restore it from a backup.',
    );
  } finally {
    body.fill(0);
  }
  // A trial signature and not a comparison of public keys: a key file carries its public half beside the private
  // number, and OpenSSL believes it, so damage to the number alone would show only in every leaf.
  if (!signsFor(certificate, key))
    throw new AuthorityRefusal(
      'mismatch',
      `${path} is not the key of ${keyFile === KEY_FILE ? join(dir, CERTIFICATE_FILE) : 'its certificate'}`,
      'Restore the two files that belong together.',
    );
  return key;
}

function signsFor(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    const probe = Buffer.from('sightglass key check');
    return cryptoVerify('sha256', probe, certificate.publicKey, cryptoSign('sha256', probe, key));
  } catch {
    return false;
  }
}

/** DER inside the one PEM block of that label; null when there is none or it is no whole ASN.1 value. */
function pemBody(text: string, label: string): Buffer | null {
  const m = new RegExp(
    `^-----BEGIN ${label}-----\\r?\\n([A-Za-z0-9+/=\\r\\n]+)-----END ${label}-----\\s*$`,
  ).exec(text);
  if (m?.[1] === undefined) return null;
  const der = Buffer.from(m[1], 'base64');
  try {
    decode(der);
    return der;
  } catch {
    return null;
  }
}
