import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { loadPolicyFile } from '../../src/policy/load.ts';
import { PolicyVersions, versionsDir } from '../../src/policy/versions.ts';
import { policyCommand } from '../../src/cli/policy.ts';
import { runVerb, type Ran } from './run-verb.ts';

const run = (t: TestContext, ...argv: string[]): Promise<Ran> => runVerb(t, policyCommand(), ...argv);

const ONE = 'version: 1\ndefault: block\n';
const TWO = 'version: 1\ndefault: inspect\n';

/** A data directory with its policy, and what the running service would do: record what came into force. */
function house(t: TestContext): { dir: string; file: string; inForce: () => Promise<void> } {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-history-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'policy.yaml');
  writeFileSync(file, ONE);
  let at = 0;
  const inForce = async (): Promise<void> => {
    const loaded = await loadPolicyFile(file);
    assert.ok(loaded.ok);
    await new PolicyVersions(versionsDir(dir)).record(loaded, ++at * 1000);
  };
  return { dir, file, inForce };
}

describe('policy history, diff, apply and rollback', () => {
  it('go there and back, with author and comment', async t => {
    const { dir, file, inForce } = house(t);
    await inForce();
    const candidate = join(dir, 'candidate.yaml');
    writeFileSync(candidate, TWO);
    const applied = await run(
      t,
      'apply',
      candidate,
      '--comment',
      'open it',
      '--author',
      'ada',
      '--data-dir',
      dir,
    );
    assert.equal(applied.code, 0, applied.err);
    assert.equal(readFileSync(file, 'utf8'), TWO);
    const pending = await run(t, 'diff', '--data-dir', dir);
    assert.match(pending.out, /# default: block \(page\) → inspect \(headers\)\n.*\n.*\n@@ -1,2 \+1,2 @@/s);
    await inForce();
    const back = await run(t, 'rollback', '1', '--comment', 'too open', '--author', 'bo', '--data-dir', dir);
    assert.match(back.out, /version 1 is back/);
    assert.equal(readFileSync(file, 'utf8'), ONE);
    await inForce();
    const { versions } = JSON.parse((await run(t, 'history', '--json', '--data-dir', dir)).out) as {
      versions: { n: number; author: string | null; comment: string | null; origin: string }[];
    };
    assert.deepEqual(
      versions.map(v => [v.n, v.origin, v.author, v.comment]),
      [
        [3, 'rollback', 'bo', 'back to version 1: too open'],
        [2, 'apply', 'ada', 'open it'],
        [1, 'first', null, null],
      ],
    );
    const table = await run(t, 'history', '--data-dir', dir);
    assert.match(table.out, /rolled back by bo\n {6}"back to version 1: too open"/);
    const diff = await run(t, 'diff', '1', '2', '--json', '--data-dir', dir);
    const told = JSON.parse(diff.out) as { same: boolean; diff: string; changes: string[] };
    assert.equal(told.same, false);
    assert.match(told.diff, /^-default: block\n\+default: inspect$/m);
    assert.equal((await run(t, 'diff', '1', '3', '--data-dir', dir)).out, 'no difference');
    const twice = await run(t, 'rollback', '3', '--comment', 'x', '--data-dir', dir);
    assert.match(twice.out, /hold version 3 already/);
  });

  it('refuse what cannot be used', async t => {
    const { dir, file, inForce } = house(t);
    await inForce();
    const bad = join(dir, 'bad.yaml');
    writeFileSync(bad, 'version: 1\nrulez: 1\n');
    const refused = await run(t, 'apply', bad, '--comment', 'x', '--data-dir', dir);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /policy\.yaml:2:1: .*rulez/);
    assert.equal(readFileSync(file, 'utf8'), ONE);
    await assert.rejects(
      run(t, 'rollback', '9', '--comment', 'x', '--data-dir', dir),
      /there is no version "9"/,
    );
  });

  it('bring lists back as they were, or say which have other contents now', async t => {
    const { dir, file, inForce } = house(t);
    writeFileSync(join(dir, 'l.txt'), 'a.test\n');
    writeFileSync(file, 'version: 1\nlists: { l: { file: l.txt } }\n');
    await inForce();
    writeFileSync(join(dir, 'l.txt'), 'b.test\n');
    writeFileSync(file, ONE);
    await inForce();
    const flags = ['--comment', 'x', '--data-dir', dir];
    const document = await run(t, 'rollback', '1', '--document-only', ...flags);
    assert.match(document.out, /note: the list l has other contents now than then/);
    assert.equal(readFileSync(join(dir, 'l.txt'), 'utf8'), 'b.test\n');
    await inForce();
    const diff = await run(t, 'diff', '1', '3', '--data-dir', dir);
    assert.equal(diff.out, '# list l: 1 added, 1 removed, 1 → 1 names: + b.test, - a.test');
    const back = await run(t, 'rollback', '1', ...flags);
    assert.match(back.out, /version 1 is back as [0-9a-f]{12}\nlists as they were: l$/);
    assert.equal(readFileSync(join(dir, 'l.txt'), 'utf8'), 'a.test\n');
  });
});
