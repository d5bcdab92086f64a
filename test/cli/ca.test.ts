import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

interface Run {
  code: number | null;
  out: Buffer;
  err: string;
}

/** The verb as a script calls it: a process of its own, its exit code, its two outputs. */
function sightglass(t: TestContext): { dir: string; run: (...args: string[]) => Run } {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-cli-ca-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const run = (...args: string[]): Run => {
    const command = ['--import', 'tsx', 'src/cli/main.ts', 'ca', ...args, '--data-dir', join(dir, 'data')];
    const { status, stdout, stderr } = spawnSync(process.execPath, command);
    return { code: status, out: stdout, err: stderr.toString() };
  };
  return { dir, run };
}

/** Failed as a command should: the code, a sentence and a hint on stderr, no stack, nothing on stdout. */
function fails(result: Run, code: number, words: RegExp): void {
  assert.equal(result.code, code, result.err);
  assert.match(result.err, words);
  assert.doesNotMatch(result.err, /\n {4}at /);
  assert.equal(result.out.length, 0);
}

test('init, show and export of a plain authority', t => {
  const { dir, run } = sightglass(t);
  fails(run('show'), 1, /There is no authority[\s\S]*hint: .*ca init/);
  const made = JSON.parse(run('init', '--json').out.toString()) as Record<string, unknown>;
  assert.equal(made['created'], true);
  const again = run('init');
  assert.equal(again.code, 0);
  assert.match(again.out.toString(), /nothing was changed/);
  const { created: _, ...description } = made;
  const { life, ...shown } = JSON.parse(run('show', '--json').out.toString()) as Record<string, unknown>;
  assert.deepEqual(shown, description);
  assert.deepEqual((life as { state: string; kind: string }).state, 'steady');
  const colons = String(made['sha256']).toUpperCase().match(/../g)?.join(':') ?? '';
  assert.ok(run('show').out.toString().includes(colons), 'the fingerprint as browsers show it');

  const certificate = new X509Certificate(run('export', '--format', 'pem').out);
  assert.equal(certificate.fingerprint256, colons);
  assert.deepEqual(run('export', '--format', 'der', '--out', '-').out, certificate.raw);
  const file = join(dir, 'root.crt');
  const exported = run('export', '--format', 'pem', '--out', file);
  assert.deepEqual([exported.code, exported.out.length, exported.err], [0, 0, '']);
  assert.deepEqual(new X509Certificate(readFileSync(file)).raw, certificate.raw);

  writeFileSync(file, 'precious');
  fails(run('export', '--format', 'pem', '--out', file), 1, /exists already[\s\S]*hint: .*--force/);
  assert.equal(readFileSync(file, 'utf8'), 'precious');
  assert.equal(run('export', '--format', 'pem', '--out', file, '--force').code, 0);
  assert.deepEqual(new X509Certificate(readFileSync(file)).raw, certificate.raw);
  fails(run('export', '--format', 'pem', '--out', join(dir, 'none', 'x')), 1, /cannot be written/);

  chmodSync(join(dir, 'data', 'ca', 'authority.key'), 0o644);
  fails(run('show'), 1, /can be read by other users[\s\S]*hint: .*chmod 600/);
});

test('with a passphrase: show needs none, init does, and a key leaves only encrypted', t => {
  const { dir, run } = sightglass(t);
  const passphrase = join(dir, 'passphrase');
  writeFileSync(passphrase, 'correct horse battery\n', { mode: 0o600 });
  const unlocked = ['--ca.passphrase-file', passphrase];
  assert.equal(run('init', ...unlocked).code, 0);
  assert.match(run('show').out.toString(), /encrypted with a passphrase/);
  fails(run('init'), 1, /no passphrase was given[\s\S]*hint: .*ca\.passphrase-file/);

  const out = join(dir, 'key.p12');
  const withKey = [
    'export',
    '--format',
    'p12',
    '--with-key',
    '--out',
    out,
    '--p12-passphrase-file',
    passphrase,
  ];
  fails(run(...withKey), 1, /no passphrase was given/);
  assert.equal(existsSync(out), false);
  assert.equal(run(...withKey, ...unlocked).code, 0);
  assert.equal(lstatSync(out).mode & 0o777, 0o600);
  const openssl = spawnSync('openssl', [
    'pkcs12',
    '-in',
    out,
    '-passin',
    `file:${passphrase}`,
    '-noenc',
    '-nocerts',
  ]);
  assert.match(openssl.stdout.toString(), /BEGIN PRIVATE KEY/);
});

test('wrong use ends with code 2 and writes nothing', t => {
  const { dir, run } = sightglass(t);
  run('init');
  const out = join(dir, 'x');
  fails(run('export'), 2, /--format/);
  fails(run('export', '--format', 'zip'), 2, /pem, der, p12/);
  fails(run('export', '--format', 'pem', '--with-key', '--out', out), 2, /p12 only/);
  fails(run('export', '--format', 'p12', '--with-key', '--out', out), 2, /--p12-passphrase-file/);
  fails(run('export', '--format', 'der', '--p12-passphrase-file', out), 2, /p12 only/);
  fails(run('show', 'surplus'), 2, /too many arguments/);
  assert.equal(existsSync(out), false);
});
