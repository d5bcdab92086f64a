/** openssl verifies a leaf for each name against a constrained CA; our answer must be its answer. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuthority } from '../../ca/authority.ts';
import { buildLeaf, DAY, leafSerial } from '../../ca/leaf.ts';
import { outsideOf, readConstraints } from '../../ca/name-constraints.ts';
import { importAnswer, requestSignature } from '../../ca/rotation.ts';
import { pem } from '../../ca/x509.ts';
import { enterprise } from './enterprise.ts';
import { leafKey, scratch, tryOpenssl } from './scratch.ts';

const SUB = [
  'basicConstraints=critical,CA:TRUE,pathlen:0',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
  'authorityKeyIdentifier=keyid',
];
const SETS = [
  'permitted;DNS:example.com',
  'permitted;DNS:.example.com',
  'excluded;DNS:example.com',
  'permitted;DNS:example.com,permitted;DNS:example.org,excluded;DNS:x.example.com',
  'permitted;IP:10.0.0.0/255.0.0.0',
  'excluded;IP:10.0.0.0/255.255.0.0,excluded;IP:2001:db8::/ffff:ffff::',
  'permitted;DNS:example.com,excluded;IP:0.0.0.0/0.0.0.0',
];
const NAMES = [
  ...[
    'example.com',
    'www.example.com',
    'a.x.example.com',
    'x.example.com',
    'notexample.com',
    'example.org',
    'com',
  ].map(name => [name, 'name'] as const),
  ...['10.0.0.1', '10.1.0.1', '192.0.2.1', '2001:db8::1', '2001:db9::1'].map(name => [name, 'ip'] as const),
];

test('inside and outside, as openssl sees it', t => {
  const root = enterprise(t);
  const key = leafKey();
  const now = Math.floor(Date.now() / 1000) * 1000;
  for (const set of SETS) {
    const dir = join(scratch(t), 'ca');
    const { request } = requestSignature({ dir, passphrase: null });
    importAnswer({ dir, passphrase: null }, [
      root.sign(request, [...SUB, `nameConstraints=critical,${set}`]),
      root.pem,
    ]);
    const authority = openAuthority({ dir });
    const constraints = readConstraints(authority.certificateDer);
    assert.ok(constraints !== null, set);
    const files = NAMES.map(([name, nameKind], i) => {
      const leaf = buildLeaf(
        {
          name,
          nameKind,
          publicKey: key.spki,
          serial: leafSerial(Buffer.alloc(16, i + 1)),
          validity: { notBefore: now - DAY, notAfter: now + DAY },
        },
        authority.trusted,
      );
      const file = join(dir, `../leaf-${i}.pem`);
      writeFileSync(file, pem('CERTIFICATE', leaf.certificate));
      return file;
    });
    writeFileSync(join(dir, '../root.pem'), root.pem);
    writeFileSync(join(dir, '../ca.pem'), authority.certificatePem);
    const { text } = tryOpenssl([
      'verify',
      '-CAfile',
      join(dir, '../root.pem'),
      '-untrusted',
      join(dir, '../ca.pem'),
      ...files,
    ]);
    NAMES.forEach(([name, kind], i) => {
      const accepted = text.includes(`${files[i] ?? ''}: OK`);
      assert.equal(outsideOf([constraints], name, kind) === null, accepted, `${set}: ${name}`);
    });
  }
});

test('a certificate without them has none', t => {
  const { certificateDer } = openAuthority({ dir: join(scratch(t), 'ca') });
  assert.equal(readConstraints(certificateDer), null);
  assert.ok(new X509Certificate(certificateDer).ca);
});
