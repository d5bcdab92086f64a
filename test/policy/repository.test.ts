import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { keptInGit } from '../../src/policy/repository.ts';

let dir: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'sightglass-git-')));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** git without the settings of whoever runs the tests. */
function git(folder: string, ...args: string[]): string {
  return execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t.test', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: dir, GIT_CONFIG_NOSYSTEM: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function policyAt(...folders: string[]): string {
  const folder = join(dir, ...folders);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, 'version: 1\n');
  return file;
}

it('finds the repository that git finds: above the file, in a worktree, behind a symbolic link', async () => {
  const file = policyAt('repo', 'etc', 'proxy');
  assert.equal(await keptInGit(file, 'auto'), null);
  git(join(dir, 'repo'), 'init', '-q');
  const kept = { root: join(dir, 'repo'), path: 'etc/proxy/policy.yaml' };
  assert.deepEqual(await keptInGit(file, 'auto'), kept);
  assert.equal(git(join(dir, 'repo', 'etc'), 'rev-parse', '--show-toplevel').trim(), kept.root);

  git(join(dir, 'repo'), 'add', '.');
  git(join(dir, 'repo'), 'commit', '-qm', 'first');
  git(join(dir, 'repo'), 'worktree', 'add', '-q', join(dir, 'tree'));
  assert.deepEqual(await keptInGit(join(dir, 'tree/etc/proxy/policy.yaml'), 'auto'), {
    root: join(dir, 'tree'),
    path: 'etc/proxy/policy.yaml',
  });

  mkdirSync(join(dir, 'data'));
  symlinkSync(file, join(dir, 'data/policy.yaml'));
  assert.deepEqual(await keptInGit(join(dir, 'data/policy.yaml'), 'auto'), kept);
});

it('takes no folder or file for a repository that only has the name', async () => {
  const file = policyAt('a', 'b');
  mkdirSync(join(dir, 'a/b/.git'));
  writeFileSync(join(dir, 'a/.git'), 'something else\n');
  assert.equal(await keptInGit(file, 'auto'), null);
  writeFileSync(join(dir, 'a/.git'), '');
  assert.equal(await keptInGit(file, 'auto'), null);
  writeFileSync(join(dir, 'a/.git'), 'gitdir: /elsewhere/.git/worktrees/a\n');
  assert.equal((await keptInGit(file, 'auto'))?.root, join(dir, 'a'));
});

it('the setting has the last word', async () => {
  const file = policyAt('plain');
  assert.deepEqual(await keptInGit(file, 'yes'), { root: null, path: 'policy.yaml' });
  git(join(dir, 'plain'), 'init', '-q');
  assert.equal(await keptInGit(file, 'no'), null);
  assert.deepEqual(await keptInGit(file, 'yes'), { root: join(dir, 'plain'), path: 'policy.yaml' });
  assert.equal(await keptInGit(join(dir, 'nowhere/policy.yaml'), 'auto'), null);
});
