/**
 * A dozen words for writing DER with node-forge's ASN.1 encoder, which is the part of it we trust most.
 *
 * Already encoded pieces (an issuer name, an extension that never changes) go in through `encoded` byte for byte: what
 * was read from the authority's certificate is what stands in the leaf. This file promises no general ASN.1 reader:
 * `decode` is only for certificates and keys of our own folder, never for bytes of clients or origins.
 */
import forge from 'node-forge';

const { asn1 } = forge;
export type Der = forge.asn1.Asn1;

const bytes = (data: Buffer): string => data.toString('latin1');
const primitive = (type: forge.asn1.Type, value: string): Der =>
  asn1.create(asn1.Class.UNIVERSAL, type, false, value);

export const sequence = (...items: Der[]): Der =>
  asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, items);

export const set = (...items: Der[]): Der => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, items);

/** `[tag]` around one or more values. */
export const explicit = (tag: number, ...items: Der[]): Der =>
  asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, true, items);

/** `[tag] IMPLICIT` of a primitive type: the content bytes alone. */
export const implicit = (tag: number, content: Buffer): Der =>
  asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, false, bytes(content));

export const oid = (dotted: string): Der => primitive(asn1.Type.OID, asn1.oidToDer(dotted).getBytes());

/** Non-negative INTEGER from big-endian bytes, encoded minimally (X.690 §8.3.2). */
export function integer(value: Buffer | number): Der {
  if (typeof value === 'number') return primitive(asn1.Type.INTEGER, asn1.integerToDer(value).getBytes());
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const minimal = value.subarray(start);
  const signed = ((minimal[0] ?? 0) & 0x80) !== 0;
  return primitive(asn1.Type.INTEGER, (signed ? '\0' : '') + bytes(minimal));
}

export const TRUE: Der = primitive(asn1.Type.BOOLEAN, '\xff');
export const NULL: Der = primitive(asn1.Type.NULL, '');
export const octets = (content: Buffer): Der => primitive(asn1.Type.OCTETSTRING, bytes(content));
/** BIT STRING; `unused` is how many of the last bits do not count. */
export const bits = (content: Buffer, unused = 0): Der =>
  primitive(asn1.Type.BITSTRING, String.fromCharCode(unused) + bytes(content));
export const utf8 = (text: string): Der => primitive(asn1.Type.UTF8, bytes(Buffer.from(text, 'utf8')));
export const bmp = (text: string): Der => primitive(asn1.Type.BMPSTRING, text);

/**
 * A time in whole seconds (RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050).
 * `ms` since epoch; the fraction of a second is cut off, so round up beforehand where the earlier second is wrong.
 */
export function time(ms: number): Der {
  const date = new Date(ms);
  const digits = date.toISOString().replace(/[-:T]|\..*$/g, '');
  return date.getUTCFullYear() < 2050
    ? primitive(asn1.Type.UTCTIME, `${digits.slice(2)}Z`)
    : primitive(asn1.Type.GENERALIZEDTIME, `${digits}Z`);
}

/** A value that is DER already, taken over byte for byte. */
export function encoded(der: Buffer): Der {
  const tag = der[0] ?? 0;
  const first = der[1] ?? 0;
  const header = first < 0x80 ? 2 : 2 + (first & 0x7f);
  // Declared primitive so that the encoder copies the content; the constructed bit travels in the type.
  return asn1.create(tag & 0xc0, tag & 0x3f, false, bytes(der.subarray(header)));
}

export const encode = (value: Der): Buffer => Buffer.from(asn1.toDer(value).getBytes(), 'latin1');

/** Read DER of our own making; throws on anything malformed or with bytes left over. */
export function decode(der: Buffer): Der {
  // The typings know only the older boolean form of the second parameter.
  const options = { strict: true, parseAllBytes: true, decodeBitStrings: false } as unknown as boolean;
  return asn1.fromDer(bytes(der), options);
}

/** Children of a constructed value; empty for a primitive. */
export const children = (value: Der | undefined): Der[] =>
  value !== undefined && Array.isArray(value.value) ? value.value : [];

/** Content of a primitive value; null for a constructed or missing one. */
export const content = (value: Der | undefined): Buffer | null =>
  typeof value?.value === 'string' ? Buffer.from(value.value, 'latin1') : null;

/** Dotted text of an OBJECT IDENTIFIER; null when the value is none. */
export const oidOf = (value: Der | undefined): string | null =>
  value?.type === asn1.Type.OID && typeof value.value === 'string' ? asn1.derToOid(value.value) : null;

/** Whether a value carries the context-specific `[tag]`. */
export const isTagged = (value: Der, tag: number): boolean =>
  Number(value.tagClass) === 0x80 && Number(value.type) === tag;
