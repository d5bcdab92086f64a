import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuthority, unlockAuthority } from '../../ca/authority.ts';
import { EXPORT_FORMATS, exportCertificate, exportWithKey, nameOf } from '../../ca/export.ts';
import { AuthorityRefusal } from '../../ca/refusal.ts';
import { openssl, scratch } from './scratch.ts';

test('every format holds the same certificate and no key', t => {
  const dir = scratch(t);
  const { certificateDer } = openAuthority({ dir: join(dir, 'ca') });
  const read = {
    pem: ['x509', '-inform', 'PEM'],
    der: ['x509', '-inform', 'DER'],
    p12: ['pkcs12', '-nokeys', '-passin', 'pass:'],
  };
  for (const format of EXPORT_FORMATS) {
    const file = join(dir, format);
    writeFileSync(file, exportCertificate(certificateDer, format));
    const text = openssl([...read[format], '-in', file]);
    const [certificate] = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(text) ?? [];
    assert.deepEqual(new X509Certificate(certificate ?? '').raw, certificateDer, format);
  }
});

test('a key goes out under a real passphrase only', t => {
  const dir = join(scratch(t), 'ca');
  openAuthority({ dir });
  const { key, certificate } = unlockAuthority(dir, null);
  for (const weak of ['', 'short', 'x'.repeat(11)])
    assert.throws(
      () => exportWithKey(certificate, key, weak),
      error => error instanceof AuthorityRefusal && error.code === 'export-refused',
    );
  assert.ok(exportWithKey(certificate, key, 'x'.repeat(12)).length > certificate.length);
});

test('the name of an entry is the common name', t => {
  const { certificateDer } = openAuthority({
    dir: join(scratch(t), 'ca'),
    subject: { commonName: 'Corp = Root' },
  });
  assert.equal(nameOf(certificateDer), 'Corp = Root');
});
