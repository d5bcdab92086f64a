import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { BAD_KINDS, badCertificates, makeTestCa } from './tls-authority.ts';

const verify = (
  caFile: string,
  certFile: string,
  ...more: string[]
): { code: number | null; text: string } => {
  const args = [
    'verify',
    '-purpose',
    'sslserver',
    '-CAfile',
    caFile,
    '-untrusted',
    certFile,
    ...more,
    certFile,
  ];
  const run = spawnSync('openssl', args, { encoding: 'utf8' });
  return { code: run.status, text: run.stdout + run.stderr };
};

test('good certificates of every kind verify', t => {
  const ca = makeTestCa();
  t.after(ca.remove);
  for (const ask of [{ key: 'ec' }, { key: 'rsa' }, { curve: 'secp384r1' }, { hash: 'sha384' }] as const) {
    const files = ca.issue({ names: ['origin.test', '127.0.0.1', '::1'], ...ask });
    assert.equal(verify(ca.caFile, files.certFile, '-verify_hostname', 'origin.test').code, 0);
    assert.equal(verify(ca.caFile, files.certFile, '-verify_ip', '::1').code, 0);
    assert.equal(new X509Certificate(files.cert).subject, 'CN=origin.test');
  }
  const below = ca.subordinate({ pathLen: 0 }).issue({ names: ['origin.test'] });
  assert.equal(below.cert.match(/BEGIN CERTIFICATE/g)?.length, 2, 'the chain comes along');
  assert.equal(verify(ca.caFile, below.certFile).code, 0);
  const again = makeTestCa({ signWith: { cert: below.cert, key: below.key } });
  t.after(again.remove);
  assert.match(new X509Certificate(again.issue({ names: ['x.test'] }).cert).issuer, /CN=origin\.test/);
});

test('each bad certificate is bad in its own way', () => {
  const ca = makeTestCa();
  const bad = badCertificates(ca, 'origin.test');
  const words: Record<string, RegExp> = {
    expired: /has expired/,
    notYetValid: /not yet valid/,
    wrongName: /[Hh]ostname mismatch/,
    selfSigned: /self-signed/,
    untrusted: /unable to get local issuer/,
    wrongUse: /(unsupported|unsuitable) certificate purpose/,
    missingIntermediate: /unable to get local issuer/,
    falseIntermediate: /invalid CA certificate/,
  };
  assert.deepEqual(Object.keys(bad), [...BAD_KINDS]);
  for (const [kind, pattern] of Object.entries(words)) {
    const { certFile } = bad[kind as (typeof BAD_KINDS)[number]];
    const { code, text } = verify(ca.caFile, certFile, '-verify_hostname', 'origin.test');
    assert.notEqual(code, 0, kind);
    assert.match(text, pattern, kind);
  }
  const weak = new X509Certificate(bad.weakKey.cert);
  assert.equal(weak.publicKey.asymmetricKeyDetails?.modulusLength, 1024);
  const cnOnly = new X509Certificate(bad.cnOnly.cert);
  assert.deepEqual([cnOnly.subject, cnOnly.subjectAltName], ['CN=origin.test', undefined]);
  ca.remove();
  assert.equal(existsSync(ca.dir), false);
});
