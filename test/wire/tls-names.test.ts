import assert from 'node:assert/strict';
import { test } from 'node:test';
import tls from 'node:tls';
import { cipherName, groupName } from '../../src/wire/tls-names.ts';

test('known numbers have their IANA names, others stay numbers', () => {
  assert.equal(cipherName(0x1301), 'TLS_AES_128_GCM_SHA256');
  assert.equal(cipherName(0xc02b), 'ECDHE_ECDSA_AES_128_GCM_SHA256');
  assert.equal(cipherName(0x0042), '0x0042');
  assert.equal(groupName(29), 'x25519');
  assert.equal(groupName(0x11ec), 'X25519MLKEM768');
  assert.equal(groupName(7), '0x0007');
});

test('the TLS 1.3 names are those that Node speaks too', () => {
  const known = tls.getCiphers().map(c => c.toUpperCase());
  for (const id of [0x1301, 0x1302, 0x1303]) assert.ok(known.includes(cipherName(id)), cipherName(id));
});
