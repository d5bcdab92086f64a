/**
 * A certificate as Windows keeps it in the registry (MS-GPEF §2.2.1.1.1): properties, then the certificate itself. Each
 * element is property id, the number 1, a length and the bytes, all little-endian and without padding. The properties and
 * their order are those that GPMC writes; a reader needs only the last one, and the SHA-1 must be the name of the key.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { children, content, decode, encode, oidOf } from '../der.ts';
import { readIssuer } from '../x509.ts';
import type { RegistryRecord } from './registry-pol.ts';

const PROPERTY = {
  sha1: 3,
  md5: 4,
  signatureHash: 15,
  keyIdentifier: 20,
  publicKeyMd5: 25,
  keySize: 92,
  certificate: 32,
} as const;

/** Records that make `certificates` trusted roots of a machine: the key with its certificates, and the empty lists beside. */
export function trustedRoots(certificates: readonly Buffer[]): RegistryRecord[] {
  const store = 'Software\\Policies\\Microsoft\\SystemCertificates\\Root';
  const bare = (key: string): RegistryRecord => ({ key, name: '', data: { type: 'none' } });
  return [
    bare(`${store}\\Certificates`),
    bare(`${store}\\CRLs`),
    bare(`${store}\\CTLs`),
    ...certificates.map((der): RegistryRecord => ({
      key: `${store}\\Certificates\\${digest('sha1', der).toString('hex').toUpperCase()}`,
      name: 'Blob',
      data: { type: 'binary', bytes: certificateBlob(der) },
    })),
  ];
}

/** The value `Blob` of one certificate. */
export function certificateBlob(der: Buffer): Buffer {
  const certificate = new X509Certificate(der);
  const spki = decode(certificate.publicKey.export({ type: 'spki', format: 'der' }));
  // The first byte of a BIT STRING counts unused bits; keys use all of them.
  const key = content(children(spki)[1])?.subarray(1) ?? Buffer.alloc(0);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(keyBits(certificate));
  return Buffer.concat([
    element(PROPERTY.md5, digest('md5', der)),
    element(PROPERTY.signatureHash, digest(signatureDigest(der), toBeSigned(der))),
    element(PROPERTY.keyIdentifier, readIssuer(der)?.keyId ?? digest('sha1', key)),
    element(PROPERTY.publicKeyMd5, digest('md5', key)),
    element(PROPERTY.sha1, digest('sha1', der)),
    element(PROPERTY.keySize, size),
    element(PROPERTY.certificate, der),
  ]);
}

function element(id: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(id, 0);
  head.writeUInt32LE(1, 4);
  head.writeUInt32LE(bytes.length, 8);
  return Buffer.concat([head, bytes]);
}

const digest = (algorithm: string, data: Buffer): Buffer => createHash(algorithm).update(data).digest();

function toBeSigned(der: Buffer): Buffer {
  const [tbs] = children(decode(der));
  if (tbs === undefined) throw new RangeError('no certificate');
  return encode(tbs);
}

/** The hash that a certificate's own signature uses. An enterprise root may be RSA or on another curve than ours. */
function signatureDigest(der: Buffer): string {
  const algorithm = oidOf(children(children(decode(der))[1])[0]) ?? '';
  return DIGESTS[algorithm] ?? 'sha256';
}
const DIGESTS: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

function keyBits(certificate: X509Certificate): number {
  const { asymmetricKeyDetails } = certificate.publicKey;
  const curve = CURVES[asymmetricKeyDetails?.namedCurve ?? ''];
  return asymmetricKeyDetails?.modulusLength ?? curve ?? 256;
}
const CURVES: Readonly<Record<string, number>> = { prime256v1: 256, secp384r1: 384, secp521r1: 521 };
