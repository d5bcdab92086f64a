/** Identities: made once, never changed; a certificate stands for one proxy or for nobody. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { certificateName, isProxyName, spoolIdentity } from '../../../src/audit/fleet/identity.ts';
import { scratch } from '../sample.ts';

test('a spool has one identity, another spool another', t => {
  const dir = scratch(t);
  const first = spoolIdentity(path.join(dir, 'a'));
  assert.equal(first.length, 16);
  assert.deepEqual(spoolIdentity(path.join(dir, 'a')), first);
  assert.notDeepEqual(spoolIdentity(path.join(dir, 'b')), first);
  assert.deepEqual(fs.readdirSync(path.join(dir, 'a')), ['identity']);
  fs.writeFileSync(path.join(dir, 'a', 'identity'), 'torn');
  assert.throws(() => spoolIdentity(path.join(dir, 'a')), /holds no identity/);
});

test('a certificate with one common name that may name a proxy stands for it', () => {
  assert.equal(certificateName({ CN: 'edge-1.corp.test' }), 'edge-1.corp.test');
  for (const subject of [
    undefined,
    {},
    { CN: ['edge-1', 'edge-2'] },
    { CN: 'Edge 1' },
    { CN: '../x' },
    { O: 'edge-1' },
  ])
    assert.equal(certificateName(subject), null);
  assert.ok(isProxyName('a') && !isProxyName('-a') && !isProxyName('a'.repeat(64)));
});
