/** Signs lists in tests as minisign does, with a key made on the spot. test/policy/minisign.test.ts holds it to the tool. */
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';

export interface Signer {
  /** As the second line of a `minisign.pub`. */
  publicKey: string;
  /** The text of a `.minisig`. */
  sign(list: Buffer | string, options?: { prehashed?: boolean; comment?: string }): string;
}

/** A new key each time; with a word always the same, for what must replay. */
export function makeSigner(word: string = randomBytes(16).toString('hex')): Signer {
  const seed = createHash('sha256').update(word).digest();
  // RFC 8410: an Ed25519 key in PKCS #8 is this and the 32 bytes.
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const id = createHash('sha256').update(seed).digest().subarray(0, 8);
  const raw = Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '', 'base64url');
  return {
    publicKey: Buffer.concat([Buffer.from('Ed'), id, raw]).toString('base64'),
    sign(list, { prehashed = true, comment = 'timestamp:1795188825\tfile:list' } = {}) {
      const bytes = Buffer.from(list);
      const signed = prehashed ? createHash('blake2b512').update(bytes).digest() : bytes;
      const signature = sign(null, signed, privateKey);
      const global = sign(null, Buffer.concat([signature, Buffer.from(comment)]), privateKey);
      const head = Buffer.concat([Buffer.from(prehashed ? 'ED' : 'Ed'), id, signature]);
      return [
        'untrusted comment: signature of a test',
        head.toString('base64'),
        `trusted comment: ${comment}`,
        global.toString('base64'),
        '',
      ].join('\n');
    },
  };
}
