import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { loadPolicyFile, problemText } from '../../src/policy/load.ts';
import type { ListCache } from '../../src/policy/load.ts';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sightglass-load-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

describe('load', () => {
  it('finds lists beside the policy, whatever the current folder', async t => {
    const dir = await folder(t);
    const file = join(dir, 'policy.yaml');
    await mkdir(join(dir, 'lists'));
    await writeFile(join(dir, 'lists', 'l.txt'), 'a.test\n');
    await writeFile(file, 'version: 1\nlists: { l: { file: lists/l.txt } }\n');
    const loaded = await loadPolicyFile(file);
    assert.ok(loaded.ok);
    assert.deepEqual(loaded.files, [file, join(dir, 'lists', 'l.txt')]);
    assert.ok(loaded.compiled.lists.get('l')?.set.match('a.test'));
    assert.equal(loaded.snapshot?.version, loaded.compiled.version);
  });

  it('tells the problems of all lists, each in its own file; a missing one where the policy names it', async t => {
    const dir = await folder(t);
    const file = join(dir, 'policy.yaml');
    await writeFile(join(dir, 'bad.txt'), 'a.test\nbad..test\n');
    await mkdir(join(dir, 'dir.txt'));
    await writeFile(
      file,
      'version: 1\nlists:\n  a: { file: bad.txt }\n  b: { file: gone.txt }\n  c: { file: dir.txt }\n',
    );
    const loaded = await loadPolicyFile(file);
    assert.ok(!loaded.ok);
    assert.deepEqual(
      loaded.problems.map(p => [p.file, p.line]),
      [
        [join(dir, 'bad.txt'), 2],
        [file, 4],
        [file, 5],
      ],
    );
    assert.match(
      problemText(loaded.problems[1] ?? assert.fail()),
      /policy\.yaml:4:1: list file .*gone\.txt: there is no such file\n {4}Check/,
    );
    assert.match(loaded.problems[2]?.message ?? '', /folder/);
  });

  it('reads a list again only when it changed, and forgets lists that are gone', async t => {
    const dir = await folder(t);
    const file = join(dir, 'policy.yaml');
    const cache: ListCache = new Map();
    await writeFile(join(dir, 'l.txt'), 'a.test\n');
    await writeFile(file, 'version: 1\nlists: { l: { file: l.txt } }\n');
    const load = async (): Promise<unknown> => {
      const loaded = await loadPolicyFile(file, { cacheDir: join(dir, 'cache'), cache });
      assert.ok(loaded.ok);
      return loaded.compiled.lists.get('l')?.set;
    };
    const first = await load();
    assert.equal(await load(), first);
    await writeFile(join(dir, 'l.txt'), 'b.test\n.c.test\n');
    assert.notEqual(await load(), first);
    await writeFile(file, 'version: 1\n');
    await load();
    assert.equal(cache.size, 0);
  });

  it('without a place for long lists there is no snapshot of them', async t => {
    const dir = await folder(t);
    const file = join(dir, 'policy.yaml');
    await writeFile(join(dir, 'l.txt'), Array.from({ length: 501 }, (_, i) => `h${i}.test`).join('\n'));
    await writeFile(file, 'version: 1\nlists: { l: { file: l.txt } }\n');
    const loaded = await loadPolicyFile(file);
    assert.ok(loaded.ok);
    assert.equal(loaded.snapshot, null);
    assert.equal(loaded.compiled.lists.get('l')?.set.size, 501);
  });
});
