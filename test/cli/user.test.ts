import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { URI } from 'otpauth';
import { Accounts } from '../../src/control/accounts.ts';
import { openControlDb } from '../../src/control/control-db.ts';
import { Trail } from '../../src/control/trail.ts';

const GOOD = 'correct horse battery';

interface Run {
  code: number | null;
  out: string;
  err: string;
}

/** The verb as a script calls it: a process of its own. */
function sightglass(t: TestContext): {
  dir: string;
  data: string;
  run: (args: string[], input?: string) => Run;
} {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-cli-user-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const data = join(dir, 'data');
  const run = (args: string[], input = ''): Run => {
    const command = ['--import', 'tsx', 'src/cli/main.ts', 'user', ...args, '--data-dir', data];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { input, encoding: 'utf8' });
    return { code: status, out: stdout, err: stderr };
  };
  return { dir, data, run };
}

function fails(result: Run, code: number, words: RegExp): void {
  assert.equal(result.code, code, result.err);
  assert.match(result.err, words);
  assert.match(result.err, /hint: /);
  assert.doesNotMatch(result.err, /\n {4}at /);
  assert.equal(result.out, '');
}

test('add, list, passwd, disable and enable, each in the trail', async t => {
  const { dir, data, run } = sightglass(t);
  assert.match(run(['list']).out, /no users yet/);
  const file = join(dir, 'password');
  writeFileSync(file, `${GOOD}\nsecond line is not part of it\n`);
  const added = run(['add', 'Root', '--role', 'admin', '--role', 'auditor', '--password-file', file]);
  assert.deepEqual(added, { code: 0, out: 'Added root (admin, auditor).\n', err: '' });
  assert.equal(run(['add', 'robot', '--group', 'build', '--password-file', '-'], `${GOOD}\r\n`).code, 0);
  assert.equal(statSync(join(data, 'control.db')).mode & 0o777, 0o600);

  const listed = JSON.parse(run(['list', '--json']).out) as Record<string, unknown>[];
  assert.deepEqual(
    listed.map(({ created: _, ...rest }) => rest),
    [
      {
        name: 'robot',
        roles: ['proxy'],
        groups: ['build'],
        disabled: false,
        lastLogin: null,
        secondFactor: null,
      },
      {
        name: 'root',
        roles: ['admin', 'auditor'],
        groups: [],
        disabled: false,
        lastLogin: null,
        secondFactor: null,
      },
    ],
  );
  assert.match(run(['list']).out, /^NAME +ROLES .*\nrobot +proxy +build +enabled +no +never\nroot /);

  assert.equal(run(['passwd', 'robot', '--password-file', '-'], `${GOOD} staple\n`).code, 0);
  assert.equal(run(['disable', 'robot']).code, 0);
  assert.match(run(['list']).out, /robot .*disabled/);
  assert.equal(run(['enable', 'robot']).code, 0);

  const db = openControlDb(data);
  t.after(() => db.close());
  const accounts = new Accounts(db);
  assert.equal((await accounts.login('root', GOOD, '::1')).outcome, 'ok');
  assert.equal((await accounts.verifyProxy('robot', `${GOOD} staple`)).outcome, 'ok');
  assert.equal((await accounts.verifyProxy('robot', GOOD)).outcome, 'refused');
  const trail = new Trail(db).page(null, 100).rows;
  assert.deepEqual(
    trail.map(row => [row.action, row.detail['name']]),
    [
      ['user.enabled', 'robot'],
      ['user.disabled', 'robot'],
      ['user.password', 'robot'],
      ['user.added', 'robot'],
      ['user.added', 'root'],
    ],
  );
  assert.ok(trail.every(row => row.address === 'command line' && row.detail['by'] !== undefined));
  assert.ok(!JSON.stringify(trail).includes(GOOD));
});

test('what cannot be done is said in a sentence with a hint', t => {
  const { run } = sightglass(t);
  fails(run(['add', 'alice']), 2, /no terminal to ask for a password/);
  fails(run(['add', 'alice', '--password-file', '-'], 'short\n'), 1, /at least 12 characters/);
  fails(run(['add', 'alice', '--role', 'root', '--password-file', '-'], GOOD), 1, /no role "root"/);
  fails(run(['passwd', 'alice', '--password-file', '-'], GOOD), 1, /no user "alice"/);
  fails(run(['disable', 'alice']), 1, /no user "alice"/);
  assert.equal(run(['add', 'alice', '--role', 'admin', '--password-file', '-'], GOOD).code, 0);
  fails(run(['add', 'ALICE', '--password-file', '-'], GOOD), 1, /"alice" already/);
  fails(run(['disable', 'alice']), 1, /last admin/);
});

test('a second factor that was lost is reset on the machine, in the trail', async t => {
  const { data, run } = sightglass(t);
  assert.equal(run(['add', 'alice', '--role', 'admin', '--password-file', '-'], GOOD).code, 0);
  assert.equal(run(['reset-second-factor', 'alice']).out, 'alice has no second factor.\n');
  const db = openControlDb(data);
  t.after(() => db.close());
  const accounts = new Accounts(db);
  const begun = accounts.secondFactors.begin('alice');
  assert.ok(begun !== null);
  assert.ok(accounts.secondFactors.confirm('alice', URI.parse(begun.uri).generate()) !== null);
  assert.equal((await accounts.login('alice', GOOD, '::1')).outcome, 'code-needed');
  assert.match(run(['list']).out, /alice +admin +enabled +yes /);
  assert.match(run(['reset-second-factor', 'alice']).out, /is gone; the password alone logs in/);
  assert.equal((await accounts.login('alice', GOOD, '::1')).outcome, 'ok');
  const [line] = new Trail(db).page(null, 1).rows;
  assert.deepEqual([line?.action, line?.detail['name']], ['second-factor.reset', 'alice']);
  fails(run(['reset-second-factor', 'nobody']), 1, /no user "nobody"/);
});
