/** Files by openssl (today's and the legacy kinds), by NSS-compatible settings, and our own export: all are read back. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuthority, unlockAuthority } from '../../ca/authority.ts';
import { exportCertificate, exportWithKey } from '../../ca/export.ts';
import { readPkcs12 } from '../../ca/pkcs12-read.ts';
import { openssl, refuses, scratch } from './scratch.ts';

const PASSPHRASE = 'correct horse battery';

test('files of every common kind, and what is none', t => {
  const dir = join(scratch(t), 'ca');
  const { certificateDer } = openAuthority({ dir });
  const { key } = unlockAuthority(dir, null);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const made = (...more: string[]): Buffer =>
    execFileSync('openssl', [
      'pkcs12',
      '-export',
      '-inkey',
      join(dir, 'authority.key'),
      '-in',
      join(dir, 'authority.crt'),
      '-passout',
      `pass:${PASSPHRASE}`,
      ...more,
    ]);
  const files: [string, Buffer][] = [
    ['openssl 3', made()],
    ['older Windows', made('-legacy', '-macalg', 'sha1')],
    ['ours', exportWithKey(certificateDer, key, PASSPHRASE)],
  ];
  for (const [kind, file] of files) {
    const pair = readPkcs12(file, PASSPHRASE);
    assert.deepEqual(createPublicKey(pair.key).export({ type: 'spki', format: 'der' }), spki, kind);
    assert.deepEqual(pair.certificates, [certificateDer], kind);
    refuses(() => readPkcs12(file, 'wrong'), 'passphrase-wrong', [PASSPHRASE]);
  }
  refuses(() => readPkcs12(exportCertificate(certificateDer, 'p12'), ''), 'unfit', []);
  const der = Buffer.from(openssl(['x509', '-in', join(dir, 'authority.crt')]));
  for (const bad of [
    Buffer.alloc(0),
    Buffer.from('noise'),
    certificateDer,
    der,
    readFileSync(join(dir, 'authority.key')),
    made().subarray(0, 300),
  ])
    refuses(() => readPkcs12(bad, PASSPHRASE), 'unfit', [PASSPHRASE]);
});
