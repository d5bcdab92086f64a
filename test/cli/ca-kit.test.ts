import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openAuthority } from '../../ca/authority.ts';
import { kitCommand } from '../../src/cli/ca-kit.ts';
import { runVerb, type Ran } from './run-verb.ts';

function house(t: TestContext): { dir: string; root: string; run: (...args: string[]) => Promise<Ran> } {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-kit-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const authority = openAuthority({ dir: join(dir, 'data/ca') });
  const root = join(dir, 'root.pem');
  writeFileSync(root, authority.certificatePem);
  return { dir, root, run: (...args) => runVerb(t, kitCommand(), ...args, '--data-dir', join(dir, 'data')) };
}

const told = (words: RegExp) => (error: unknown) =>
  error instanceof Error && words.test(`${error.message} ${(error as { hint?: string }).hint ?? ''}`);

test('a folder and a zip, of the authority of the data directory', async t => {
  const { dir, run } = house(t);
  const [out, zip] = [join(dir, 'kit'), join(dir, 'kit.zip')];
  const { out: said } = await run(
    '--out',
    out,
    '--zip',
    zip,
    '--proxy',
    'proxy.example.com:8080',
    '--bypass',
    '*.intra.example',
  );
  assert.match(said, /Wrote \d+ files for 1 root to .*kit and .*kit\.zip\./);
  assert.ok(readdirSync(out).includes('README.md'));
  assert.equal(statSync(join(out, 'linux/install.sh')).mode & 0o777, 0o755);
  assert.equal(readFileSync(zip).toString('latin1', 0, 2), 'PK');
  assert.match(readFileSync(join(out, 'linux/firefox-policies.json'), 'utf8'), /proxy\.example\.com:8080/);
  const listed = JSON.parse((await run('--out', join(dir, 'again'), '--json')).out) as {
    files: string[];
    folder: string;
  };
  assert.equal(listed.folder, join(dir, 'again'));
  assert.ok(listed.files.includes('SHA256SUMS'));
});

test('nothing that exists is written over', async t => {
  const { dir, run } = house(t);
  mkdirSync(join(dir, 'full'));
  writeFileSync(join(dir, 'full/mine'), 'precious');
  await assert.rejects(run('--out', join(dir, 'full')), told(/is not empty.*another folder/));
  assert.deepEqual(readdirSync(join(dir, 'full')), ['mine']);
  await assert.rejects(run('--zip', join(dir, 'full/mine')), told(/exists already/));
  assert.equal(readFileSync(join(dir, 'full/mine'), 'utf8'), 'precious');
});

test('roots can be named instead, and retired ones beside; without an authority that is the only way', async t => {
  const { dir, root, run } = house(t);
  const foreign = join(dir, 'other.pem');
  writeFileSync(foreign, openAuthority({ dir: join(dir, 'other') }).certificatePem);
  await run('--out', join(dir, 'a'), '--root', foreign, '--retire', root);
  const described = JSON.parse(readFileSync(join(dir, 'a/kit.json'), 'utf8')) as Record<
    'roots' | 'retired',
    unknown[]
  >;
  assert.deepEqual([described.roots.length, described.retired.length], [1, 1]);
  const elsewhere = ['--data-dir', join(dir, 'nowhere')];
  await runVerb(t, kitCommand(), '--out', join(dir, 'b'), '--root', foreign, ...elsewhere);
  await assert.rejects(
    runVerb(t, kitCommand(), '--out', join(dir, 'c'), ...elsewhere),
    told(/There is no authority.*ca init/),
  );
});

test('wrong use is told with what to do', async t => {
  const { dir, root, run } = house(t);
  const out = join(dir, 'kit');
  await assert.rejects(run(), told(/Where to\?.*--out DIR/));
  await assert.rejects(run('--out', out, '--proxy', 'proxy'), told(/no address of a proxy.*HOST:PORT/));
  await assert.rejects(run('--out', out, '--pac', 'file:///x'), told(/no URL of a PAC file/));
  await assert.rejects(run('--out', out, '--bypass', 'x'), told(/--bypass goes with --proxy/));
  await assert.rejects(run('--out', out, '--root', join(dir, 'none')), told(/cannot be read \(ENOENT\)/));
  await assert.rejects(run('--out', out, '--root', root, '--retire', root), told(/named twice/));
  assert.throws(() => readdirSync(out));
});
