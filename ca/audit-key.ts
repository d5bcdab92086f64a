/**
 * The key that signs the audit: Ed25519, in a folder of its own (0700) with `audit.key` (0600, encrypted when there is a passphrase)
 * and `audit.pub`, made once and in the same way as the authority's (key-file.ts): never replaced, never made again because
 * something is wrong with it. A lost or exchanged key must be noticed, since everything signed hangs on it.
 *
 * Not the authority's key: who can mint leaves and who can vouch for the records need not be the same, and a rotation of
 * one must not touch the other.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { readStored, storeNew } from './key-file.ts';
import type { PairNames } from './key-file.ts';
import { AuthorityRefusal } from './refusal.ts';
import { isEncrypted, matchPassphrase, sealKey } from './unlock.ts';

const NAMES: PairNames = { key: 'audit.key', certificate: 'audit.pub', what: 'audit key' };

/** Folder of the key below the data directory. */
export const auditKeyDir = (dataDir: string): string => join(dataDir, 'audit-key');

export interface AuditKey {
  privateKey: KeyObject;
  publicKey: KeyObject;
  publicPem: string;
  /** True when this call made it. */
  created: boolean;
}

/** Open the key, or make it when its folder does not exist or is empty. Throws AuthorityRefusal for everything else. */
export function openAuditKey(
  dir: string,
  passphrase: string | null,
  random: (size: number) => Buffer = randomBytes,
): AuditKey {
  let created = false;
  if (readStored(dir, NAMES) === null) {
    const pair = generateKeyPairSync('ed25519');
    const keyPem = sealKey(pair.privateKey, passphrase, random);
    const certificatePem = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));
    const stored = { keyPem, certificatePem };
    created = storeNew(dir, stored, random(8).toString('hex'), NAMES) === 'created';
  }
  const stored = readStored(dir, NAMES);
  if (stored === null)
    throw new AuthorityRefusal('unreadable', `${dir} vanished while it was read`, 'Start again.');
  const publicKey = readPublic(join(dir, NAMES.certificate), stored.certificatePem);
  const privateKey = unlock(join(dir, NAMES.key), stored.keyPem, passphrase);
  const probe = Buffer.from('sightglass audit key check');
  if (
    privateKey.asymmetricKeyType !== 'ed25519' ||
    !verify(null, probe, publicKey, sign(null, probe, privateKey))
  )
    throw new AuthorityRefusal(
      'mismatch',
      `${join(dir, NAMES.key)} is not the key of ${join(dir, NAMES.certificate)}`,
      'Restore the two files that belong together.',
    );
  return { privateKey, publicKey, publicPem: stored.certificatePem, created };
}

/** The public key alone; null when no key was made yet. Needs no passphrase. */
export function readAuditPublicKey(dir: string): { publicKey: KeyObject; publicPem: string } | null {
  const stored = readStored(dir, NAMES);
  if (stored === null) return null;
  const publicPem = stored.certificatePem;
  return { publicKey: readPublic(join(dir, NAMES.certificate), publicPem), publicPem };
}

const RESTORE = 'Restore it from a backup. Nothing is generated in its place.';

function readPublic(path: string, pemText: string): KeyObject {
  try {
    const key = createPublicKey(pemText);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Told below, without the words of the library.
  }
  throw new AuthorityRefusal('corrupt', `${path} holds no Ed25519 public key`, RESTORE);
}

function unlock(path: string, keyPem: string, passphrase: string | null): KeyObject {
  const encrypted = isEncrypted(keyPem);
  matchPassphrase(path, encrypted, passphrase);
  try {
    return createPrivateKey({ key: keyPem, format: 'pem', ...(passphrase === null ? {} : { passphrase }) });
  } catch {
    throw encrypted
      ? new AuthorityRefusal(
          'passphrase-wrong',
          `The passphrase does not open ${path}`,
          'Check ca.passphrase-file; if the passphrase is right the file is damaged: restore it from a backup.',
        )
      : new AuthorityRefusal('corrupt', `${path} is damaged: it holds no readable private key`, RESTORE);
  }
}
