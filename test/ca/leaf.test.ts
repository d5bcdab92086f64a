import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { openAuthority } from '../../ca/authority.ts';
import { buildLeaf, DAY, leafSerial, leafValidity, MAX_LIFE } from '../../ca/leaf.ts';
import type { LeafParts, ValidityBounds } from '../../ca/leaf.ts';
import { encode, encoded, sequence } from '../../ca/der.ts';
import { pem } from '../../ca/x509.ts';
import { judge, leafKey, openssl, scratch } from './scratch.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const VALIDITY = { notBefore: NOW - DAY, notAfter: NOW + 30 * DAY };
const KEY = leafKey();

const parts = (changes: Partial<LeafParts> = {}): LeafParts => ({
  name: 'www.example.com',
  nameKind: 'name',
  publicKey: KEY.spki,
  serial: leafSerial(randomBytes(16)),
  validity: VALIDITY,
  ...changes,
});

test('the profile, read by openssl', t => {
  const dir = scratch(t);
  const authority = openAuthority({ dir: join(dir, 'ca'), now: () => NOW });
  const leaf = buildLeaf(parts(), authority.trusted);
  const leafPem = pem('CERTIFICATE', leaf.certificate);
  const text = openssl(['x509', '-noout', '-text'], leafPem);
  assert.match(text, /Version: 3 \(0x2\)/);
  assert.match(text, /Signature Algorithm: ecdsa-with-SHA256/);
  assert.match(text, /Not Before: Nov 19 12:00:00 2026 GMT\s+Not After : Dec 20 12:00:00 2026 GMT/);
  assert.match(text, /Subject: CN = www\.example\.com\n/);
  // All extensions with their criticality, and none beside them.
  const extensions = text.slice(text.indexOf('X509v3 extensions:'), text.lastIndexOf('Signature Algorithm'));
  assert.deepEqual(
    extensions.match(/X509v3 [A-Z].*/g)?.map(line => line.trim()),
    [
      'X509v3 Basic Constraints: critical',
      'X509v3 Key Usage: critical',
      'X509v3 Extended Key Usage:',
      'X509v3 Subject Key Identifier:',
      'X509v3 Authority Key Identifier:',
      'X509v3 Subject Alternative Name:',
    ],
  );
  assert.match(extensions, /CA:FALSE\n/);
  assert.match(extensions, /Key Usage: critical\s+Digital Signature\n/);
  assert.match(extensions, /Extended Key Usage: \s+TLS Web Server Authentication\n/);
  assert.match(extensions, /Subject Alternative Name: \s+DNS:www\.example\.com\n/);
  const keyIds = [...extensions.matchAll(/(?:[0-9A-F]{2}:){19}[0-9A-F]{2}/g)].map(m => m[0]);
  const caId = authority.trusted.keyId.toString('hex').toUpperCase();
  assert.equal(keyIds.length, 2);
  assert.notEqual(keyIds[0]?.replaceAll(':', ''), caId, 'SKI is the leaf key’s own');
  assert.equal(keyIds[1]?.replaceAll(':', ''), caId, 'AKI is the SKI of the authority');
  const verdict = judge(dir, authority.certificatePem, leafPem, 'www.example.com', 'name', NOW);
  assert.equal(verdict.code, 0, verdict.text);
  const certificate = new X509Certificate(leaf.certificate);
  assert.equal(certificate.serialNumber.toLowerCase(), leaf.serial);
  assert.equal(certificate.checkIssued(new X509Certificate(authority.certificatePem)), true);
});

test('issuer name and public key stand in the leaf byte for byte', t => {
  const organization = 'Prüfstelle — 審査';
  const authority = openAuthority({ dir: join(scratch(t), 'ca'), subject: { organization } });
  const { subject } = authority.trusted;
  assert.ok(subject.includes(Buffer.from(organization)));
  assert.equal(authority.certificateDer.indexOf(subject) > 0, true);
  const leaf = buildLeaf(parts(), authority.trusted).certificate;
  assert.ok(leaf.includes(subject));
  assert.ok(leaf.includes(KEY.spki));
});

