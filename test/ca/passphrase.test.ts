import assert from 'node:assert/strict';
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPassphrase } from '../../ca/passphrase.ts';
import { AuthorityRefusal } from '../../ca/refusal.ts';
import { scratch } from './scratch.ts';

test('the first line counts, without its end, also through a link', t => {
  const dir = scratch(t);
  const write = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  assert.equal(readPassphrase(write('plain', 'secret')), 'secret');
  assert.equal(readPassphrase(write('unix', ' with spaces \nmore\n')), ' with spaces ');
  assert.equal(readPassphrase(write('dos', 'sécret\r\n')), 'sécret');
  assert.equal(readPassphrase(write('long', 'x'.repeat(1024))).length, 1024);
  symlinkSync(join(dir, 'plain'), join(dir, 'link'));
  assert.equal(readPassphrase(join(dir, 'link')), 'secret');
});

test('an unusable file is refused without its contents in the text', t => {
  const dir = scratch(t);
  const path = join(dir, 'p');
  const refusal = (code: string) => (error: unknown) =>
    error instanceof AuthorityRefusal &&
    error.code === code &&
    error.hint !== '' &&
    !`${error.message}${error.hint}`.includes('hunter2');
  assert.throws(() => readPassphrase(path), refusal('unreadable'));
  assert.throws(() => readPassphrase(dir), refusal('unreadable'), 'a folder');
  writeFileSync(path, '\nhunter2\n', { mode: 0o600 });
  assert.throws(() => readPassphrase(path), refusal('passphrase-missing'));
  writeFileSync(path, 'hunter2'.repeat(200));
  assert.throws(() => readPassphrase(path), refusal('passphrase-missing'));
  writeFileSync(path, 'hunter2');
  chmodSync(path, 0o644);
  assert.throws(() => readPassphrase(path), refusal('file-unsafe'));
});
