import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeAuthority, openAuthority, unlockAuthority } from '../../ca/authority.ts';
import { AuthorityRefusal } from '../../ca/refusal.ts';
import * as x509 from '../../ca/x509.ts';
import { linesOf, refuses, scratch } from './scratch.ts';

const PASSPHRASE = 'correct horse battery staple';

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