test('names of every kind and length verify in openssl for themselves and for nothing else', t => {
  const dir = scratch(t);
  const authority = openAuthority({ dir: join(dir, 'ca'), now: () => NOW });
  const label = (n: number): string => 'a'.repeat(n);
  const longest = `${label(63)}.${label(63)}.${label(63)}.${label(61)}`;
  const cases: [LeafParts['nameKind'], string, string][] = [
    ['name', 'a', 'b'],
    ['name', 'xn--mnchen-3ya.example', 'xn--mnchen-3yb.example'],
    ['name', '_under.example.com', 'under.example.com'],
    ['name', `${label(60)}.com`, `${label(59)}.com`],
    ['name', `${label(61)}.com`, `${label(62)}.com`],
    ['name', longest, longest.slice(1)],
    ['ip', '192.0.2.1', '192.0.2.2'],
    ['ip', '2001:db8::1', '2001:db8::2'],
    ['ip', '::', '::1'],
  ];
  for (const [nameKind, name, other] of cases) {
    const leaf = buildLeaf(parts({ name, nameKind }), authority.trusted);
    const leafPem = pem('CERTIFICATE', leaf.certificate);
    const good = judge(dir, authority.certificatePem, leafPem, name, nameKind, NOW);
    assert.equal(good.code, 0, `${name}: ${good.text}`);
    const bad = judge(dir, authority.certificatePem, leafPem, other, nameKind, NOW);
    assert.notEqual(bad.code, 0, `${other} must not match ${name}`);
    const certificate = new X509Certificate(leaf.certificate);
    // The subject is empty exactly when the name is too long for it, and then the SAN is critical.
    const san = openssl(['x509', '-noout', '-ext', 'subjectAltName'], leafPem);
    assert.equal(san.includes('critical'), name.length > 64, name);
    assert.equal(certificate.subject ?? '', name.length > 64 ? '' : `CN=${name}`);
    assert.equal(san.match(/DNS:|IP Address:/g)?.length, 1, 'exactly one name');
  }
});

test('for any name and validity the leaf says just that, and openssl agrees', t => {
  const dir = scratch(t);
  const authority = openAuthority({ dir: join(dir, 'ca'), now: () => NOW });
  const word = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
  const name = fc
    .array(word, { minLength: 1, maxLength: 4 })
    .map(labels => `${labels.join('.')}.test`)
    .filter(text => text.length <= 253);
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const subject = fc.oneof(
    name.map(text => ({ name: text, nameKind: 'name' as const })),
    address.map(text => ({ name: text, nameKind: 'ip' as const })),
  );
  const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
  let judged = 0;
  fc.assert(
    fc.property(subject, seconds, fc.integer({ min: 1, max: 45 * 86_400 }), (who, start, life) => {
      const validity = { notBefore: start * 1000, notAfter: (start + life) * 1000 };
      const leaf = buildLeaf(parts({ ...who, validity }), authority.trusted);
      const certificate = new X509Certificate(leaf.certificate);
      assert.equal(certificate.verify(createPublicKeyOf(authority.trusted.publicKey)), true);
      assert.equal(Date.parse(certificate.validFrom), validity.notBefore);
      assert.equal(Date.parse(certificate.validTo), validity.notAfter);
      const found = who.nameKind === 'name' ? certificate.checkHost(who.name) : certificate.checkIP(who.name);
      assert.notEqual(found, undefined, who.name);
      // The encoder is exact: reading the certificate and writing it again changes nothing.
      assert.deepEqual(encode(sequence(encoded(leaf.certificate))).subarray(4), leaf.certificate);
      if (judged++ % 10 === 0) {
        const text = openssl(
          ['x509', '-noout', '-dates', '-ext', 'subjectAltName'],
          pem('CERTIFICATE', leaf.certificate),
        );
        assert.match(text, /notBefore=.*GMT\nnotAfter=.*GMT\n/);
        assert.equal(text.match(/DNS:|IP Address:/g)?.length, 1);
      }
    }),
    { numRuns: 150, seed: 20261120 },
  );
  assert.ok(judged >= 150);
});

