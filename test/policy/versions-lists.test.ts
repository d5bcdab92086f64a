import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadPolicyFile } from '../../src/policy/load.ts';
import type { LoadedPolicy } from '../../src/policy/load.ts';
import { KeptLists, listDeltas } from '../../src/policy/versions-lists.ts';
import { PolicyVersions } from '../../src/policy/versions.ts';

let dir: string;
let kept: KeptLists;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sightglass-kept-'));
  kept = new KeptLists(join(dir, 'kept'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

async function textOf(sha256: string): Promise<string> {
  let text = '';
  for await (const chunk of kept.read(sha256)) text += chunk.toString();
  return text;
}

async function load(text: string): Promise<LoadedPolicy> {
  writeFileSync(join(dir, 'policy.yaml'), text);
  const loaded = await loadPolicyFile(join(dir, 'policy.yaml'), { copies: join(dir, 'copies') });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded;
}

const POLICY =
  'version: 1\nlists:\n  f: { file: f.txt }\n  i: { domains: [i.test] }\n  n: { learned: seen }\n';

describe('kept texts', () => {
  it('are kept once under their digest, compressed and private, and come back as they were', async () => {
    const text = 'a.test\n'.repeat(1000);
    const sha256 = await kept.keep([Buffer.from(text.slice(0, 9)), Buffer.from(text.slice(9))]);
    assert.equal(sha256, createHash('sha256').update(text).digest('hex'));
    assert.equal(await kept.keep([Buffer.from(text)]), sha256);
    assert.deepEqual(readdirSync(kept.dir), [`${sha256}.gz`]);
    const { mode, size } = statSync(join(kept.dir, `${sha256}.gz`));
    assert.ok((mode & 0o777) === 0o600 && size < 200);
    assert.equal(await textOf(sha256), text);
    assert.equal((await kept.set(sha256))?.size, 1);
    const empty = await kept.keep([]);
    assert.equal(await textOf(empty), '');
  });

  it('a damaged one is noticed, and gives no set', async () => {
    const sha256 = await kept.keep([Buffer.from('a.test\n')]);
    const path = join(kept.dir, `${sha256}.gz`);
    writeFileSync(path, gzipSync('b.test\n'));
    await assert.rejects(textOf(sha256), /is damaged/);
    writeFileSync(path, 'no gzip');
    await assert.rejects(textOf(sha256));
    assert.equal(await kept.set(sha256), null);
    unlinkSync(path);
    assert.equal(await kept.has(sha256), false);
  });

  it('a source that fails leaves nothing behind', async () => {
    const broken = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from('a');
      await Promise.reject(new Error('disk'));
    };
    await assert.rejects(kept.keep(broken()), /disk/);
    assert.deepEqual(readdirSync(kept.dir), []);
  });
});

describe('lists of a policy', () => {
  it('are kept as their authors wrote them, those in the document are not', async () => {
    const text = '# why: ticket 7\na.test   # first\n';
    writeFileSync(join(dir, 'f.txt'), text);
    const { compiled, listFiles } = await load(POLICY);
    const contents = await kept.keepAll(compiled, listFiles, assert.fail);
    assert.equal(contents['f']?.size, 1);
    assert.equal(await textOf(contents['f'].kept?.sha256 ?? ''), text);
    assert.deepEqual(Object.keys(contents['i'] ?? {}), ['digest', 'size']);
    assert.equal(await textOf(contents['n']?.kept?.sha256 ?? ''), '', 'nothing learned yet is a content too');
    assert.deepEqual(await kept.keepAll(compiled, listFiles, assert.fail), contents);
  });

  it('whose file changed meanwhile are kept by the names that were in force', async () => {
    writeFileSync(join(dir, 'f.txt'), 'a.test # then\n');
    const { compiled, listFiles } = await load(POLICY);
    writeFileSync(join(dir, 'f.txt'), 'other.test # not yet in force\n');
    const contents = await kept.keepAll(compiled, listFiles, assert.fail);
    assert.equal(await textOf(contents['f']?.kept?.sha256 ?? ''), 'a.test\n');
  });

  it('that cannot be kept are told, and their contents stand there all the same', async () => {
    writeFileSync(join(dir, 'f.txt'), 'a.test\n');
    const { compiled } = await load(POLICY);
    writeFileSync(join(dir, 'kept'), 'a file where the folder should be');
    const lost: string[] = [];
    const contents = await kept.keepAll(compiled, {}, list => lost.push(list));
    assert.deepEqual(lost, ['f', 'n']);
    assert.deepEqual([contents['f']?.size, contents['f']?.kept], [1, undefined]);
  });

  it('are compared where both contents are to be had', async () => {
    const a = await kept.keep([Buffer.from('a.test\nb.test\n')]);
    const b = await kept.keep([Buffer.from('b.test\nc.test\n')]);
    const side = (digest: string, sha256: string) => ({
      lists: { l: { digest, size: 2 }, gone: { digest, size: 1 }, huge: { digest, size: 3_000_000 } },
      set: (name: string) => (name === 'gone' ? null : kept.set(sha256)),
    });
    assert.deepEqual(await listDeltas(side('x', a), side('y', b)), {
      l: { added: 1, removed: 1, sample: ['+ c.test', '- a.test'] },
    });
    assert.deepEqual(await listDeltas(side('x', a), side('x', b)), {});
  });
});

it('texts of old versions go when versions or bytes are too many; what a newer one shares stays', async () => {
  const random = (n: number): Buffer =>
    Buffer.from(
      Array.from(
        { length: 40 },
        (_, i) => `${createHash('sha256').update(`${n} ${i}`).digest('hex')}.test\n`,
      ).join(''),
    );
  const texts: string[] = [];
  for (let i = 0; i < 4; i++) texts.push(await kept.keep([random(i)]));
  const [a = '', b = '', c = '', d = ''] = texts;
  const versions = async function* (): AsyncGenerator<string[]> {
    yield* await Promise.resolve([[d, a], [c], [b], [a]]);
  };
  const left = (): string[] =>
    readdirSync(kept.dir)
      .map(n => n.slice(0, 64))
      .sort();
  const bounded = (bounds: { versions?: number; bytes?: number }): KeptLists =>
    new KeptLists(kept.dir, bounds);
  await bounded({ versions: 2 }).prune(17, versions);
  assert.equal(left().length, 4, 'counted with every sixteenth version');
  await bounded({ versions: 2 }).prune(16, versions);
  assert.deepEqual(left(), [a, c, d].sort());
  const one = statSync(join(kept.dir, `${a}.gz`)).size;
  await bounded({ bytes: Math.round(one * 2.5) }).prune(1, versions);
  assert.deepEqual(left(), [a, d].sort());
  await bounded({ bytes: 10 }).prune(1, versions);
  assert.deepEqual(left(), []);
});

it('a version tells what changed in its lists by name, and gives them to be compared', async () => {
  const versions = new PolicyVersions(join(dir, 'versions'));
  for (const [text, at] of [
    ['a.test\nb.test\n', 1],
    ['b.test\nc.test\nd.test\n', 2],
  ] as const) {
    writeFileSync(join(dir, 'f.txt'), text);
    await versions.record(await load(POLICY), at);
  }
  const [newest, first] = await versions.list();
  assert.ok(newest !== undefined && first !== undefined);
  assert.deepEqual(newest.changes, ['list f: 2 added, 1 removed, 2 → 3 names: + c.test, + d.test, - a.test']);
  const deltas = await listDeltas(versions.side(newest), versions.side(first));
  assert.deepEqual([deltas['f']?.added, deltas['f']?.removed], [1, 2]);
});
