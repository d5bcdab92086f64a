import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, createPrivateKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { chmodSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { describeAuthority, openAuthority, unlockAuthority } from '../../ca/authority.ts';
import { AuthorityRefusal } from '../../ca/refusal.ts';
import type { RefusalCode } from '../../ca/refusal.ts';
import * as x509 from '../../ca/x509.ts';
import { openssl, scratch, tryOpenssl } from './scratch.ts';

const PASSPHRASE = 'correct horse battery staple';

function refuses(open: () => unknown, code: RefusalCode, secrets: string[]): void {
  assert.throws(open, error => {
    assert.ok(error instanceof AuthorityRefusal, String(error));
    assert.equal(error.code, code);
    assert.ok(error.hint !== '');
    const told = `${inspect(error, { depth: 9 })} ${error.hint}`;
    for (const secret of secrets) assert.ok(!told.includes(secret), 'no key material in the text');
    return true;
  });
}

/** Lines of a key file that must never be told. */
const linesOf = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line.length > 20 && !line.startsWith('-----'));

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

test('a damaged key refuses, encrypted or not, and stays as it is', t => {
  const base = scratch(t);
  for (const passphrase of [null, PASSPHRASE]) {
    const dir = join(base, passphrase === null ? 'plain' : 'sealed');
    openAuthority({ dir, passphrase });
    const key = join(dir, 'authority.key');
    const good = readFileSync(key, 'utf8');
    const secrets = linesOf(key);
    const damages: [string, string][] = [
      ['empty', ''],
      ['garbage', '\0\x01garbage'],
      ['cut off', good.slice(0, good.length / 2)],
      ['cut inside', good.replace(/\n.{20}/, '\n')],
      ['no PEM', good.replaceAll('-----', '=====')],
      ['twice', good + good],
      ['certificate instead', readFileSync(join(dir, 'authority.crt'), 'utf8')],
    ];
    for (const [what, text] of damages) {
      writeFileSync(key, text);
      refuses(() => openAuthority({ dir, passphrase }), 'corrupt', secrets);
      assert.equal(readFileSync(key, 'utf8'), text, what);
    }
    // Damage inside the private number of a plain key no longer fits the certificate; inside ciphertext it reads as a wrong passphrase.
    const lines = good.split('\n');
    const middle = lines[2] ?? '';
    lines[2] = (middle.startsWith('A') ? 'B' : 'A') + middle.slice(1);
    writeFileSync(key, lines.join('\n'));
    assert.throws(
      () => openAuthority({ dir, passphrase }),
      error =>
        error instanceof AuthorityRefusal && ['corrupt', 'mismatch', 'passphrase-wrong'].includes(error.code),
    );
    assert.equal(readdirSync(dir).length, 2);
  }
});

test('a key of another authority, another kind of key, and a damaged certificate refuse', t => {
  const base = scratch(t);
  const [a, b] = [join(base, 'a'), join(base, 'b')];
  openAuthority({ dir: a });
  openAuthority({ dir: b });
  const key = join(a, 'authority.key');
  const original = readFileSync(key);
  copyFileSync(join(b, 'authority.key'), key);
  refuses(() => openAuthority({ dir: a }), 'mismatch', [...linesOf(key)]);
  refuses(() => describeAuthority(a), 'mismatch', linesOf(key));
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  refuses(() => openAuthority({ dir: a }), 'mismatch', linesOf(key));
  writeFileSync(key, original);

  const crt = join(a, 'authority.crt');
  const pem = readFileSync(crt, 'utf8');
  const der = new X509Certificate(pem).raw;
  const flipped = (at: number): string => {
    const copy = Buffer.from(der);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return x509.pem('CERTIFICATE', copy);
  };
  // stip FIA_X509_EXT.1: first bytes, a byte of the name, of the public key, the last byte.
  const point = der.indexOf(Buffer.from('034200', 'hex')) + 10;
  const texts = [0, 1, 2, 3, 4, 5, 6, 7, der.indexOf('Sightglass'), point, der.length - 1].map(flipped);
  for (const text of ['', 'x', pem.slice(0, 200), ...texts]) {
    writeFileSync(crt, text);
    refuses(() => openAuthority({ dir: a }), 'corrupt', linesOf(key));
  }
  writeFileSync(crt, pem);
  assert.equal(openAuthority({ dir: a }).created, false, 'and with the right pair it opens again');
});

test('a certificate that is no CA or lacks a key identifier refuses', t => {
  const dir = join(scratch(t), 'ca');
  openAuthority({ dir });
  const key = createPrivateKey(readFileSync(join(dir, 'authority.key')));
  const { publicKey } = unlockCertificate(dir);
  const name = x509.distinguishedName('Sightglass', 'x');
  for (const extensions of [
    [x509.leafConstraints(), x509.subjectKeyId(Buffer.alloc(20))],
    [x509.caConstraints(), x509.caKeyUsage()],
  ]) {
    const certificate = x509.signCertificate(
      {
        serial: Buffer.of(1),
        issuer: name,
        subject: name,
        notBefore: 0,
        notAfter: Date.UTC(2040, 0, 1),
        publicKey: publicKey.export({ type: 'spki', format: 'der' }),
        extensions,
      },
      tbs => sign('sha256', tbs, key),
    );
    writeFileSync(join(dir, 'authority.crt'), x509.pem('CERTIFICATE', certificate));
    refuses(() => openAuthority({ dir }), 'corrupt', linesOf(join(dir, 'authority.key')));
  }
});

function unlockCertificate(dir: string): X509Certificate {
  return new X509Certificate(unlockAuthority(dir, null).certificate);
}

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
