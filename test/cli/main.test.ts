import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';

const root = resolve(import.meta.dirname, '../..');

/** Run the command as users do, from its sources. */
function sightglass(args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', ...args],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, ...env },
    },
  );
  return { status, stdout, stderr };
}

describe('sightglass', () => {
  it('tells its version, the one of package.json', () => {
    const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    const { status, stdout } = sightglass(['--version']);
    assert.equal(status, 0);
    assert.equal(stdout.trim(), version);
  });

  it('lists its verbs on stdout and exits 0 for --help', () => {
    const { status, stdout, stderr } = sightglass(['--help']);
    assert.equal(status, 0);
    assert.equal(stderr, '');
    assert.match(stdout, /^ {2}start\b/m);
  });

  it('exits 2 without a verb and shows how it is used on stderr', () => {
    const { status, stdout, stderr } = sightglass([]);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^Usage: sightglass/);
  });

  it('suggests the verb that was meant', () => {
    const { status, stderr } = sightglass(['strat']);
    assert.equal(status, 2);
    assert.match(stderr, /Did you mean start\?/);
  });

  it('suggests the flag that was meant', () => {
    const { status, stderr } = sightglass(['start', '--proxy.lisen', '127.0.0.1:0']);
    assert.equal(status, 2);
    assert.match(stderr, /Did you mean --proxy\.listen\?/);
  });

  it('names the file that is missing, and not the call that missed it', () => {
    const { status, stderr } = sightglass(['lists', 'import', '/nonexistent/list.txt', '--name', 'extra']);
    assert.equal(status, 1);
    assert.equal(stderr, 'sightglass: /nonexistent/list.txt: there is no such file or folder\n');
  });

  it('refuses wrong settings with exit 2, all at once, without a stack trace', () => {
    const { status, stdout, stderr } = sightglass(['start', '--workers', 'many', '--timeout.idle', '5'], {
      SIGHTGLASS_LOG_LEVL: 'info',
    });
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /flag --workers: workers: "many" is no whole number/);
    assert.match(stderr, /flag --timeout\.idle: timeout\.idle: "5" has no unit/);
    assert.match(
      stderr,
      /SIGHTGLASS_LOG_LEVL: no setting has this variable\. Did you mean SIGHTGLASS_LOG_LEVEL\?/,
    );
    assert.match(stderr, /^hint: nothing was started/m);
    assert.doesNotMatch(stderr, /^\s+at /m);
  });

  it('shows the stack when SIGHTGLASS_DEBUG asks for it', () => {
    const { status, stderr } = sightglass(['start', '--workers', 'many'], { SIGHTGLASS_DEBUG: '1' });
    assert.equal(status, 2);
    assert.match(stderr, /^\s+at /m);
  });

  it('knows every setting as a flag of start', () => {
    const { stdout } = sightglass(['start', '--help']);
    assert.match(stdout, /--config <FILE>/);
    assert.match(stdout, /--capture\.mask-query <KEY>/);
    assert.match(stdout, /--data-dir <DIR>/);
  });
});
