/** The part of a day's verification that looks at its seal and at the file as bytes. Reads the file once, in chunks. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { digestOf } from '../chain.ts';
import { readSeal, sealOf } from '../seal.ts';
import { isSignedBy } from '../statement.ts';
import type { KeyObject } from 'node:crypto';
import type { Seal } from '../seal.ts';
import type { Findings } from './finding.ts';

const HASH_CHUNK = 4 * 1024 * 1024;

/** The day's seal when it is good; a bad one is a finding. */
export function verifySeal(
  dir: string,
  day: string,
  key: KeyObject,
  findings: Findings,
): (Seal & { digest: string }) | null {
  const signed = sealOf(dir, day);
  if (signed === null) return null;
  const seal = signed === 'damaged' ? null : readSeal(signed.statement);
  if (signed === 'damaged' || seal === null) {
    findings.add('unreadable', `${day}.seal is damaged`);
    return null;
  }
  if (!isSignedBy(signed, key) || seal.day !== day) {
    findings.add(
      'signature',
      `${day}.seal is not signed by this key for this day (it names key ${seal.key})`,
    );
    return null;
  }
  return { ...seal, digest: digestOf(signed.statement) };
}

/** Whether the file has other bytes than its seal says. A shorter or longer one is a finding by itself. */
export function fileDiffers(file: string, seal: Seal, findings: Findings): boolean {
  const hash = createHash('sha256');
  const fd = fs.openSync(file, 'r');
  try {
    const { size } = fs.fstatSync(fd);
    if (size < seal.size) findings.add('truncated', `the file has ${size} bytes, ${seal.size} were sealed`);
    const chunk = Buffer.allocUnsafe(HASH_CHUNK);
    for (let n = -1; n !== 0;) {
      n = fs.readSync(fd, chunk, 0, chunk.length, null);
      hash.update(chunk.subarray(0, n));
    }
    return size !== seal.size || hash.digest('hex') !== seal.sha256;
  } finally {
    fs.closeSync(fd);
  }
}
