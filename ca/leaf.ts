/**
 * The leaf: what a client sees in place of the origin's certificate. Pure; time, serial and keys come in.
 *
 * Profile (requirements C2, C3, C7; stip.md §4): X.509v3, ECDSA P-256 key that belongs to the asking worker and never to
 * the authority; serial random; exactly one SAN, the name that was asked for and verified; serverAuth and
 * digitalSignature only, whatever the origin's certificate allows itself; SKI of its own, AKI = the issuer's SKI bytes;
 * issuer name copied byte for byte. Validity lies inside the origin's, the authority's and the set maximum: a date is
 * never made better than the origin's (V8).
 *
 * It does not decide whether a leaf may be made: that is the issuer's, and before it the verdict and the origin's proof.
 */
import ipaddr from 'ipaddr.js';
import {
  authorityKeyId,
  constant,
  crlAt,
  distinguishedName,
  keyIdentifier,
  leafConstraints,
  leafKeyUsage,
  MAX_COMMON_NAME,
  oneAltName,
  p256Point,
  serverAuthOnly,
  signCertificate,
  subjectKeyId,
} from './x509.ts';
import type { NameConstraints } from './name-constraints.ts';
import type { Sign } from './x509.ts';

/** The part of an authority that a leaf needs: its name, key identifier, own validity, and a signature. No key. */
export interface Signer {
  /** DER of the authority's subject, as it stands in its certificate. */
  readonly subject: Buffer;
  /** The authority's SKI bytes. */
  readonly keyId: Buffer;
  /** DER SPKI of the authority's key: no leaf may carry it. */
  readonly publicKey: Buffer;
  /** ms since epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly sign: Sign;
  /** PEM of what is sent behind a leaf: the authority and those above it, without the root. Empty for a root. */
  readonly chainPem?: string;
  /** SHA-256 of the root above, which clients have to trust; lower-case hex. Absent in tests without one. */
  readonly rootSha256?: string;
  /** Name constraints of the authority and of those above it. */
  readonly constraints?: readonly NameConstraints[];
}

export interface LeafParts {
  /** Canonical (core/host-name). */
  name: string;
  nameKind: 'name' | 'ip';
  /** DER SPKI of an uncompressed P-256 point. */
  publicKey: Buffer;
  /** 16 bytes, see `leafSerial`. */
  serial: Buffer;
  validity: Validity;
  /** Where the issuer's revocation list lies; null or absent names none. */
  crlUrl?: string | null;
}

export interface Validity {
  /** ms since epoch, whole seconds. */
  notBefore: number;
  notAfter: number;
}

export interface Leaf extends Validity {
  /** DER. */
  certificate: Buffer;
  /** Lower-case hex. */
  serial: string;
}

const CONSTRAINTS = constant(leafConstraints());
const KEY_USAGE = constant(leafKeyUsage());
const EXT_KEY_USAGE = constant(serverAuthOnly());

/** Build and sign one leaf. Throws a RangeError when the key is no P-256 SPKI or the serial is not 16 bytes. */
export function buildLeaf(parts: LeafParts, signer: Signer): Leaf {
  const point = p256Point(parts.publicKey);
  if (point === null) throw new RangeError('the leaf key is no P-256 public key');
  if (parts.serial.length !== SERIAL_BYTES) throw new RangeError('a leaf serial has 16 bytes');
  // The subject is only for people (clients look at the SAN); too long a name, or name
  // constraints above it, leave it empty, the SAN then critical.
  const nameless = parts.name.length > MAX_COMMON_NAME || (signer.constraints ?? []).length > 0;
  const certificate = signCertificate(
    {
      serial: parts.serial,
      issuer: signer.subject,
      subject: distinguishedName(null, nameless ? null : parts.name),
      notBefore: parts.validity.notBefore,
      notAfter: parts.validity.notAfter,
      publicKey: parts.publicKey,
      extensions: [
        CONSTRAINTS,
        KEY_USAGE,
        EXT_KEY_USAGE,
        subjectKeyId(keyIdentifier(point)),
        authorityKeyId(signer.keyId),
        oneAltName(parts.nameKind, altNameBytes(parts), nameless),
        ...(parts.crlUrl === undefined || parts.crlUrl === null ? [] : [crlAt(parts.crlUrl)]),
      ],
    },
    signer.sign,
  );
  return { certificate, serial: parts.serial.toString('hex'), ...parts.validity };
}

function altNameBytes({ name, nameKind }: Pick<LeafParts, 'name' | 'nameKind'>): Buffer {
  return nameKind === 'name' ? Buffer.from(name, 'ascii') : Buffer.from(ipaddr.parse(name).toByteArray());
}

/**
 * A serial from 16 random bytes: 126 of the 128 bits stay random (C2 wants 64). The top bit is cleared so that it is
 * positive, the next one set so that its length never varies and it is never zero (RFC 5280 §4.1.2.2).
 */
export function leafSerial(random: Buffer): Buffer {
  const serial = Buffer.from(random);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}
const SERIAL_BYTES = 16;

export interface ValidityBounds {
  /** ms since epoch. */
  now: number;
  /** Of the verified origin certificate; null for a page that stands for no origin. */
  originNotBefore: number | null;
  originNotAfter: number | null;
  authority: { notBefore: number; notAfter: number };
  /** Days from now a leaf may live. */
  days: number;
  /** How far before now it may begin, so that clients with slow clocks accept it; 0 is the strict profile. */
  backdate: number;
}

/**
 * The widest validity all bounds allow, in whole seconds rounded inwards; a sentence when they allow none at `now`.
 * Never longer than 45 days in all (C7: 47 days is what public trust will allow from 2029).
 */
export function leafValidity(bounds: ValidityBounds): Validity | { refused: string } {
  const { now, authority } = bounds;
  if (now >= authority.notAfter) return { refused: 'the authority has expired' };
  if (now < authority.notBefore)
    return { refused: 'the authority is not valid yet; check the clock of this host' };
  const backdate = Math.min(Math.max(bounds.backdate, 0), MAX_BACKDATE);
  const from = Math.max(now - backdate, authority.notBefore, bounds.originNotBefore ?? -Infinity);
  const notBefore = Math.ceil(from / 1000) * 1000;
  const until = Math.min(
    now + bounds.days * DAY,
    authority.notAfter,
    bounds.originNotAfter ?? Infinity,
    notBefore + MAX_LIFE,
  );
  const notAfter = Math.floor(until / 1000) * 1000;
  if (notBefore > now + 1000) return { refused: 'the origin certificate is not valid yet' };
  if (notAfter <= now) return { refused: 'the origin certificate has expired' };
  return { notBefore, notAfter };
}

export const DAY = 86_400_000;
export const MAX_BACKDATE = DAY;
export const MAX_LIFE = 45 * DAY;
