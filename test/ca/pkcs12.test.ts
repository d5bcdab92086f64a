import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import forge from 'node-forge';
import { openAuthority, unlockAuthority } from '../../ca/authority.ts';
import { pkcs12 } from '../../ca/pkcs12.ts';
import { openssl, scratch, tryOpenssl } from './scratch.ts';

test('a trust store: certificate in the open, no key, MAC with the passphrase, read by openssl and node-forge', t => {
  const dir = scratch(t);
  const { certificateDer } = openAuthority({ dir: join(dir, 'ca') });
  for (const passphrase of ['', 'changeit', 'pässword']) {
    const file = join(dir, 'store.p12');
    writeFileSync(
      file,
      pkcs12({ certificate: certificateDer, friendlyName: 'Prüfstelle', key: null, passphrase }, randomBytes),
    );
    const info = tryOpenssl(['pkcs12', '-info', '-in', file, '-passin', `pass:${passphrase}`, '-noenc']);
    assert.equal(info.code, 0, info.text);
    assert.match(info.text, /MAC: sha256, Iteration 4096/);
    assert.match(info.text, /friendlyName: Prüfstelle|friendlyName: Pr/);
    assert.match(info.text, /2\.16\.840\.1\.113894\.746875\.1\.1/, 'Java sees a trusted certificate');
    assert.doesNotMatch(info.text, /PRIVATE KEY|Shrouded/);
    const [certificate] =
      /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(info.text) ?? [];
    assert.deepEqual(new X509Certificate(certificate ?? '').raw, certificateDer);
    assert.notEqual(
      tryOpenssl(['pkcs12', '-in', file, '-passin', 'pass:wrong', '-nokeys']).code,
      0,
      'MAC is checked',
    );
  }
  const store = pkcs12(
    { certificate: certificateDer, friendlyName: 'x', key: null, passphrase: 'changeit' },
    randomBytes,
  );
  const read = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(store.toString('latin1')), false, 'changeit');
  assert.equal(
    read.getBags({ friendlyName: 'x' }).friendlyName?.length,
    1,
    'another reader finds it by its name',
  );
});

test('with the key: encrypted with AES-256 under PBKDF2, the same key comes out', t => {
  const dir = scratch(t);
  openAuthority({ dir: join(dir, 'ca') });
  const { key, certificate } = unlockAuthority(join(dir, 'ca'), null);
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const file = join(dir, 'key.p12');
  const data = pkcs12(
    { certificate, friendlyName: 'CA', key: pkcs8, passphrase: 'long enough' },
    randomBytes,
  );
  writeFileSync(file, data);
  const scalar = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  assert.equal(scalar.length, 32);
  assert.equal(data.includes(scalar), false, 'the private number does not stand in the open');
  const info = tryOpenssl(['pkcs12', '-info', '-in', file, '-passin', 'pass:long enough', '-noout']);
  assert.match(
    info.text,
    /Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 600000, PRF hmacWithSHA256/,
  );
  const text = openssl(['pkcs12', '-in', file, '-passin', 'pass:long enough', '-nocerts', '-noenc']);
  assert.deepEqual(createPrivateKey(text).export({ type: 'pkcs8', format: 'der' }), pkcs8);
  assert.throws(
    () => pkcs12({ certificate, friendlyName: 'CA', key: pkcs8, passphrase: '' }, randomBytes),
    RangeError,
  );
});

test('NSS (Firefox, Chromium on Linux) imports certificate and key', t => {
  const dir = scratch(t);
  openAuthority({ dir: join(dir, 'ca') });
  const { key, certificate } = unlockAuthority(join(dir, 'ca'), null);
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const file = join(dir, 'key.p12');
  writeFileSync(
    file,
    pkcs12({ certificate, friendlyName: 'entry', key: pkcs8, passphrase: 'long enough' }, randomBytes),
  );
  const database = ['-d', `sql:${dir}`];
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, [...args, ...database], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  run('certutil', '-N', '--empty-password');
  assert.match(run('pk12util', '-i', file, '-W', 'long enough'), /IMPORT SUCCESSFUL/);
  assert.match(run('certutil', '-L'), /entry\s+u,u,u/);
  assert.match(run('certutil', '-K'), /ec\s+[0-9a-f]{40}\s+entry/);
});
