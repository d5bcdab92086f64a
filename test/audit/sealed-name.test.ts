/** Names sealed to the officer's key: who holds the private half opens them, nobody else, and nothing tells their length. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  makeOfficerKeys,
  officerKey,
  officerKeyId,
  officerPrivateKey,
  openName,
  sealName,
} from '../../src/audit/sealed-name.ts';

const pair = makeOfficerKeys(null);
const publicKey = officerKey(pair.publicPem);
const privateKey = officerPrivateKey(pair.privatePem, null);

test('what was sealed opens with the private half, beside the same text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.string(), (name, about) => {
      const sealed = sealName(name, about, publicKey);
      assert.equal(openName(sealed, about, privateKey), name);
      assert.equal(openName(sealed, `${about}x`, privateKey), null);
      assert.ok(name.length < 3 || !Buffer.from(sealed, 'base64url').includes(name));
    }),
    { numRuns: 50 },
  );
});

test('another key, one changed bit, and any other text open nothing', () => {
  const sealed = sealName('alice', 'p-1', publicKey);
  const other = officerPrivateKey(makeOfficerKeys(null).privatePem, null);
  assert.equal(openName(sealed, 'p-1', other), null);
  const bytes = Buffer.from(sealed, 'base64url');
  for (let i = 0; i < bytes.length; i++) {
    const changed = Buffer.from(bytes);
    changed[i] = (changed[i] ?? 0) ^ 1;
    assert.equal(openName(changed.toString('base64url'), 'p-1', privateKey), null);
  }
  fc.assert(fc.property(fc.string(), text => assert.equal(openName(text, 'p-1', privateKey), null)));
});

test('short names of different lengths look alike, and the same name never looks the same', () => {
  assert.equal(sealName('al', 'p', publicKey).length, sealName('alexandra.longer', 'p', publicKey).length);
  assert.notEqual(sealName('al', 'p', publicKey), sealName('al', 'p', publicKey));
});

test('keys: the halves are told apart, a passphrase is asked for, other kinds are refused', () => {
  assert.equal(officerKeyId(publicKey), officerKeyId(privateKey));
  assert.throws(() => officerKey(pair.privatePem), /private key, which must not be on this machine/);
  assert.throws(() => officerKey('nothing'), /no public key/);
  const shut = makeOfficerKeys('open sesame');
  assert.match(shut.privatePem, /ENCRYPTED/);
  assert.throws(() => officerPrivateKey(shut.privatePem, null), /passphrase is missing or wrong/);
  assert.throws(() => officerPrivateKey(shut.privatePem, 'wrong'), /passphrase is missing or wrong/);
  const opened = officerPrivateKey(shut.privatePem, 'open sesame');
  assert.equal(openName(sealName('bob', '', officerKey(shut.publicPem)), '', opened), 'bob');
});