const createPublicKeyOf = (spki: Buffer) => createPublicKey({ key: spki, format: 'der', type: 'spki' });

test('serials are positive, 16 bytes, and keep at least 126 random bits', () => {
  for (const random of [Buffer.alloc(16), Buffer.alloc(16, 0xff), Buffer.from('80'.repeat(16), 'hex')]) {
    const serial = leafSerial(random);
    assert.equal(serial.length, 16);
    assert.equal((serial[0] ?? 0) & 0xc0, 0x40);
    assert.deepEqual(serial.subarray(1), random.subarray(1));
    assert.equal((serial[0] ?? 0) & 0x3f, (random[0] ?? 0) & 0x3f);
  }
  const many = new Set(Array.from({ length: 2000 }, () => leafSerial(randomBytes(16)).toString('hex')));
  assert.equal(many.size, 2000);
});

test('a key that is no P-256 key, or a serial of another length, is a programming error', t => {
  const { trusted } = openAuthority({ dir: join(scratch(t), 'ca') });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  assert.throws(() => buildLeaf(parts({ publicKey: rsa }), trusted), RangeError);
  assert.throws(() => buildLeaf(parts({ serial: Buffer.alloc(8) }), trusted), RangeError);
});

const bounds = (changes: Partial<ValidityBounds> = {}): ValidityBounds => ({
  now: NOW,
  originNotBefore: null,
  originNotAfter: null,
  authority: { notBefore: NOW - 365 * DAY, notAfter: NOW + 3650 * DAY },
  days: 30,
  backdate: DAY,
  ...changes,
});

test('one bound at a time decides the validity (stip FDP_CER_EXT.1.4)', () => {
  const cases: [string, Partial<ValidityBounds>, number, number][] = [
    ['nothing but the maximum', {}, NOW - DAY, NOW + 30 * DAY],
    ['old origin', { originNotBefore: 0, originNotAfter: NOW + 90 * DAY }, NOW - DAY, NOW + 30 * DAY],
    [
      'young origin',
      { originNotBefore: NOW - 5000, originNotAfter: NOW + 90 * DAY },
      NOW - 5000,
      NOW + 30 * DAY,
    ],
    ['origin ends soonest', { originNotBefore: 0, originNotAfter: NOW + DAY }, NOW - DAY, NOW + DAY],
    ['authority ends soonest', { authority: { notBefore: 0, notAfter: NOW + 7000 } }, NOW - DAY, NOW + 7000],
    [
      'young authority',
      { authority: { notBefore: NOW - 3000, notAfter: NOW + 99 * DAY } },
      NOW - 3000,
      NOW + 30 * DAY,
    ],
    ['strict profile', { backdate: 0 }, NOW, NOW + 30 * DAY],
    ['too much backdate', { backdate: 9 * DAY }, NOW - DAY, NOW + 30 * DAY],
    ['too many days', { days: 397 }, NOW - DAY, NOW + 44 * DAY],
    [
      'fractions go inwards',
      { now: NOW + 1, originNotAfter: NOW + 5999, originNotBefore: NOW - 1500 },
      NOW - 1000,
      NOW + 5000,
    ],
  ];
  for (const [what, changes, notBefore, notAfter] of cases)
    assert.deepEqual(leafValidity(bounds(changes)), { notBefore, notAfter }, what);
});

test('where no validity is left the answer says why', () => {
  const cases: [Partial<ValidityBounds>, RegExp][] = [
    [{ authority: { notBefore: 0, notAfter: NOW } }, /authority has expired/],
    [{ authority: { notBefore: NOW + 1, notAfter: NOW + DAY } }, /authority is not valid yet/],
    [{ originNotBefore: 0, originNotAfter: NOW }, /origin certificate has expired/],
    [{ originNotBefore: NOW + 60_000, originNotAfter: NOW + DAY }, /origin certificate is not valid yet/],
  ];
  for (const [changes, words] of cases) {
    const answer = leafValidity(bounds(changes));
    assert.match('refused' in answer ? answer.refused : 'not refused', words);
  }
});

