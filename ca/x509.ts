/**
 * X.509v3 certificates as this house makes them: the to-be-signed part is written with node-forge's ASN.1 encoder
 * (0.07 ms), the signature comes from node:crypto (0.03 ms; forge would need 25 ms for it). ECDSA P-256 with SHA-256
 * only: one curve, one hash, nothing to negotiate. Pure: keys come in as values or as a signing function.
 */
import { createHash } from 'node:crypto';
import {
  bits,
  children,
  content,
  decode,
  encode,
  encoded,
  explicit,
  implicit,
  integer,
  isTagged,
  octets,
  oid,
  oidOf,
  sequence,
  set,
  time,
  TRUE,
  utf8,
} from './der.ts';
import type { Der } from './der.ts';

/** Signs the DER of a TBSCertificate; answers a DER ECDSA-Sig-Value made with SHA-256. */
export type Sign = (tbs: Buffer) => Buffer;

/** SubjectPublicKeyInfo of an uncompressed P-256 point is these 26 bytes and the 65 bytes of the point (RFC 5480). */
const P256_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
export const P256_SPKI_LENGTH = P256_PREFIX.length + 65;

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  crlDistributionPoints: '2.5.29.31',
};

export interface CertificateParts {
  /** Big-endian, non-negative. */
  serial: Buffer;
  /** DER of the Name, taken over byte for byte. */
  issuer: Buffer;
  subject: Buffer;
  /** ms since epoch, whole seconds. */
  notBefore: number;
  notAfter: number;
  /** DER SubjectPublicKeyInfo. */
  publicKey: Buffer;
  extensions: readonly Der[];
}

const ALGORITHM = encode(sequence(oid(OID.ecdsaWithSha256)));

/** Build and sign; returns the DER of the certificate. Throws only what `sign` throws. */
export function signCertificate(parts: CertificateParts, sign: Sign): Buffer {
  const tbs = encode(
    sequence(
      explicit(0, integer(2)),
      integer(parts.serial),
      encoded(ALGORITHM),
      encoded(parts.issuer),
      sequence(time(parts.notBefore), time(parts.notAfter)),
      encoded(parts.subject),
      encoded(parts.publicKey),
      explicit(3, sequence(...parts.extensions)),
    ),
  );
  return encode(sequence(encoded(tbs), encoded(ALGORITHM), bits(sign(tbs))));
}

/** DER of a Name with at most one organization and one common name; empty when both are null (RFC 5280 §4.1.2.6). */
export function distinguishedName(organization: string | null, commonName: string | null): Buffer {
  const part = (type: string, text: string): Der => set(sequence(oid(type), utf8(text)));
  return encode(
    sequence(
      ...(organization === null ? [] : [part(OID.organization, organization)]),
      ...(commonName === null ? [] : [part(OID.commonName, commonName)]),
    ),
  );
}

/** Upper bound of a common name (RFC 5280 appendix A, ub-common-name), in characters. */
export const MAX_COMMON_NAME = 64;

const extension = (id: string, critical: boolean, value: Der): Der =>
  sequence(oid(id), ...(critical ? [TRUE] : []), octets(encode(value)));

/** CA certificates: pathLen 0, so it can sign leaves and nothing that signs. */
export const caConstraints = (): Der => extension(OID.basicConstraints, true, sequence(TRUE, integer(0)));
/** End entities: cA is FALSE, which DER writes as nothing. */
export const leafConstraints = (): Der => extension(OID.basicConstraints, true, sequence());
/** keyCertSign (bit 5) and cRLSign (bit 6). */
export const caKeyUsage = (): Der => extension(OID.keyUsage, true, bits(Buffer.of(0b0000_0110), 1));
/** digitalSignature (bit 0). */
export const leafKeyUsage = (): Der => extension(OID.keyUsage, true, bits(Buffer.of(0b1000_0000), 7));
export const serverAuthOnly = (): Der => extension(OID.extKeyUsage, false, sequence(oid(OID.serverAuth)));
export const subjectKeyId = (id: Buffer): Der => extension(OID.subjectKeyId, false, octets(id));
export const authorityKeyId = (id: Buffer): Der =>
  extension(OID.authorityKeyId, false, sequence(implicit(0, id)));
