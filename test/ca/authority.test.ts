import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { describeAuthority, openAuthority, unlockAuthority } from '../../ca/authority.ts';
import { linesOf, openssl, refuses, scratch, tryOpenssl } from './scratch.ts';

const PASSPHRASE = 'correct horse battery staple';

test('the first start makes a root as the design wants it, the second loads the same', t => {
  const dir = join(scratch(t), 'data', 'ca');
  const now = Date.UTC(2026, 10, 20, 12, 0, 0, 500);
  const first = openAuthority({ dir, now: () => now });
  assert.equal(first.created, true);
  const text = openssl(['x509', '-noout', '-text'], first.certificatePem);
  assert.match(text, /Version: 3/);
  assert.match(text, /Signature Algorithm: ecdsa-with-SHA256/);
  assert.match(text, /X509v3 Basic Constraints: critical\s+CA:TRUE, pathlen:0\n/);
  assert.match(text, /X509v3 Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
  assert.match(text, /NIST CURVE: P-256/);
  assert.match(text, /Subject: O = Sightglass, CN = Sightglass CA [A-Za-z0-9-]+ [0-9a-f]{6}\n/);
  assert.match(text, /Subject Key Identifier:\s+([0-9A-F]{2}:){19}[0-9A-F]{2}\n/);
  const certificate = new X509Certificate(first.certificatePem);
  assert.equal(certificate.checkIssued(certificate), true);
  assert.equal(certificate.verify(certificate.publicKey), true);
  const years = (Date.parse(certificate.validTo) - now) / (365.25 * 86_400_000);
  assert.ok(years > 9.99 && years < 10.01, `${years} years`);
  assert.ok(Date.parse(certificate.validFrom) <= now - 86_400_000);
  writeFileSync(join(dir, '..', 'root.pem'), first.certificatePem);
  const root = join(dir, '..', 'root.pem');
  assert.equal(
    tryOpenssl(['verify', '-x509_strict', '-attime', String((now / 1000) | 0), '-CAfile', root, root]).code,
    0,
  );

  const second = openAuthority({ dir });
  assert.equal(second.created, false);
  assert.deepEqual(second.certificateDer, first.certificateDer);
  assert.deepEqual(second.trusted.subject, first.trusted.subject);
});

test('the description agrees with openssl', t => {
  const dir = join(scratch(t), 'ca');
  const authority = openAuthority({
    dir,
    subject: { organization: 'Müller GmbH', commonName: 'Prüfstelle' },
  });
  const d = authority.describe();
  const fingerprint = (algorithm: string): string =>
    openssl(['x509', '-noout', '-fingerprint', `-${algorithm}`], authority.certificatePem)
      .replace(/.*=/, '')
      .replaceAll(':', '')
      .trim()
      .toLowerCase();
  assert.equal(d.sha256, fingerprint('sha256'));
  assert.equal(d.sha1, fingerprint('sha1'));
  assert.equal(
    d.serial,
    openssl(['x509', '-noout', '-serial'], authority.certificatePem).slice(7).trim().toLowerCase(),
  );
  assert.equal(d.subject, 'O=Müller GmbH, CN=Prüfstelle');
  assert.equal(d.issuer, d.subject);
  assert.equal(d.keyAlgorithm, 'ECDSA P-256');
  assert.equal(d.encrypted, false);
  assert.equal(d.keyFile, join(dir, 'authority.key'));
  const spki = new X509Certificate(authority.certificateDer).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  assert.equal(d.publicKeySha256, createHash('sha256').update(spki).digest('hex'));
  assert.equal(d.keyId, authority.trusted.keyId.toString('hex'));
  const { certificate, ...shown } = describeAuthority(dir);
  assert.deepEqual(shown, d);
  assert.deepEqual(certificate, authority.certificateDer);
  assert.throws(() => openAuthority({ dir: `${dir}2`, subject: { commonName: 'x'.repeat(65) } }), RangeError);
  assert.throws(() => openAuthority({ dir: `${dir}2`, subject: { organization: '' } }), RangeError);
});

test('every install has its own key and name; an authority shows no key', t => {
  const dir = scratch(t);
  const a = openAuthority({ dir: join(dir, 'a') });
  const b = openAuthority({ dir: join(dir, 'b') });
  assert.notEqual(a.describe().publicKeySha256, b.describe().publicKeySha256);
  assert.notDeepEqual(a.trusted.subject, b.trusted.subject);
  const shown = inspect(a, { depth: 9, showHidden: true }) + JSON.stringify(a);
  assert.doesNotMatch(shown, /PRIVATE|KeyObject/);
  const [line = ''] = linesOf(join(dir, 'a', 'authority.key'));
  assert.ok(!shown.includes(line));
});

test('a passphrase encrypts the key at rest; wrong, missing, empty and useless ones refuse', t => {
  const dir = join(scratch(t), 'ca');
  const made = openAuthority({ dir, passphrase: PASSPHRASE });
  const key = join(dir, 'authority.key');
  assert.equal(made.describe().encrypted, true);
  assert.match(readFileSync(key, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
  assert.equal(tryOpenssl(['pkey', '-in', key, '-noout', '-passin', `pass:${PASSPHRASE}`]).code, 0);
  assert.deepEqual(openAuthority({ dir, passphrase: PASSPHRASE }).certificateDer, made.certificateDer);
  const before = readFileSync(key);
  const secrets = [PASSPHRASE, ...linesOf(key)];
  refuses(() => openAuthority({ dir, passphrase: 'wrong' }), 'passphrase-wrong', secrets);
  refuses(() => openAuthority({ dir }), 'passphrase-missing', secrets);
  refuses(() => openAuthority({ dir, passphrase: '' }), 'passphrase-missing', secrets);
  refuses(() => unlockAuthority(dir, null), 'passphrase-missing', secrets);
  assert.deepEqual(readFileSync(key), before);
  assert.equal(describeAuthority(dir).encrypted, true, 'showing it needs no passphrase');
  const plain = join(scratch(t), 'ca');
  openAuthority({ dir: plain });
  refuses(() => openAuthority({ dir: plain, passphrase: PASSPHRASE }), 'passphrase-unused', secrets);
});

test('a group-readable key refuses at the start and nothing is made instead', t => {
  const dir = join(scratch(t), 'ca');
  openAuthority({ dir });
  const key = join(dir, 'authority.key');
  const before = readFileSync(key);
  chmodSync(key, 0o640);
  refuses(() => openAuthority({ dir }), 'file-unsafe', linesOf(key));
  refuses(() => describeAuthority(dir), 'file-unsafe', linesOf(key));
  assert.deepEqual(readFileSync(key), before);
});

test('the untrusted authority has another key, another name, says what it is, and lives in memory only', t => {
  const base = scratch(t);
  const a = openAuthority({ dir: join(base, 'ca') });
  const again = openAuthority({ dir: join(base, 'ca') });
  assert.notDeepEqual(a.untrusted.publicKey, a.trusted.publicKey);
  assert.notDeepEqual(a.untrusted.subject, a.trusted.subject);
  assert.notDeepEqual(a.untrusted.keyId, a.trusted.keyId);
  assert.match(a.untrusted.subject.toString('latin1'), /NOT TRUSTED/);
  assert.notDeepEqual(a.untrusted.publicKey, again.untrusted.publicKey, 'fresh in every process');
  assert.deepEqual(readdirSync(base), ['ca']);
  assert.deepEqual(readdirSync(join(base, 'ca')).sort(), ['authority.crt', 'authority.key']);
});

test('nothing is described or unlocked where nothing is', t => {
  const dir = join(scratch(t), 'ca');
  refuses(() => describeAuthority(dir), 'absent', []);
  refuses(() => unlockAuthority(dir, null), 'absent', []);
});

test('processes that start at once agree on one authority', async t => {
  const base = scratch(t);
  const dir = join(base, 'data', 'ca');
  // Each child loads the code, says so, and opens at the moment its input ends.
  const script = `const { openAuthority } = await import('./ca/authority.ts');
    process.stdout.write('ready ');
    process.stdin.on('end', () => {
      const a = openAuthority({ dir: process.argv[1] });
      process.stdout.write(a.created + ' ' + a.describe().sha256);
    }).resume();`;
  const children = [0, 1, 2].map(() =>
    spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, dir], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  t.after(() => children.forEach(child => child.kill('SIGKILL')));
  const outputs = children.map(child => {
    let text = '';
    const ready = new Promise<void>(resolve =>
      child.stdout.on('data', (data: Buffer) => {
        text += data.toString();
        if (text.startsWith('ready ')) resolve();
      }),
    );
    const done = new Promise<string>((resolve, reject) =>
      child.on('close', code => (code === 0 ? resolve(text) : reject(new Error(`exit ${code}: ${text}`)))),
    );
    return { ready, done };
  });
  await Promise.all(outputs.map(o => o.ready));
  for (const child of children) child.stdin.end();
  const answers = (await Promise.all(outputs.map(o => o.done))).map(text => text.split(' '));
  assert.equal(answers.filter(([, created]) => created === 'true').length, 1, 'exactly one made it');
  assert.equal(new Set(answers.map(([, , digest]) => digest)).size, 1, 'all use the same');
  assert.deepEqual(readdirSync(join(base, 'data')), ['ca'], 'the losers leave nothing behind');
});
