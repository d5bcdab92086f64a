/**
 * PKCS#12 (RFC 7292) written with node-forge's ASN.1, key derivation and HMAC. forge's own `toPkcs12Asn1` wraps RSA keys
 * only and re-encodes certificates it half understands, so the bags are put together here; the certificate goes in byte
 * for byte.
 *
 * A file without key is a trust store: the certificate in the open (it is public), marked as trust anchor in the way
 * Java's keytool reads, sealed by a MAC. A file with key holds it as PKCS#8 under PBES2 (AES-256, PBKDF2 600,000) and is
 * never written without a passphrase. MAC and encryption with SHA-256 need Windows 10 1709, Java 8u301, OpenSSL 1.0.2,
 * NSS 3.30 or later.
 */
import { createHash } from 'node:crypto';
import forge from 'node-forge';
import { bmp, decode, encode, encoded, explicit, integer, NULL, octets, oid, sequence, set } from './der.ts';
import type { Der } from './der.ts';
import { shroud } from './shroud.ts';

export interface Pkcs12Parts {
  /** DER. */
  certificate: Buffer;
  /** Shown by Windows, Java and Firefox as the name of the entry. */
  friendlyName: string;
  /** DER PKCS#8 PrivateKeyInfo; null writes a trust store. */
  key: Buffer | null;
  /** Protects the MAC and the key. May be empty only when there is no key. */
  passphrase: string;
}

const OID = {
  data: '1.2.840.113549.1.7.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  /** Oracle's TrustedKeyUsage: without it keytool does not see a trusted certificate entry. */
  javaTrust: '2.16.840.1.113894.746875.1.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
  sha256: '2.16.840.1.101.3.4.2.1',
};

/** DER of the PFX. Throws a RangeError when a key would go in without a passphrase. */
export function pkcs12(parts: Pkcs12Parts, random: (size: number) => Buffer): Buffer {
  if (parts.key !== null && parts.passphrase === '')
    throw new RangeError('a key is never exported without a passphrase');
  const attributes = [
    attribute(OID.friendlyName, bmp(parts.friendlyName)),
    parts.key === null
      ? attribute(OID.javaTrust, oid(OID.anyExtendedKeyUsage))
      : attribute(OID.localKeyId, octets(createHash('sha1').update(parts.certificate).digest())),
  ];
  const certificate = bag(
    OID.certBag,
    sequence(oid(OID.x509Certificate), explicit(0, octets(parts.certificate))),
    attributes,
  );
  const safes = [dataInfo(encode(sequence(certificate)))];
  if (parts.key !== null) {
    const hidden = encoded(shroud(parts.key, parts.passphrase, 'pbkdf2', random));
    safes.push(dataInfo(encode(sequence(bag(OID.shroudedKeyBag, hidden, attributes)))));
  }
  const safe = encode(sequence(...safes));
  return encode(sequence(integer(3), dataInfo(safe), mac(safe, parts.passphrase, random(16))));
}

const attribute = (id: string, value: Der): Der => sequence(oid(id), set(value));
const bag = (id: string, value: Der, attributes: Der[]): Der =>
  sequence(oid(id), explicit(0, value), set(...sorted(attributes)));
const dataInfo = (content: Buffer): Der => sequence(oid(OID.data), explicit(0, octets(content)));

/** DER wants the members of a SET OF in order of their encodings (X.690 §11.6). */
const sorted = (items: Der[]): Der[] =>
  items
    .map(encode)
    .sort((a, b) => a.compare(b))
    .map(decode);

function mac(safe: Buffer, passphrase: string, salt: Buffer): Der {
  const digest = (): forge.md.MessageDigest => forge.md.sha256.create();
  // The typings of generateKey lack the digest parameter (RFC 7292 appendix B; id 3 is the MAC key).
  const generateKey = forge.pkcs12.generateKey as unknown as (
    ...args: [string, forge.util.ByteStringBuffer, number, number, number, forge.md.MessageDigest]
  ) => forge.util.ByteStringBuffer;
  const saltBytes = forge.util.createBuffer(salt.toString('latin1'));
  const key = generateKey(passphrase, saltBytes, 3, MAC_ROUNDS, 32, digest());
  const hmac = forge.hmac.create();
  hmac.start(digest(), key);
  hmac.update(safe.toString('latin1'));
  const value = Buffer.from(hmac.getMac().getBytes(), 'latin1');
  return sequence(
    sequence(sequence(oid(OID.sha256), NULL), octets(value)),
    octets(salt),
    integer(MAC_ROUNDS),
  );
}
/** Rounds run in JavaScript: 4,096 take about 0.1 s. The MAC protects integrity only; the key has its own derivation. */
const MAC_ROUNDS = 4096;