/** One dNSName (tag 2, ASCII) or one iPAddress (tag 7, 4 or 16 bytes). Critical when the subject is empty. */
export const oneAltName = (kind: 'name' | 'ip', value: Buffer, critical: boolean): Der =>
  extension(OID.subjectAltName, critical, sequence(implicit(kind === 'name' ? 2 : 7, value)));

/** Where the revocation list of the issuer lies: one URI, ASCII. */
export const crlAt = (url: string): Der =>
  extension(
    OID.crlDistributionPoints,
    false,
    sequence(sequence(explicit(0, explicit(0, implicit(6, Buffer.from(url, 'ascii')))))),
  );

/** An extension that never changes, encoded once. */
export function constant(value: Der): Der {
  return encoded(encode(value));
}

/** The uncompressed point of a P-256 SPKI; null when it is anything else. Does not check that it lies on the curve. */
export function p256Point(spki: Buffer): Buffer | null {
  if (spki.length !== P256_SPKI_LENGTH || !spki.subarray(0, P256_PREFIX.length).equals(P256_PREFIX))
    return null;
  const point = spki.subarray(P256_PREFIX.length);
  return point[0] === 4 ? point : null;
}

/** Key identifier: the leftmost 160 bits of the SHA-256 of the public key bits (RFC 7093 §2, method 1). */
export function keyIdentifier(point: Buffer): Buffer {
  return createHash('sha256').update(point).digest().subarray(0, 20);
}

/** What a leaf copies from its issuer's certificate: DER of the subject, and the subject key identifier. */
export function readIssuer(certificate: Buffer): { subject: Buffer; keyId: Buffer } | null {
  const [tbs] = children(decode(certificate));
  const fields = children(tbs);
  const subject = fields[5];
  const extensions = children(children(fields.find(f => isTagged(f, 3)))[0]);
  const ski = extensions.find(e => oidOf(children(e)[0]) === OID.subjectKeyId);
  const wrapped = content(children(ski).at(-1));
  if (subject === undefined || wrapped === null) return null;
  const keyId = content(decode(wrapped));
  return keyId === null ? null : { subject: encode(subject), keyId };
}

/** Value of an extension of a certificate (DER); null when it is not there. */
function extensionOf(certificate: Buffer, id: string): Der | null {
  const fields = children(children(decode(certificate))[0]);
  const extensions = children(children(fields.find(f => isTagged(f, 3)))[0]);
  const wrapped = content(children(extensions.find(e => oidOf(children(e)[0]) === id)).at(-1));
  return wrapped === null ? null : decode(wrapped);
}

/** How many authorities a CA certificate allows below it; null when it sets no limit. */
export function caPathLength(certificate: Buffer): number | null {
  const value = content(children(extensionOf(certificate, OID.basicConstraints) ?? undefined)[1]);
  return value === null ? null : Number(`0x${value.toString('hex') || '0'}`);
}

/** keyCertSign, or no key usage at all (RFC 5280 §4.2.1.3). */
export function maySignCertificates(certificate: Buffer): boolean {
  const usage = extensionOf(certificate, OID.keyUsage);
  return usage === null || ((content(usage)?.[1] ?? 0) & 0b0000_0100) !== 0;
}

/** serverAuth or any purpose, or no limit: clients apply an extended key usage of a CA to everything below it. */
export function mayServeTls(certificate: Buffer): boolean {
  const usage = extensionOf(certificate, OID.extKeyUsage);
  return (
    usage === null || children(usage).some(id => ['2.5.29.37.0', OID.serverAuth].includes(oidOf(id) ?? ''))
  );
}

/** PEM with 64 characters a line (RFC 7468). */
export function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
