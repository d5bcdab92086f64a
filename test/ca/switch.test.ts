/** Every prefix of the steps of a switch is a folder that opens, with one authority or the other and never with neither. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, linkSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAuthority } from '../../ca/authority.ts';
import { prepareNext, requestSignature } from '../../ca/rotation.ts';
import { moveNext, writeNext } from '../../ca/switch.ts';
import { refuses, scratch } from './scratch.ts';

test('a switch cut off anywhere ends at the next start', t => {
  const base = scratch(t);
  const dir = join(base, 'ca');
  const options = { dir, passphrase: null };
  const old = openAuthority(options).certificatePem;
  prepareNext(options);
  const next = readFileSync(join(dir, 'next.crt'), 'utf8');
  const steps: (() => void)[] = [
    () => linkSync(join(dir, 'authority.crt'), join(dir, 'previous.crt')),
    () => linkSync(join(dir, 'authority.key'), join(dir, 'previous.key')),
    () => renameSync(join(dir, 'next.crt'), join(dir, 'authority.crt')),
    () => renameSync(join(dir, 'next.key'), join(dir, 'authority.key')),
  ];
  steps.forEach((step, i) => {
    step();
    const copy = join(base, `after-${i}`);
    cpSync(dir, copy, { recursive: true, preserveTimestamps: true });
    assert.equal(
      openAuthority({ dir: copy, passphrase: null }).certificatePem,
      i < 2 ? old : next,
      `after step ${i}`,
    );
  });
});

test('what was prepared by half is nothing, and is prepared again', t => {
  const dir = join(scratch(t), 'ca');
  const options = { dir, passphrase: null };
  openAuthority(options);
  prepareNext(options);
  rmSync(join(dir, 'next.key'));
  const again = prepareNext(options);
  assert.ok(again.length > 0 && existsSync(join(dir, 'next.key')));
  moveNext(dir);
  assert.deepEqual(openAuthority(options).certificateDer, again);
});

test('a lone key beside a sound pair is left alone', t => {
  const dir = join(scratch(t), 'ca');
  openAuthority({ dir });
  const { certificatePem } = openAuthority({ dir });
  writeNext(dir, 'next.csr', 'x', 'y');
  rmSync(join(dir, 'next.csr'));
  assert.equal(openAuthority({ dir }).certificatePem, certificatePem);
  assert.equal(readFileSync(join(dir, 'next.key'), 'utf8'), 'y');
  refuses(() => requestSignature({ dir, passphrase: null }), 'busy', []);
});
