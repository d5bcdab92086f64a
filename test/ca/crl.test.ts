import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuthority } from '../../ca/authority.ts';
import { keepCrl } from '../../ca/crl.ts';
import { createIssuer } from '../../ca/issuer.ts';
import { DAY } from '../../ca/leaf.ts';
import { ask, leafKey, openssl, scratch, tryOpenssl } from './scratch.ts';

test('openssl reads the list, finds its signature good and a leaf not revoked by it', async t => {
  const dir = scratch(t);
  const now = Math.floor(Date.now() / 1000) * 1000;
  const authority = openAuthority({ dir: join(dir, 'ca'), now: () => now });
  const { der } = keepCrl(authority.trusted, () => now).current();
  writeFileSync(join(dir, 'crl.der'), der);
  writeFileSync(join(dir, 'ca.pem'), authority.certificatePem);
  const text = openssl(['crl', '-inform', 'DER', '-in', join(dir, 'crl.der'), '-noout', '-text']);
  assert.match(text, /Version 2 \(0x1\)/);
  assert.match(text, /No Revoked Certificates/);
  assert.match(text, /X509v3 Authority Key Identifier/);
  assert.match(text, new RegExp(`X509v3 CRL Number: \\s+${(now - 3_600_000) / 1000}\\n`));
  const crl = join(dir, 'crl.pem');
  writeFileSync(crl, openssl(['crl', '-inform', 'DER', '-in', join(dir, 'crl.der')]));
  assert.match(tryOpenssl(['crl', '-in', crl, '-CAfile', join(dir, 'ca.pem'), '-noout']).text, /verify OK/);
  const url = 'http://proxy.example.com:8080/ca.crl';
  const { certificate } = await createIssuer({ authority, crlUrl: url, now: () => now }).issue(
    ask(leafKey().spki),
  );
  writeFileSync(join(dir, 'leaf.pem'), certificate);
  assert.match(
    openssl(['x509', '-noout', '-ext', 'crlDistributionPoints'], certificate),
    new RegExp(`URI:${url}`),
  );
  const verify = tryOpenssl([
    'verify',
    '-x509_strict',
    '-crl_check',
    '-CAfile',
    join(dir, 'ca.pem'),
    '-CRLfile',
    crl,
    join(dir, 'leaf.pem'),
  ]);
  assert.equal(verify.code, 0, verify.text);
  const plain = await createIssuer({ authority, now: () => now }).issue(ask(leafKey().spki));
  assert.doesNotMatch(openssl(['x509', '-noout', '-text'], plain.certificate), /CRL Distribution/);
});

test('it is renewed at half of its life, when the clock goes back, and never outlives the authority', t => {
  let now = Date.UTC(2026, 10, 20);
  const authority = openAuthority({ dir: join(scratch(t), 'ca'), now: () => now });
  const keeper = keepCrl(authority.trusted, () => now);
  const first = keeper.current();
  now += 3 * DAY;
  assert.deepEqual(keeper.current(), first);
  now += DAY;
  const second = keeper.current();
  assert.notDeepEqual(second.der, first.der);
  assert.equal(second.nextUpdate, now + 7 * DAY);
  now -= 2 * DAY;
  assert.notDeepEqual(keeper.current().der, second.der);
  now = authority.trusted.notAfter - DAY;
  assert.equal(keeper.current().nextUpdate, authority.trusted.notAfter);
});
