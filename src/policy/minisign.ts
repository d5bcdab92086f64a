/**
 * Detached signatures of lists in the format of minisign (https://jedisct1.github.io/minisign/, also written by rsign and
 * signify-like tools): Ed25519 over the file itself (`Ed`, legacy) or over its BLAKE2b-512 (`ED`, what minisign writes
 * today), and a second signature that binds the trusted comment to the first. Both must hold.
 *
 * Reading is pure and strict: four lines, nothing after them, canonical base64, bounded lengths. Verifying is
 * node:crypto. What a signature does not say is that a list is the newest: see `signingTime` for what we make of that.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { Hash } from 'node:crypto';

/** A public key as minisign prints it, read. */
export interface SigningKey {
  /** Eight bytes that name the key, as minisign shows them: hex, last byte first, no leading zeros. */
  id: string;
  /** The 32 bytes of the Ed25519 key. */
  key: Buffer;
}

export interface ListSignature {
  /** Whether the signature is over the BLAKE2b-512 of the file instead of over the file. */
  prehashed: boolean;
  /** As in SigningKey. */
  keyId: string;
  /** 64 bytes each. */
  signature: Buffer;
  global: Buffer;
  /** Bound by `global`: what the signer says about the file. At most 8,192 bytes, no line ends. */
  trustedComment: string;
}

/** Largest signature file, bytes: two comments at their longest and two lines of base64. */
export const SIGNATURE_MAX = 10 * 1024;

const COMMENT_MAX = 1024;
const TRUSTED_MAX = 8192;
const UNTRUSTED = 'untrusted comment: ';
const TRUSTED = 'trusted comment: ';
const LEGACY = 0x4564; // "Ed"
const PREHASHED = 0x4544; // "ED"

/** A public key from its one line of base64 (`RWQ…`); null when it is none. */
export function parseSigningKey(text: string): SigningKey | null {
  const bytes = base64(text, 42);
  if (bytes?.readUInt16BE(0) !== LEGACY) return null;
  return { id: idText(bytes), key: bytes.subarray(10) };
}

/** A signature file, or in words what is wrong with it. */
export function parseSignature(bytes: Buffer): ListSignature | { error: string } {
  if (bytes.length > SIGNATURE_MAX) return { error: `it is larger than ${SIGNATURE_MAX} bytes` };
  const text = decode(bytes);
  if (text === null) return { error: 'it is not text' };
  const lines = text.split('\n').map(line => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '') lines.pop();
  const [untrusted = '', first = '', trusted = '', second = ''] = lines;
  if (lines.length !== 4 || !untrusted.startsWith(UNTRUSTED) || !trusted.startsWith(TRUSTED))
    return { error: 'it is no signature of minisign' };
  const trustedComment = trusted.slice(TRUSTED.length);
  if (
    Buffer.byteLength(untrusted) > UNTRUSTED.length + COMMENT_MAX ||
    Buffer.byteLength(trustedComment) > TRUSTED_MAX
  )
    return { error: 'its comment is too long' };
  const head = base64(first, 74);
  const global = base64(second, 64);
  const algorithm = head?.readUInt16BE(0);
  if (head === null || global === null || (algorithm !== LEGACY && algorithm !== PREHASHED))
    return { error: 'its signature is not written as minisign writes it' };
  return {
    prehashed: algorithm === PREHASHED,
    keyId: idText(head),
    signature: head.subarray(10),
    global,
    trustedComment,
  };
}

/** What a signature is over, gathered as the bytes of a file come; a legacy one needs the file as a whole. */
export class SignedBytes {
  readonly #hash: Hash | null;
  readonly #pieces: Buffer[] = [];

  constructor(signature: ListSignature) {
    this.#hash = signature.prehashed ? createHash('blake2b512') : null;
  }

  add(piece: Buffer): void {
    if (this.#hash === null) this.#pieces.push(piece);
    else this.#hash.update(piece);
  }

  /** Once, when all bytes were added. */
  end(): Buffer {
    return this.#hash === null ? Buffer.concat(this.#pieces) : this.#hash.digest();
  }
}

/** Whether one of `keys` made this signature over these bytes; null when it did, else why not. */
export function refuseSignature(
  signature: ListSignature,
  keys: readonly SigningKey[],
  signed: Buffer,
): string | null {
  const key = keys.find(k => k.id === signature.keyId);
  if (key === undefined) return `it was made with the key ${signature.keyId}, which the policy does not name`;
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: key.key.toString('base64url') },
    format: 'jwk',
  });
  if (!verify(null, signed, publicKey, signature.signature)) return 'it does not fit the list';
  const bound = Buffer.concat([signature.signature, Buffer.from(signature.trustedComment)]);
  if (!verify(null, bound, publicKey, signature.global)) return 'its trusted comment was changed';
  return null;
}

/**
 * When the signer says it signed, seconds since epoch, from `timestamp:` as minisign writes it into the trusted comment;
 * null when the signer wrote a comment of another kind.
 */
export function signingTime(trustedComment: string): number | null {
  const m = /(?:^|[\t ])timestamp:(\d{1,12})(?=$|[\t ])/.exec(trustedComment);
  return m === null ? null : Number(m[1]);
}

/** Bytes of exactly one canonical spelling; null for anything else. */
function base64(text: string, length: number): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === length && bytes.toString('base64') === text ? bytes : null;
}

/** Bytes 2 to 10, little-endian, without leading zeros. */
function idText(bytes: Buffer): string {
  return bytes.readBigUInt64LE(2).toString(16).toUpperCase();
}

function decode(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
