import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { folder, lists } from './run.ts';

const POLICY = 'version: 1\ndefault: inspect\n';

describe('lists import', () => {
  it('fills a list, tells what changes and what it rejects, and adds the list to the policy', async t => {
    const dir = await folder(t, {
      'policy.yaml': POLICY,
      h: '0.0.0.0 a.test\n0.0.0.0 b.test\n10.0.0.1 c.test\nbad\u001b[31m\n',
    });
    const policy = join(dir, 'policy.yaml');
    const { err } = await lists(t, 'import', join(dir, 'h'), '--name', 'ads', '--policy.file', policy);
    assert.match(err, /format {4}hosts \(told from the content\)/);
    assert.match(err, /2 taken, 2 lines rejected/);
    assert.match(err, /line 3: points to an address/);
    assert.doesNotMatch(err, /\u001b/, 'no control bytes of the list reach the terminal');
    assert.match(err, /ads: 0 names now, 2 then: 2 added, 0 removed/);
    assert.match(err, /list:ads/);
    assert.match(await readFile(policy, 'utf8'), /\n {2}ads: \{ file: lists\/ads\.txt \}\n/);
    assert.equal(
      await readFile(join(dir, 'lists', 'ads.txt'), 'utf8'),
      '# Imported by sightglass from h (hosts)\na.test\nb.test\n',
    );

    const again = await lists(t, 'import', join(dir, 'h'), '--name', 'ads', '--policy.file', policy);
    assert.match(again.err, /the same already/);
  });

  it('changes nothing on a dry run, and never empties a list because a file holds no names', async t => {
    const dir = await folder(t, {
      'policy.yaml': `${POLICY}lists: { ads: { file: ads.txt } }\n`,
      'ads.txt': 'old.test\n',
      n: 'new.test\n',
      empty: '0.0.0.0 bad..name\n',
    });
    const policy = join(dir, 'policy.yaml');
    const dry = await lists(
      t,
      'import',
      join(dir, 'n'),
      '--name',
      'ads',
      '--dry-run',
      '--policy.file',
      policy,
    );
    assert.match(dry.err, /\+ new\.test\n.*- old\.test/);
    await assert.rejects(lists(t, 'import', join(dir, 'empty'), '--name', 'ads', '--policy.file', policy), {
      message: /no usable name/,
      exitCode: 1,
    });
    assert.equal(await readFile(join(dir, 'ads.txt'), 'utf8'), 'old.test\n');
    await lists(t, 'import', join(dir, 'n'), '--name', 'ads', '--add', '--policy.file', policy);
    assert.match(await readFile(join(dir, 'ads.txt'), 'utf8'), /\nnew\.test\nold\.test\n$/);
  });

  it('takes exceptions into a list of their own, or says that they are left out', async t => {
    const dir = await folder(t, {
      'policy.yaml': POLICY,
      a: '||a.test^\n@@||ok.a.test^\n',
      allow: '@@||only.test^\n',
    });
    const policy = join(dir, 'policy.yaml');
    const without = await lists(t, 'import', join(dir, 'a'), '--name', 'x', '--policy.file', policy);
    assert.match(without.err, /1 exceptions are left out/);
    await lists(t, 'import', join(dir, 'a'), '--name', 'x', '--exceptions', 'x-ok', '--policy.file', policy);
    assert.match(await readFile(join(dir, 'lists', 'x-ok.txt'), 'utf8'), /\n\.ok\.a\.test\n$/);
    await lists(t, 'import', join(dir, 'allow'), '--name', 'y', '--policy.file', policy);
    assert.match(await readFile(join(dir, 'lists', 'y.txt'), 'utf8'), /\n\.only\.test\n$/);
    await assert.rejects(
      lists(t, 'import', join(dir, 'a'), '--name', 'x', '--exceptions', 'x', '--policy.file', policy),
      { exitCode: 2 },
    );
  });

  it('reads gzip and folders of categories, and wants to know which category', async t => {
    const dir = await folder(t, { 'policy.yaml': POLICY, gz: gzipSync('a.test\n') });
    const policy = join(dir, 'policy.yaml');
    await lists(t, 'import', join(dir, 'gz'), '--name', 'x', '--policy.file', policy);
    for (const [category, name] of [
      ['ads', 'b.test'],
      ['news', 'c.test'],
    ] as const) {
      await mkdir(join(dir, 'tree', category), { recursive: true });
      await writeFile(join(dir, 'tree', category, 'domains'), `${name}\n`);
    }
    const tree = join(dir, 'tree');
    await assert.rejects(lists(t, 'import', tree, '--name', 'y', '--policy.file', policy), {
      message: /2 categories: ads \(1\), news \(1\)/,
      hint: /--category/,
    });
    await assert.rejects(
      lists(t, 'import', tree, '--name', 'y', '--category', 'nope', '--policy.file', policy),
      /no category "nope"/,
    );
    await lists(t, 'import', tree, '--name', 'y', '--category', 'news', '--policy.file', policy);
    assert.match(await readFile(join(dir, 'lists', 'y.txt'), 'utf8'), /\n\.c\.test\n$/);
    await lists(t, 'import', join(tree, 'ads'), '--name', 'z', '--policy.file', policy);
    assert.match(await readFile(join(dir, 'lists', 'z.txt'), 'utf8'), /\n\.b\.test\n$/);
    assert.deepEqual((await readdir(join(dir, 'lists'))).sort(), ['x.txt', 'y.txt', 'z.txt']);
  });

  it('reads back both files of an export for HAProxy, and either alone as what it is', async t => {
    const dir = await folder(t, {
      'policy.yaml':
        "version: 1\nlists:\n  all: { domains: ['.both.test', 'one.test', '*.sub.test'] }\nrules:\n  - { name: r, when: { host: 'list:all' }, action: block }\n",
    });
    const at = ['--policy.file', join(dir, 'policy.yaml')];
    const ha = join(dir, 'ha');
    await lists(t, 'export', '--action', 'deny', '--format', 'haproxy', '--list', 'all', '--out', ha, ...at);
    await lists(t, 'import', ha, '--name', 'back', ...at);
    const back = await readFile(join(dir, 'lists', 'back.txt'), 'utf8');
    assert.deepEqual(back.match(/^[^#\n].*$/gm)?.sort(), ['*.sub.test', '.both.test', 'one.test']);
    // An ending misses the name itself: as a plain list it would have covered it.
    await lists(t, 'import', join(ha, 'all.suffix.lst'), '--name', 'half', ...at);
    const half = await readFile(join(dir, 'lists', 'half.txt'), 'utf8');
    assert.deepEqual(half.match(/^[^#\n].*$/gm)?.sort(), ['*.both.test', '*.sub.test']);
    await mkdir(join(ha, 'ads'));
    await writeFile(join(ha, 'ads', 'domains'), 'c.test\n');
    await assert.rejects(lists(t, 'import', ha, '--name', 'y', ...at), /categories and files for HAProxy/);
    await lists(t, 'import', ha, '--format', 'squidguard', '--name', 'y', ...at);
    assert.match(await readFile(join(dir, 'lists', 'y.txt'), 'utf8'), /\n\.c\.test\n$/);
  });

  it('prints its report as JSON', async t => {
    const dir = await folder(t, { 'policy.yaml': POLICY, h: 'a.test\n10.0.0.1\n' });
    const { out } = await lists(
      t,
      'import',
      join(dir, 'h'),
      '--name',
      'x',
      '--json',
      '--format',
      'plain',
      '--policy.file',
      join(dir, 'policy.yaml'),
    );
    const json = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual(
      [json['format'], json['entries'], json['rejected'], json['applied']],
      ['plain', 1, 1, true],
    );
    assert.equal((json['lists'] as { added: number }[])[0]?.added, 1);
  });

  it('writes the shipped policy when there is none yet', async t => {
    const dir = await folder(t, { h: 'a.test\n' });
    await lists(t, 'import', join(dir, 'h'), '--name', 'x', '--data-dir', dir);
    assert.match(await readFile(join(dir, 'policy.yaml'), 'utf8'), /inspect-everything-else/);
  });

  it('refuses names and formats that are none', async t => {
    const dir = await folder(t, { h: 'a.test\n' });
    await assert.rejects(lists(t, 'import', join(dir, 'h'), '--name', 'a/b'), { exitCode: 2 });
    await assert.rejects(lists(t, 'import', join(dir, 'h'), '--name', 'x', '--format', 'excel'), {
      code: 'commander.invalidArgument',
    });
    await assert.rejects(lists(t, 'import', join(dir, 'nope'), '--name', 'x', '--data-dir', dir), {
      code: 'ENOENT',
    });
  });
});
