import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { shroud } from '../../ca/shroud.ts';
import { openssl, tryOpenssl } from './scratch.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });

for (const kdf of ['scrypt', 'pbkdf2'] as const) {
  test(`a key under ${kdf} opens with its passphrase in node:crypto and openssl, and with no other`, () => {
    const hidden = shroud(pkcs8, 'pässword of some length', kdf, randomBytes);
    const open = (passphrase: string): Buffer =>
      createPrivateKey({ key: hidden, format: 'der', type: 'pkcs8', passphrase }).export({
        type: 'pkcs8',
        format: 'der',
      });
    assert.deepEqual(open('pässword of some length'), pkcs8);
    assert.throws(() => open('another'));
    const text = openssl(['pkcs8', '-inform', 'DER', '-passin', 'pass:pässword of some length'], hidden);
    assert.deepEqual(createPrivateKey(text).export({ type: 'pkcs8', format: 'der' }), pkcs8);
    const parsed = tryOpenssl(['asn1parse', '-inform', 'DER'], hidden).text;
    assert.match(parsed, kdf === 'scrypt' ? /scrypt/ : /hmacWithSHA256/);
    assert.match(parsed, /aes-256-cbc/);
    assert.equal(hidden.includes(pkcs8.subarray(-65)), false, 'nothing of the key stands in the open');
  });
}

test('salt and IV are fresh each time', () => {
  assert.notDeepEqual(shroud(pkcs8, 'x', 'scrypt', randomBytes), shroud(pkcs8, 'x', 'scrypt', randomBytes));
});
