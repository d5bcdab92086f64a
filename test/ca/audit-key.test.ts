/** The audit's key: made once, private, encrypted when there is a passphrase, never replaced, and refused when the halves differ. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { auditKeyDir, openAuditKey, readAuditPublicKey } from '../../ca/audit-key.ts';
import { AuthorityRefusal } from '../../ca/refusal.ts';

function place(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-audit-key-'));
  chmodSync(dir, 0o700);
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return auditKeyDir(dir);
}

const refuses = (code: string, what: () => unknown): void =>
  assert.throws(what, (error: unknown) => error instanceof AuthorityRefusal && error.code === code);

test('it is made once, signs, and belongs to its owner alone', t => {
  const dir = place(t);
  assert.equal(readAuditPublicKey(dir), null);
  const made = openAuditKey(dir, null);
  assert.equal(made.created, true);
  const again = openAuditKey(dir, null);
  assert.equal(again.created, false);
  assert.equal(again.publicPem, made.publicPem);
  assert.equal(readAuditPublicKey(dir)?.publicPem, made.publicPem);
  const text = Buffer.from('a statement');
  assert.ok(verify(null, text, made.publicKey, sign(null, text, again.privateKey)));
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.equal(statSync(join(dir, 'audit.key')).mode & 0o777, 0o600);
});

test('a passphrase encrypts it, and opens it again; openssl agrees', t => {
  const dir = place(t);
  const made = openAuditKey(dir, 'correct horse');
  assert.match(readFileSync(join(dir, 'audit.key'), 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/);
  assert.equal(openAuditKey(dir, 'correct horse').publicPem, made.publicPem);
  refuses('passphrase-wrong', () => openAuditKey(dir, 'wrong'));
  refuses('passphrase-missing', () => openAuditKey(dir, null));
  assert.equal(readAuditPublicKey(dir)?.publicPem, made.publicPem, 'the public half needs none');
  const pub = execFileSync(
    'openssl',
    ['pkey', '-in', join(dir, 'audit.key'), '-passin', 'pass:correct horse', '-pubout'],
    { encoding: 'utf8' },
  );
  assert.equal(pub, made.publicPem);
});

test('what is damaged or does not belong together is refused, and nothing is made in its place', t => {
  const dir = place(t);
  openAuditKey(dir, null);
  refuses('passphrase-unused', () => openAuditKey(dir, 'given for nothing'));
  const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
  writeFileSync(join(dir, 'audit.pub'), other);
  refuses('mismatch', () => openAuditKey(dir, null));
  writeFileSync(join(dir, 'audit.pub'), 'no key');
  refuses('corrupt', () => openAuditKey(dir, null));
  rmSync(join(dir, 'audit.pub'));
  refuses('incomplete', () => openAuditKey(dir, null));
});
