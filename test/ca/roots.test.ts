import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuthority } from '../../ca/authority.ts';
import { deployableRoots, readChain, storedChains } from '../../ca/roots.ts';
import { pem } from '../../ca/x509.ts';
import { makeTestCa } from '../helpers/tls-authority.ts';
import { refuses, scratch } from './scratch.ts';

test('roots to deploy: current, next, previous, each once; retired ones apart', t => {
  const dir = join(scratch(t), 'ca');
  const other = (): Buffer => openAuthority({ dir: join(scratch(t), 'ca') }).certificateDer;
  refuses(() => deployableRoots(dir), 'absent', []);
  const current = openAuthority({ dir }).certificateDer;
  const [next, previous, retired] = [other(), other(), other()];
  writeFileSync(join(dir, 'next.crt'), pem('CERTIFICATE', next));
  writeFileSync(join(dir, 'previous.crt'), pem('CERTIFICATE', previous));
  writeFileSync(join(dir, 'retired-0123abcd.crt'), pem('CERTIFICATE', retired));
  // One that came back into use is not forgotten at the same time.
  copyFileSync(join(dir, 'previous.crt'), join(dir, 'retired-89abcdef.crt'));
  const got = deployableRoots(dir);
  assert.deepEqual(
    got.roots.map(root => [root.role, root.certificate.equals({ current, next, previous }[root.role])]),
    [
      ['current', true],
      ['next', true],
      ['previous', true],
    ],
  );
  assert.deepEqual(got.retired, [retired]);
  copyFileSync(join(dir, 'authority.crt'), join(dir, 'next.crt'));
  assert.deepEqual(
    deployableRoots(dir).roots.map(root => root.role),
    ['current', 'previous'],
  );
});

test('a chain ends in a root and each certificate is signed by the next', t => {
  const ca = makeTestCa();
  t.after(() => ca.remove());
  const sub = ca.subordinate({ pathLen: 1 });
  const text = `${sub.issue({ names: ['x.test'], bare: false }).cert}`;
  const certificates = text.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n?/g) ?? [];
  const subPem = certificates[1] ?? '';
  assert.equal(readChain('x', `${subPem}${ca.caPem}`).length, 2);
  assert.equal(readChain('x', ca.caPem).length, 1);
  for (const bad of ['', 'noise', subPem, `${ca.caPem}${subPem}`, text, `${ca.caPem}`.replace('A', 'B')])
    refuses(() => readChain('x', bad), 'corrupt', []);
  assert.throws(() => storedChains(join(scratch(t), 'none')));
});
