import assert from 'node:assert/strict';
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  findPassphrase,
  PASSPHRASE_CREDENTIAL,
  PASSPHRASE_VARIABLE,
  readPassphrase,
} from '../../ca/passphrase.ts';
import { AuthorityRefusal } from '../../ca/refusal.ts';
import { refuses, scratch } from './scratch.ts';

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

test('file before credential before variable; the variable does not stay', t => {
  const dir = scratch(t);
  const write = (name: string, text: string, mode = 0o600): string => {
    writeFileSync(join(dir, name), text, { mode });
    return join(dir, name);
  };
  const file = write('file', 'from file\n');
  write(PASSPHRASE_CREDENTIAL, 'from credential\n', 0o400);
  const env = (): Record<string, string | undefined> => ({
    CREDENTIALS_DIRECTORY: dir,
    [PASSPHRASE_VARIABLE]: 'from variable',
  });
  const all = env();
  assert.deepEqual(findPassphrase(file, all), { passphrase: 'from file', from: 'file' });
  assert.deepEqual(Object.keys(all), ['CREDENTIALS_DIRECTORY']);
  assert.deepEqual(findPassphrase(null, env()), { passphrase: 'from credential', from: 'credential' });
  const alone = { [PASSPHRASE_VARIABLE]: 'from variable' };
  assert.deepEqual(findPassphrase(null, alone), { passphrase: 'from variable', from: 'variable' });
  assert.deepEqual(alone, {});
  assert.equal(
    findPassphrase(null, { CREDENTIALS_DIRECTORY: join(dir, 'none'), [PASSPHRASE_VARIABLE]: '' }),
    null,
  );
  refuses(() => findPassphrase(null, { [PASSPHRASE_VARIABLE]: 'two\nlines' }), 'passphrase-missing', [
    'lines',
  ]);
  refuses(() => findPassphrase(null, { [PASSPHRASE_VARIABLE]: 'x'.repeat(2000) }), 'passphrase-missing', [
    'xx',
  ]);
});
