/**
 * A private key under a passphrase: PKCS#8 EncryptedPrivateKeyInfo with PBES2 (RFC 8018), AES-256-CBC, and scrypt as key
 * derivation (RFC 7914). node:crypto can export encrypted keys by itself, but only with 2,048 rounds of PBKDF2, which a
 * graphics card tries millions of times a second; scrypt costs an attacker 16 MiB a guess. OpenSSL reads both.
 *
 * PBKDF2 with 600,000 rounds of HMAC-SHA-256 is there for PKCS#12 files, because Windows and Java know no scrypt.
 * CBC gives no integrity: a damaged file is noticed by its padding, its structure and the match with the certificate.
 */
import { createCipheriv, pbkdf2Sync, scryptSync } from 'node:crypto';
import { encode, encoded, integer, NULL, octets, oid, sequence } from './der.ts';
import type { Der } from './der.ts';

const OID = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacSha256: '1.2.840.113549.2.9',
  scrypt: '1.3.6.1.4.1.11591.4.11',
  aes256cbc: '2.16.840.1.101.3.4.1.42',
};

/** 128·N·r = 16 MiB and about 40 ms; OpenSSL refuses to read keys that need more than 32 MiB. */
const SCRYPT = { N: 16_384, r: 8, p: 1 };
const PBKDF2_ROUNDS = 600_000;

/**
 * Encrypt the DER of a PKCS#8 PrivateKeyInfo.
 * @param random gives that many random bytes: salt (16) first, then the IV (16).
 */
export function shroud(
  pkcs8: Buffer,
  passphrase: string,
  kdf: 'scrypt' | 'pbkdf2',
  random: (size: number) => Buffer,
): Buffer {
  const salt = random(16);
  const iv = random(16);
  const key =
    kdf === 'scrypt'
      ? scryptSync(passphrase, salt, 32, SCRYPT)
      : pbkdf2Sync(passphrase, salt, PBKDF2_ROUNDS, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const hidden = Buffer.concat([cipher.update(pkcs8), cipher.final()]);
  key.fill(0);
  return encode(
    sequence(
      sequence(oid(OID.pbes2), sequence(derivation(kdf, salt), sequence(oid(OID.aes256cbc), octets(iv)))),
      octets(hidden),
    ),
  );
}

function derivation(kdf: 'scrypt' | 'pbkdf2', salt: Buffer): Der {
  if (kdf === 'scrypt') {
    const { N, r, p } = SCRYPT;
    return sequence(oid(OID.scrypt), sequence(octets(salt), integer(N), integer(r), integer(p)));
  }
  const prf = encode(sequence(oid(OID.hmacSha256), NULL));
  return sequence(oid(OID.pbkdf2), sequence(octets(salt), integer(PBKDF2_ROUNDS), encoded(prf)));
}
