import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import * as x509 from '../../ca/x509.ts';
import { leafKey, openssl } from './scratch.ts';

test('a certificate of ours survives openssl asn1parse and says what was put in', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const subject = x509.distinguishedName('Örg', 'Näme');
  const certificate = x509.signCertificate(
    {
      serial: Buffer.from('00f1', 'hex'),
      issuer: subject,
      subject,
      notBefore: Date.UTC(2026, 0, 1),
      notAfter: Date.UTC(2055, 0, 1),
      publicKey: spki,
      extensions: [x509.caConstraints(), x509.caKeyUsage(), x509.subjectKeyId(Buffer.alloc(20, 7))],
    },
    tbs => sign('sha256', tbs, privateKey),
  );
  const parsed = openssl(['asn1parse', '-inform', 'DER'], certificate);
  assert.match(parsed, /INTEGER\s+:F1\n/);
  assert.match(parsed, /UTCTIME\s+:260101000000Z/);
  assert.match(parsed, /GENERALIZEDTIME\s+:20550101000000Z/);
  const read = new X509Certificate(certificate);
  assert.equal(read.verify(publicKey), true);
  assert.equal(read.subject, 'O=Örg\nCN=Näme');
  assert.equal(read.ca, true);
  assert.deepEqual(x509.readIssuer(certificate), { subject, keyId: Buffer.alloc(20, 7) });
  assert.equal(x509.pem('CERTIFICATE', certificate), read.toString());
});

test('only an uncompressed P-256 public key has a point here', () => {
  const { spki } = leafKey();
  const point = x509.p256Point(spki);
  assert.equal(point?.length, 65);
  const jwk = createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({ format: 'jwk' });
  assert.equal(point?.subarray(1, 33).toString('base64url'), jwk.x);
  for (const [type, options] of [
    ['rsa', { modulusLength: 2048 }],
    ['ec', { namedCurve: 'secp384r1' }],
    ['ed25519', {}],
  ] as const) {
    const key = generateKeyPairSync(type as 'rsa', options as { modulusLength: number });
    assert.equal(x509.p256Point(key.publicKey.export({ type: 'spki', format: 'der' })), null, type);
  }
  assert.equal(x509.p256Point(Buffer.concat([spki, Buffer.of(0)])), null, 'trailing byte');
  assert.equal(x509.p256Point(spki.subarray(0, -1)), null, 'short');
  const compressed = Buffer.from(spki);
  compressed[26] = 2;
  assert.equal(x509.p256Point(compressed), null, 'other point format');
});

test('a certificate without subject key identifier is told apart', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const name = x509.distinguishedName(null, 'x');
  const certificate = x509.signCertificate(
    {
      serial: Buffer.of(1),
      issuer: name,
      subject: name,
      notBefore: 0,
      notAfter: Date.UTC(2030, 0, 1),
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      extensions: [x509.caConstraints()],
    },
    tbs => sign('sha256', tbs, privateKey),
  );
  assert.equal(x509.readIssuer(certificate), null);
});
