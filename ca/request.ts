/** A request to an enterprise CA (PKCS#10, RFC 2986): our name, our key, and the wish to be a CA that signs leaves only. */
import { caConstraints, caKeyUsage, keyIdentifier, p256Point, subjectKeyId } from './x509.ts';
import { bits, children, decode, encode, encoded, integer, oid, sequence, set, explicit } from './der.ts';

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  extensionRequest: '1.2.840.113549.1.9.14',
};

/** DER of the request. Throws a RangeError when the key is no P-256 SPKI. */
export function buildRequest(subject: Buffer, spki: Buffer, sign: (info: Buffer) => Buffer): Buffer {
  const point = p256Point(spki);
  if (point === null) throw new RangeError('the key of the authority is no P-256 public key');
  const extensions = sequence(caConstraints(), caKeyUsage(), subjectKeyId(keyIdentifier(point)));
  const info = encode(
    sequence(
      integer(0),
      encoded(subject),
      encoded(spki),
      explicit(0, sequence(oid(OID.extensionRequest), set(extensions))),
    ),
  );
  return encode(sequence(encoded(info), sequence(oid(OID.ecdsaWithSha256)), bits(sign(info))));
}

/** DER SPKI out of a request of ours. */
export function requestedKey(request: Buffer): Buffer {
  const spki = children(children(decode(request))[0])[2];
  if (spki === undefined) throw new RangeError('no certificate request');
  return encode(spki);
}
