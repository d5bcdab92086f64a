import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { DomainSetBuilder } from '../../../src/policy/domain-set.ts';
import { install, planInstall } from '../../../src/policy/lists/install.ts';
import type { InstallPlan } from '../../../src/policy/lists/install.ts';
import { loadPolicyFile } from '../../../src/policy/load.ts';
import { entry } from './helper.ts';

async function policy(t: TestContext, yaml: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sightglass-install-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, 'policy.yaml'), yaml);
  return join(dir, 'policy.yaml');
}

function plan(file: string, patterns: string[], add = false): Promise<InstallPlan> {
  const builder = new DomainSetBuilder();
  for (const p of patterns) builder.add(entry(p));
  return planInstall(file, 'ads', builder, { add, allowPublicSuffix: false, breathe: async () => undefined });
}

describe('install', () => {
  it('adds a new list to the policy, then replaces it, telling the difference', async t => {
    const file = await policy(
      t,
      '# mine\nversion: 1\n\nlists: # here\n  other: { domains: [] }\nrules: []\n',
    );
    const first = await plan(file, ['a.test', 'a.test', 'b.test', '.c.test', 'x.c.test']);
    assert.deepEqual(
      [first.known, first.before, first.added, first.removed, first.duplicates, first.covered],
      [false, 0, 3, 0, 1, 1],
    );
    assert.equal(await install(first, 'head\nline'), true);
    const yaml = await readFile(file, 'utf8');
    assert.equal(
      yaml,
      '# mine\nversion: 1\n\nlists: # here\n  ads: { file: lists/ads.txt }\n  other: { domains: [] }\nrules: []\n',
    );
    assert.equal(await readFile(first.file, 'utf8'), '# head line\na.test\nb.test\n.c.test\n');

    const second = await plan(file, ['.a.test', '.c.test']);
    assert.deepEqual([second.known, second.before, second.added, second.removed], [true, 3, 1, 2]);
    assert.deepEqual(second.sample, ['+ .a.test', '- a.test', '- b.test']);
    assert.equal(await install(second, 'head'), false);
    assert.equal(await readFile(file, 'utf8'), yaml);

    const third = await plan(file, ['d.test'], true);
    assert.deepEqual([third.added, third.removed, third.next.size], [1, 0, 3]);
    await install(third, 'head');
    const loaded = await loadPolicyFile(file);
    assert.ok(loaded.ok);
    assert.equal(loaded.compiled.lists.get('ads')?.set.size, 3);
    assert.deepEqual((await readdir(join(file, '..', 'lists'))).sort(), ['ads.txt']);
  });

  it('uses the file that the policy names', async t => {
    const file = await policy(t, 'version: 1\nlists: { ads: { file: deep/er.txt } }\n');
    const p = await plan(file, ['a.test']);
    await install(p, 'head');
    assert.match(await readFile(join(file, '..', 'deep', 'er.txt'), 'utf8'), /a\.test/);
  });

  it('mends a policy that names the list already', async t => {
    const file = await policy(
      t,
      "version: 1\nrules:\n  - { name: r, when: { host: 'list:ads' }, action: block }\n",
    );
    await install(await plan(file, ['a.test']), 'head');
    assert.ok((await loadPolicyFile(file)).ok);
  });

  it('refuses a bad policy, an inline list, and a layout it cannot edit, and then writes nothing', async t => {
    const bad = await policy(t, 'version: 1\nrulez: []\n');
    await assert.rejects(plan(bad, ['a.test']), { name: 'InstallRefused', hint: /policy check/ });
    const inline = await policy(t, 'version: 1\nlists: { ads: { domains: [ a.test ] } }\n');
    await assert.rejects(plan(inline, ['a.test']), { name: 'InstallRefused', message: /inline/ });
    const braces = await policy(t, 'version: 1\nlists: { other: { domains: [ a.test ] } }\n');
    const p = await plan(braces, ['a.test']);
    await assert.rejects(install(p, 'head'), {
      name: 'InstallRefused',
      hint: /ads: \{ file: lists\/ads\.txt \}/,
    });
    assert.deepEqual(await readdir(join(braces, '..')), ['policy.yaml']);
  });

  it('treats a broken list as one to be replaced', async t => {
    const file = await policy(t, 'version: 1\nlists: { ads: { file: ads.txt } }\n');
    await mkdir(join(file, '..', 'x'));
    await writeFile(join(file, '..', 'ads.txt'), 'a.test\nbad..name\n');
    const p = await plan(file, ['b.test']);
    assert.deepEqual([p.before, p.added, p.removed], [1, 1, 1]);
  });
});