test('a validity never leaves any of its bounds', () => {
  const offset = fc.integer({ min: -100 * DAY, max: 4000 * DAY });
  fc.assert(
    fc.property(
      fc.record({
        onb: offset,
        ona: offset,
        anb: offset,
        ana: offset,
        days: fc.integer({ min: 1, max: 400 }),
        backdate: fc.integer({ min: 0, max: 3 * DAY }),
        fraction: fc.integer({ min: 0, max: 999 }),
      }),
      ({ onb, ona, anb, ana, days, backdate, fraction }) => {
        const now = NOW + fraction;
        const given = bounds({
          now,
          originNotBefore: now + onb,
          originNotAfter: now + ona,
          authority: { notBefore: now + anb, notAfter: now + ana },
          days,
          backdate,
        });
        const v = leafValidity(given);
        if ('refused' in v) {
          // A refusal needs a reason: with every bound wide open there is always a validity.
          assert.ok(onb > 0 || ona < 2000 || anb > 0 || ana < 2000, v.refused);
          return;
        }
        assert.equal(v.notBefore % 1000, 0);
        assert.equal(v.notAfter % 1000, 0);
        assert.ok(v.notBefore >= now + onb && v.notBefore >= now + anb && v.notBefore >= now - DAY);
        assert.ok(v.notAfter <= now + ona && v.notAfter <= now + ana && v.notAfter <= now + days * DAY);
        assert.ok(v.notAfter > now);
        assert.ok(v.notAfter - v.notBefore <= MAX_LIFE);
      },
    ),
    { numRuns: 2000, seed: 7 },
  );
});

/** A TLS server with the leaf; Node and openssl as clients that trust the authority and nothing else. */
test('Node and openssl s_client complete a handshake with the leaf, and refuse it for another name', async t => {
  const dir = scratch(t);
  const authority = openAuthority({ dir: join(dir, 'ca') });
  const now = Date.now();
  const validity = { notBefore: Math.floor(now / 1000) * 1000 - 60_000, notAfter: now + DAY };
  const leaf = buildLeaf(parts({ validity }), authority.trusted);
  const server = createServer({ cert: pem('CERTIFICATE', leaf.certificate), key: KEY.privatePem }, socket => {
    socket.on('error', () => undefined);
    socket.end('hello');
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;

  const shake = (servername: string, ca: string | undefined): Promise<string> =>
    new Promise(resolve => {
      const socket = connect({ port, host: '127.0.0.1', servername, ca: ca ?? [] }, () => {
        const told = socket.authorized
          ? `ok ${socket.getPeerCertificate().subjectaltname}`
          : 'not authorized';
        socket.destroy();
        resolve(told);
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    });
  assert.equal(await shake('www.example.com', authority.certificatePem), 'ok DNS:www.example.com');
  assert.equal(await shake('example.com', authority.certificatePem), 'ERR_TLS_CERT_ALTNAME_INVALID');
  const stranger = openAuthority({ dir: join(dir, 'stranger') });
  assert.match(await shake('www.example.com', stranger.certificatePem), /UNABLE_TO_VERIFY_LEAF_SIGNATURE/);

  writeFileSync(join(dir, 'root.pem'), authority.certificatePem);
  const sClient = (name: string): Promise<string> =>
    new Promise(resolve => {
      const args = [
        's_client',
        '-connect',
        `127.0.0.1:${port}`,
        '-servername',
        name,
        '-verify_hostname',
        name,
      ];
      const strict = ['-verify_return_error', '-x509_strict', '-CAfile', join(dir, 'root.pem')];
      const child = spawn('openssl', [...args, ...strict], { stdio: ['ignore', 'pipe', 'pipe'] });
      let text = '';
      child.stdout.on('data', (data: Buffer) => (text += data.toString()));
      child.stderr.on('data', (data: Buffer) => (text += data.toString()));
      child.on('close', () => resolve(text));
    });
  assert.match(await sClient('www.example.com'), /Verification: OK\nVerified peername: www\.example\.com\n/);
  assert.match(await sClient('other.example.com'), /verify error:num=62:[Hh]ostname mismatch/);
});
