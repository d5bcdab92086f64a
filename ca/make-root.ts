/** A fresh root of ours: a P-256 key, a name that tells two of them apart, a certificate that signs leaves and nothing else. */
import { generateKeyPairSync, sign as cryptoSign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { hostname } from 'node:os';
import { DAY, leafSerial } from './leaf.ts';
import {
  caConstraints,
  caKeyUsage,
  distinguishedName,
  keyIdentifier,
  MAX_COMMON_NAME,
  p256Point,
  signCertificate,
  subjectKeyId,
} from './x509.ts';

export interface Root {
  key: KeyObject;
  /** DER. */
  certificate: Buffer;
}

export interface RootName {
  organization: string;
  commonName: string;
}

/** A P-256 key pair and the DER of its SPKI. */
export function makeKey(): { key: KeyObject; spki: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { key: privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) };
}

/** A self-signed P-256 root: pathLen 0, ten years, begun a day ago for clients whose clock is slow. `now` in ms. */
export function makeRoot(name: RootName, now: number, random: (size: number) => Buffer): Root {
  const { key, spki } = makeKey();
  const point = p256Point(spki);
  if (point === null) throw new Error('node:crypto made a P-256 key in an unexpected encoding');
  const subject = distinguishedName(name.organization, name.commonName);
  const start = Math.floor(now / 1000) * 1000;
  const certificate = signCertificate(
    {
      serial: leafSerial(random(16)),
      issuer: subject,
      subject,
      notBefore: start - DAY,
      notAfter: start + ROOT_DAYS * DAY,
      publicKey: spki,
      extensions: [caConstraints(), caKeyUsage(), subjectKeyId(keyIdentifier(point))],
    },
    tbs => cryptoSign('sha256', tbs, key),
  );
  return { key, certificate };
}
const ROOT_DAYS = 3652;

/** Host and a short id in the name: who has two of them in a trust store must be able to tell them apart. */
export function rootName(subject: Partial<RootName> | undefined, random: (size: number) => Buffer): RootName {
  const id = random(3).toString('hex');
  const host = (hostname().split('.')[0] ?? '').replace(/[^A-Za-z0-9-]/g, '').slice(0, 40) || 'host';
  const commonName = subject?.commonName ?? `Sightglass CA ${host} ${id}`;
  const organization = subject?.organization ?? 'Sightglass';
  for (const text of [commonName, organization])
    if (text === '' || text.length > MAX_COMMON_NAME)
      throw new RangeError(`a name of the authority must have 1 to ${MAX_COMMON_NAME} characters`);
  return { organization, commonName };
}
