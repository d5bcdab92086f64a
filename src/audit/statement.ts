/**
 * Signed statements: checkpoints of the chain, seals of day files, manifests of exports. A statement is text, one `name value`
 * per line under a title, and the signature (Ed25519) is over exactly these bytes: no two programs can disagree about
 * how a document is put in order before it is signed, and openssl can verify it (docs/audit.md). Pure.
 *
 * The key comes in as a port: whoever records holds a Signer and never the key's file; whoever verifies needs the public key
 * alone. A signature says that the holder of the key made the statement at the time its clock showed, nothing more.
 */
import { createHash, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Signs statements. */
export interface Signer {
  /** SHA-256 of the public key (DER, SubjectPublicKeyInfo), hex: how statements name the key. */
  readonly keyId: string;
  sign(statement: string): Buffer;
}

export interface Signed {
  /** Exactly the bytes that were signed. */
  statement: string;
  signature: Buffer;
}

export function keyIdOf(key: KeyObject): string {
  const open = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(open.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** A signer for an Ed25519 private key. */
export function signerOf(key: KeyObject): Signer {
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('statements are signed with Ed25519');
  return { keyId: keyIdOf(key), sign: statement => sign(null, Buffer.from(statement), key) };
}

/** Make and sign a statement; the key is named in it. */
export function makeStatement(
  signer: Signer,
  title: string,
  fields: Readonly<Record<string, string | number>>,
): Signed {
  const lines = Object.entries({ ...fields, key: signer.keyId }).map(([name, value]) => `${name} ${value}`);
  const statement = `${title}\n${lines.join('\n')}\n`;
  if (parseStatement(statement) === null) throw new TypeError(`a statement cannot say this: ${statement}`);
  return { statement, signature: signer.sign(statement) };
}

export interface Statement {
  title: string;
  /** By name. */
  fields: ReadonlyMap<string, string>;
}

/** Take a statement apart; null when it is none. Names are single words and come once, values are printable ASCII. */
export function parseStatement(text: string): Statement | null {
  if (text.length > MAX_STATEMENT || !text.endsWith('\n')) return null;
  const [title = '', ...lines] = text.slice(0, -1).split('\n');
  if (!/^sightglass [a-z]+ \d{1,3}$/.test(title)) return null;
  const fields = new Map<string, string>();
  for (const line of lines) {
    const m = /^([a-z][a-z0-9-]{0,40}) ([\x21-\x7e][\x20-\x7e]{0,1000})$/.exec(line);
    if (m?.[1] === undefined || m[2] === undefined || fields.has(m[1])) return null;
    fields.set(m[1], m[2]);
  }
  return { title, fields };
}
const MAX_STATEMENT = 16_384;

/** As a file: the statement, an empty line, `signature <base64>`. */
export const signedText = (signed: Signed): string =>
  `${signed.statement}\nsignature ${signed.signature.toString('base64')}\n`;

/** Inverse of signedText; null when the text is no signed statement. */
export function readSigned(text: string): Signed | null {
  if (text.length > MAX_STATEMENT + 200) return null;
  const m = /^([\s\S]*\n)\nsignature (\S+)\n$/.exec(text);
  const signature = readSignature(m?.[2] ?? '');
  if (m?.[1] === undefined || signature === null || parseStatement(m[1]) === null) return null;
  return { statement: m[1], signature };
}

/** The 64 bytes of a signature in their one canonical spelling; null for any other, so that no changed byte goes unseen. */
export function readSignature(base64: string): Buffer | null {
  const signature = Buffer.from(base64, 'base64');
  return signature.length === 64 && signature.toString('base64') === base64 ? signature : null;
}

/** Whether the key made the signature. Another kind of key is a no, never an error. */
export function isSignedBy(signed: Signed, key: KeyObject): boolean {
  try {
    return (
      key.asymmetricKeyType === 'ed25519' &&
      verify(null, Buffer.from(signed.statement), key, signed.signature)
    );
  } catch {
    return false;
  }
}
