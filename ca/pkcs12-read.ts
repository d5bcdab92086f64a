/**
 * A key with its certificates out of a PKCS#12 file that an administrator brings, read with node-forge (MAC, key derivation,
 * decryption: the legacy kinds of Windows and the AES of today). Keys leave it as DER for node:crypto; forge never uses one.
 *
 * Texts of failures are ours: what a library says about keys and passwords reaches nobody (requirement K3).
 */
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { AuthorityRefusal } from './refusal.ts';

export interface ReadPair {
  key: KeyObject;
  /** DER, in the order of the file. */
  certificates: Buffer[];
}

/** Refuses with `unfit` (no such file, several keys), `passphrase-wrong`. At most 1 MiB is looked at. */
export function readPkcs12(file: Buffer, passphrase: string): ReadPair {
  const unfit = (why: string): AuthorityRefusal =>
    new AuthorityRefusal(
      'unfit',
      why,
      'Export the authority with its private key and all certificates of its chain as PKCS#12 (.p12, .pfx).',
    );
  let asn1: forge.asn1.Asn1;
  try {
    if (file.length > 1 << 20) throw new RangeError('too large');
    asn1 = forge.asn1.fromDer(file.toString('latin1'));
    if (asn1.type !== forge.asn1.Type.SEQUENCE) throw new RangeError('no sequence');
  } catch {
    throw unfit('The file is no PKCS#12 file');
  }
  let pfx: forge.pkcs12.Pkcs12Pfx;
  try {
    pfx = forge.pkcs12.pkcs12FromAsn1(asn1, false, passphrase);
  } catch (error) {
    const wrong = error instanceof Error && /mac|password|decrypt/i.test(error.message);
    throw wrong
      ? new AuthorityRefusal(
          'passphrase-wrong',
          'The passphrase does not open the PKCS#12 file',
          'Check the file named with --p12-passphrase-file.',
        )
      : unfit('The PKCS#12 file cannot be read');
  }
  const keys: Buffer[] = [];
  const certificates: Buffer[] = [];
  for (const bag of pfx.safeContents.flatMap(content => content.safeBags)) {
    if (bag.type === forge.pki.oids['keyBag'] || bag.type === forge.pki.oids['pkcs8ShroudedKeyBag'])
      keys.push(keyOf(bag));
    // forge understands RSA certificates only and hands the others on as ASN.1, or the bytes it could not read.
    else if (bag.type === forge.pki.oids['certBag'])
      certificates.push(
        bag.cert === undefined || bag.cert === null
          ? bytesOf(bag.asn1)
          : bytesOf(forge.pki.certificateToAsn1(bag.cert)),
      );
  }
  const [der] = keys;
  if (der === undefined || keys.length > 1) throw unfit(`The file holds ${keys.length} private keys`);
  if (certificates.length === 0) throw unfit('The file holds no certificate');
  try {
    return { key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), certificates };
  } catch {
    throw unfit('The private key in the file cannot be read');
  } finally {
    der.fill(0);
  }
}

const bytesOf = (asn1: forge.asn1.Asn1): Buffer => Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'latin1');

/** DER PKCS#8: RSA keys come as forge's own objects, others as ASN.1. */
function keyOf(bag: forge.pkcs12.Bag): Buffer {
  return bag.key === undefined || bag.key === null
    ? bytesOf(bag.asn1)
    : bytesOf(forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(bag.key)));
}
