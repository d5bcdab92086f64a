/**
 * The files of a rotation and their order, so that a crash between any two steps leaves a folder that opens again.
 *
 * Beside the pair that signs (`authority.key`, `authority.crt`) there may be a pair that will (`next.…`), one that did
 * (`previous.…`), and a request that waits for its answer (`next.csr`). A certificate or request is always written before
 * its key and a key is moved last: `next.key` alone therefore means one thing, a switch that was cut off after the
 * certificate had moved, and `completeSwitch` moves the key after it. Nothing is overwritten: what is there already refuses.
 */
import { linkSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  asRefusal,
  CERTIFICATE_FILE,
  KEY_FILE,
  listFolder,
  readCertificateFile,
  readKeyFile,
  syncFolder,
  writeNew,
} from './key-file.ts';
import type { StoredAuthority } from './key-file.ts';
import { NEXT_CERTIFICATE_FILE, PREVIOUS_CERTIFICATE_FILE } from './roots.ts';

export const NEXT_KEY_FILE = 'next.key';
export const PREVIOUS_KEY_FILE = 'previous.key';
export const REQUEST_FILE = 'next.csr';

/** Texts of a pair; null when one of the two is not there. */
export function readPair(dir: string, keyFile: string, certificateFile: string): StoredAuthority | null {
  const names = listFolder(dir) ?? [];
  if (!names.includes(keyFile) || !names.includes(certificateFile)) return null;
  return {
    keyPem: readKeyFile(join(dir, keyFile)),
    certificatePem: readCertificateFile(join(dir, certificateFile)),
  };
}

/** Write `next.key` and what stands for its public half: a certificate or a request, which is written first. */
export function writeNext(dir: string, publicFile: string, publicText: string, keyPem: string): void {
  touching(dir, () => {
    // A public half whose key was never written: the attempt before this one was cut off.
    if (!(listFolder(dir) ?? []).includes(NEXT_KEY_FILE)) rmSync(join(dir, publicFile), { force: true });
    writeNew(join(dir, publicFile), publicText, 0o644);
    writeNew(join(dir, NEXT_KEY_FILE), keyPem, 0o600);
  });
}

/** The answer to the request is there: it takes the request's place. */
export function answerRequest(dir: string, certificatePem: string): void {
  touching(dir, () => {
    rmSync(join(dir, NEXT_CERTIFICATE_FILE), { force: true });
    writeNew(join(dir, NEXT_CERTIFICATE_FILE), certificatePem, 0o644);
    rmSync(join(dir, REQUEST_FILE), { force: true });
  });
}

/** A request that nobody shall answer any more, and its key. The key goes first: a request without one is nothing. */
export function dropRequest(dir: string): void {
  touching(dir, () => {
    rmSync(join(dir, NEXT_KEY_FILE), { force: true });
    rmSync(join(dir, REQUEST_FILE), { force: true });
  });
}

/** `next` becomes the pair that signs, the pair that signed becomes `previous`. Both pairs must be there. */
export function moveNext(dir: string): void {
  touching(dir, () => {
    const names = listFolder(dir) ?? [];
    if (names.includes(CERTIFICATE_FILE)) {
      linkSync(join(dir, CERTIFICATE_FILE), join(dir, PREVIOUS_CERTIFICATE_FILE));
      linkSync(join(dir, KEY_FILE), join(dir, PREVIOUS_KEY_FILE));
    }
    renameSync(join(dir, NEXT_CERTIFICATE_FILE), join(dir, CERTIFICATE_FILE));
    renameSync(join(dir, NEXT_KEY_FILE), join(dir, KEY_FILE));
  });
}

/** Ends a switch that was cut off. Does nothing in every other case. */
export function completeSwitch(dir: string): void {
  const names = listFolder(dir) ?? [];
  const alone =
    names.includes(NEXT_KEY_FILE) && !names.includes(NEXT_CERTIFICATE_FILE) && !names.includes(REQUEST_FILE);
  const moved = names.includes(PREVIOUS_KEY_FILE) || !names.includes(KEY_FILE);
  if (!alone || !moved || !names.includes(CERTIFICATE_FILE)) return;
  touching(dir, () => renameSync(join(dir, NEXT_KEY_FILE), join(dir, KEY_FILE)));
}

/** Take a pair out of use: the key is deleted, the certificate kept under the name of what clients shall forget. */
export function retirePair(dir: string, keyFile: string, certificateFile: string, sha256: string): void {
  touching(dir, () => {
    const retired = join(dir, `retired-${sha256.slice(0, 16)}.crt`);
    rmSync(join(dir, keyFile), { force: true });
    rmSync(retired, { force: true });
    renameSync(join(dir, certificateFile), retired);
  });
}

function touching(dir: string, work: () => void): void {
  try {
    work();
    syncFolder(dir);
  } catch (error) {
    throw asRefusal(error, dir, 'unwritable');
  }
}
