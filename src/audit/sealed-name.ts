/**
 * A name sealed to the public key of the data-protection officer: whoever seals it cannot open it again, only the holder of
 * the private key can. X25519 with a key pair made for each seal (RFC 7748), HKDF-SHA256 (RFC 5869), AES-256-GCM.
 *
 *   sealed = base64url( ephemeral public key, 32 bytes | tag, 16 bytes | ciphertext )
 *
 * The key is used for one message, so its nonce is fixed. Names are filled up to a multiple of 32 bytes, because the length
 * of a name tells a name. It does not promise that a seal comes from this product: what it is found beside is chained.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const BLOCK = 32;
const INFO = 'sightglass sealed name 1';
const NONCE = Buffer.alloc(12);
/** DER before the 32 bytes of an X25519 public key (RFC 8410 §4). */
const SPKI_HEAD = Buffer.from('302a300506032b656e032100', 'hex');

/** The officer's public key from PEM. Throws Error in words for people. */
export function officerKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new Error('it holds no public key in PEM');
  }
  if (key.asymmetricKeyType !== 'x25519') throw new Error('the key is no X25519 key');
  if (/PRIVATE KEY/.test(pem)) throw new Error('it holds the private key, which must not be on this machine');
  return key;
}

/** A private key from PEM, encrypted with a passphrase or not. Throws Error in words for people. */
export function officerPrivateKey(pem: string, passphrase: string | null): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, ...(passphrase === null ? {} : { passphrase }) });
  } catch {
    throw new Error(
      /ENCRYPTED/.test(pem) ? 'the passphrase is missing or wrong' : 'it holds no private key in PEM',
    );
  }
  if (key.asymmetricKeyType !== 'x25519') throw new Error('the key is no X25519 key');
  return key;
}

/** A new key pair in PEM; the private half is encrypted when there is a passphrase (PKCS #8, AES-256). */
export function makeOfficerKeys(passphrase: string | null): { publicPem: string; privatePem: string } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const cipher = passphrase === null ? {} : { cipher: 'aes-256-cbc', passphrase };
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString(),
  };
}

/** Which key a name was sealed to: first 16 hex digits of SHA-256 over the public key. */
export function officerKeyId(key: KeyObject): string {
  const spki = createPublicKeyOf(key).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex').slice(0, 16);
}

/** Seal a name. `about` is bound to it: the seal opens only beside the same text. */
export function sealName(name: string, about: string, officer: KeyObject): string {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const own = rawOf(publicKey);
  const cipher = createCipheriv('aes-256-gcm', keyFor(privateKey, officer, own, rawOf(officer)), NONCE);
  cipher.setAAD(Buffer.from(about));
  const plain = Buffer.from(name);
  const filled = Buffer.alloc(Math.ceil((plain.length + 2) / BLOCK) * BLOCK);
  filled.writeUInt16BE(plain.length, 0);
  plain.copy(filled, 2);
  const text = Buffer.concat([cipher.update(filled), cipher.final()]);
  return Buffer.concat([own, cipher.getAuthTag(), text]).toString('base64url');
}

/** Open a seal; null when it is for another key, beside another text, or damaged. */
export function openName(sealed: string, about: string, officer: KeyObject): string | null {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < 48 + BLOCK) return null;
  const own = bytes.subarray(0, 32);
  try {
    const theirs = createPublicKey({ key: Buffer.concat([SPKI_HEAD, own]), format: 'der', type: 'spki' });
    const key = keyFor(officer, theirs, own, rawOf(createPublicKeyOf(officer)));
    const decipher = createDecipheriv('aes-256-gcm', key, NONCE);
    decipher.setAAD(Buffer.from(about));
    decipher.setAuthTag(bytes.subarray(32, 48));
    const filled = Buffer.concat([decipher.update(bytes.subarray(48)), decipher.final()]);
    return filled.subarray(2, 2 + filled.readUInt16BE(0)).toString();
  } catch {
    return null;
  }
}

function keyFor(privateKey: KeyObject, publicKey: KeyObject, own: Buffer, officer: Buffer): Buffer {
  const secret = diffieHellman({ privateKey, publicKey });
  return Buffer.from(hkdfSync('sha256', secret, Buffer.concat([own, officer]), INFO, 32));
}

const createPublicKeyOf = (key: KeyObject): KeyObject =>
  key.type === 'private' ? createPublicKey(key) : key;

const rawOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' }).subarray(-32);
