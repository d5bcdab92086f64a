/**
 * Throw-away certificates for the demo's own origin: one CA, and per host a certificate that is right or wrong in one
 * named way. They live in memory and in the demo's folder and are trusted by the demo's proxy only.
 */
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import {
  authorityKeyId,
  caConstraints,
  caKeyUsage,
  distinguishedName,
  keyIdentifier,
  leafConstraints,
  leafKeyUsage,
  oneAltName,
  p256Point,
  pem,
  serverAuthOnly,
  signCertificate,
  subjectKeyId,
} from '../../../ca/x509.ts';

/** What is wrong with a certificate; `good` when nothing is. */
export type Flaw = 'good' | 'expired' | 'self-signed' | 'wrong-name';

interface Keys {
  spki: Buffer;
  id: Buffer;
  pem: string;
}

export interface DemoAuthority {
  /** PEM of the CA certificate, for `origin.extra-ca`. */
  certificate: string;
  /** A TLS context for one host name. */
  contextFor(host: string, flaw: Flaw): SecureContext;
}

const DAY = 86_400_000;

/** Make the authority. `now` is ms since epoch. */
export function createDemoAuthority(now: number): DemoAuthority {
  const keys = makeKeys();
  const subject = distinguishedName('Sightglass demo', 'Throw-away CA of the demo origin');
  const wholeSecond = Math.floor(now / 1000) * 1000;
  const certificate = signCertificate(
    {
      serial: serial(),
      issuer: subject,
      subject,
      notBefore: wholeSecond - 400 * DAY,
      notAfter: wholeSecond + 30 * DAY,
      publicKey: keys.spki,
      extensions: [caConstraints(), caKeyUsage(), subjectKeyId(keys.id)],
    },
    signer(keys),
  );

  return {
    certificate: pem('CERTIFICATE', certificate),
    contextFor(host, flaw) {
      const own = makeKeys();
      const name = distinguishedName(null, host);
      const alone = flaw === 'self-signed';
      const expired = flaw === 'expired';
      const leaf = signCertificate(
        {
          serial: serial(),
          issuer: alone ? name : subject,
          subject: name,
          notBefore: wholeSecond - (expired ? 90 : 1) * DAY,
          notAfter: wholeSecond + (expired ? -3 : 20) * DAY,
          publicKey: own.spki,
          extensions: [
            leafConstraints(),
            leafKeyUsage(),
            serverAuthOnly(),
            subjectKeyId(own.id),
            authorityKeyId(alone ? own.id : keys.id),
            oneAltName('name', Buffer.from(flaw === 'wrong-name' ? `not-${host}` : host, 'ascii'), false),
          ],
        },
        signer(alone ? own : keys),
      );
      return createSecureContext({ cert: pem('CERTIFICATE', leaf), key: own.pem });
    },
  };
}

function makeKeys(): Keys {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const point = p256Point(spki);
  if (point === null) throw new RangeError('a P-256 key without an uncompressed point');
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { spki, id: keyIdentifier(point), pem: text.toString() };
}

function signer(keys: Keys): (tbs: Buffer) => Buffer {
  const key = createPrivateKey(keys.pem);
  return tbs => sign('sha256', tbs, key);
}

/** Positive and never zero (RFC 5280 §4.1.2.2). */
function serial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}
