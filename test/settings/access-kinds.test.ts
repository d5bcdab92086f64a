import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimRole, issuerUrl } from '../../src/settings/access-kinds.ts';

const context = { base: '/', env: {}, home: null } as never;

test('an issuer is https, with a path or without', () => {
  for (const good of ['https://id.example', 'https://id.example:8443/realms/one'])
    assert.equal(issuerUrl.read(good, context), good);
  for (const bad of [
    'http://id.example',
    'id.example',
    'https://u@id.example',
    'https://id.example/?a=1',
    '',
  ])
    assert.throws(() => issuerUrl.read(bad, context), RangeError, bad);
});

test('a claim gives a role of the console; its value may hold equal signs', () => {
  const read = claimRole.read('cn=audit,dc=example=auditor', context);
  assert.deepEqual(read, { value: 'cn=audit,dc=example', role: 'auditor' });
  assert.equal(claimRole.show(read), 'cn=audit,dc=example=auditor');
  for (const bad of ['audit', '=auditor', 'team=proxy', 'team=root', ' =admin'])
    assert.throws(() => claimRole.read(bad, context), RangeError, bad);
});
