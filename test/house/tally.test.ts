/** The test command's own arithmetic: what counts as passed, failed, skipped, and that silence is no success. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from './tree.ts';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  failures: string[];
}

/** Run files with the counting reporter, each in a folder of its own. */
function tallyOf(files: Record<string, string>): Tally {
  const folder = mkdtempSync(join(tmpdir(), 'sightglass-tally-'));
  try {
    const paths = Object.entries(files).map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    });
    const reporter = join(ROOT, 'scripts/test-tally.mjs');
    // The runner marks its children by a variable; without it gone, the inner run would report to the outer one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = spawnSync(process.execPath, ['--test', `--test-reporter=${reporter}`, ...paths], {
      encoding: 'utf8',
      env,
    });
    return JSON.parse(stdout) as Tally;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const HEAD = "import { test, describe, it } from 'node:test'; import assert from 'node:assert/strict';";

describe('the tally', () => {
  it('counts tests, not the groups around them', () => {
    const tally = tallyOf({
      'a.test.mjs': `${HEAD} test('one', () => {}); describe('group', () => { it('two', () => {}); it('three', () => {}); });`,
    });
    assert.deepEqual([tally.passed, tally.failed, tally.skipped], [3, 0, 0]);
  });

  it('counts a failure once, not again for its parent', () => {
    const tally = tallyOf({
      'a.test.mjs': `${HEAD} describe('group', () => { it('bad', () => assert.ok(false)); it('good', () => {}); });`,
    });
    assert.deepEqual([tally.passed, tally.failed], [1, 1]);
    assert.match(tally.failures[0] ?? '', /a\.test\.mjs: bad$/);
  });

  it('counts what was skipped or put off', () => {
    const tally = tallyOf({
      'a.test.mjs': `${HEAD} test('s', { skip: true }, () => {}); test('t', { todo: true }, () => {});`,
    });
    assert.deepEqual([tally.passed, tally.skipped], [0, 2]);
  });

  it('takes a file without tests and a file that cannot be loaded for failures', () => {
    const tally = tallyOf({ 'empty.test.mjs': 'export {};', 'broken.test.mjs': "import 'node:nothing';" });
    assert.deepEqual([tally.passed, tally.failed], [0, 2]);
    assert.match(tally.failures.join('\n'), /empty\.test\.mjs: holds no test/);
    assert.match(tally.failures.join('\n'), /broken\.test\.mjs: the file ended badly/);
  });
});

describe('the test command', () => {
  it('refuses a flag it does not know', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/test.mjs', '--fast'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.equal(status, 2);
    assert.match(stderr, /unknown flag --fast/);
  });
});
