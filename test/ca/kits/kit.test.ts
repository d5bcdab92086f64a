/** The kit as a whole: the same plan is the same bytes, sums hold, every script passes the shell and its linter, guides lead to files. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { buildKit, kitGuides } from '../../../ca/kits/kit.ts';
import { fixedProxy, pacProxy, planKit } from '../../../ca/kits/plan.ts';
import type { ProxyChoice } from '../../../ca/kits/plan.ts';
import { zipKit } from '../../../ca/kits/zip.ts';
import { scratch } from '../scratch.ts';
import { HOSTILE, ownRoot, python, read, TIME, unpack } from './sample.ts';

const PROXIES: readonly (ProxyChoice | null)[] = [
  null,
  fixedProxy('[2001:db8::1]:8080', ['*.intra.example']),
  pacProxy('http://p.example/proxy.pac'),
];

test('the same plan is the same bytes, folder and zip; another day changes only dates', t => {
  const roots = [{ certificate: ownRoot(t), role: 'current' as const }];
  const make = (time: number): ReturnType<typeof buildKit> =>
    buildKit({ roots, proxy: PROXIES[1] ?? null, time });
  assert.deepEqual(make(TIME), make(TIME));
  assert.deepEqual(zipKit(make(TIME)), zipKit(make(TIME)));
  const [today, tomorrow] = [make(TIME), make(TIME + 86_400_000)];
  const changed = today
    .filter((file, i) => !file.data.equals(tomorrow[i]?.data ?? Buffer.alloc(0)))
    .map(f => f.path);
  assert.ok(
    changed.every(path =>
      /README\.md$|SHA256SUMS|kit\.json|manifest\.xml|bkupInfo\.xml|gpreport\.xml/.test(path),
    ),
    changed.join(),
  );
});

test('scripts pass the shell and a linter, whatever the root is called', t => {
  const roots = [{ certificate: ownRoot(t, HOSTILE.slice(0, 60)), role: 'current' as const }];
  const scripts = PROXIES.map(proxy => {
    const { dir, files } = unpack(t, { roots, retired: [ownRoot(t)], proxy });
    return files.filter(file => file.path.endsWith('.sh')).map(file => join(dir, file.path));
  });
  for (const script of scripts.flat()) execFileSync('sh', ['-n', script]);
  // One kit is enough for the linter, which takes a second for ten scripts; the others differ in values only.
  const lint = ['-S', 'style', '-e', 'SC1090,SC1091,SC2012,SC2015,SC2016,SC2317', ...(scripts[1] ?? [])];
  const { status, stdout } = spawnSync('shellcheck', lint, { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});

test('sums hold, XML is XML, JSON is JSON, and no key is anywhere', t => {
  const { dir, files } = unpack(t, {
    roots: [{ certificate: ownRoot(t), role: 'current' }],
    proxy: PROXIES[1] ?? null,
  });
  execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: dir });
  assert.equal(read(dir, 'SHA256SUMS').trim().split('\n').length, files.length - 1);
  const xml = files.filter(file => /\.(xml|mobileconfig)$/.test(file.path)).map(file => join(dir, file.path));
  execFileSync('xmllint', ['--noout', '--nonet', ...xml], { stdio: 'pipe' });
  for (const file of files.filter(f => f.path.endsWith('.json'))) JSON.parse(file.data.toString());
  for (const file of files) assert.doesNotMatch(file.data.toString('latin1'), /PRIVATE KEY/, file.path);
  const described = JSON.parse(read(dir, 'kit.json')) as { roots: { sha256: string }[]; made: string };
  assert.equal(described.made, '2026-11-20T12:00:00Z');
});

test('the zip is read by another program, with modes and nothing outside its folder', t => {
  const files = buildKit({ roots: [{ certificate: ownRoot(t), role: 'current' }], proxy: null, time: TIME });
  const path = join(scratch(t), 'kit.zip');
  writeFileSync(path, zipKit(files));
  const entries = python(
    `import sys, json, zipfile, hashlib
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps([[i.filename, (i.external_attr >> 16) & 0o777, len(z.read(i))] for i in z.infolist()]))`,
    path,
  );
  assert.deepEqual(
    entries,
    files.map(f => [`sightglass-kit/${f.path}`, f.executable === true ? 0o755 : 0o644, f.data.length]),
  );
});

test('guides: every part is there, links and named files lead somewhere, names cannot write Markdown', t => {
  for (const proxy of PROXIES) {
    const root = ownRoot(t, '[x](http://evil) <b>');
    const { dir, files } = unpack(t, { roots: [{ certificate: root, role: 'current' }], proxy });
    const guides = kitGuides(planKit({ roots: [{ certificate: root, role: 'current' }], proxy, time: TIME }));
    assert.equal(new Set(guides.map(guide => guide.id)).size, guides.length);
    for (const guide of guides)
      for (const part of ['install', 'verify', 'remove'] as const)
        assert.ok(guide[part].length > 0, `${guide.id}: ${part}`);
    for (const file of files.filter(f => f.path.endsWith('.md'))) {
      const text = file.data.toString();
      assert.doesNotMatch(text, /undefined|\[object|NaN|\n\n\n\n/, file.path);
      for (const [, target = ''] of text.matchAll(/(?<!\\)\]\(([^)]+)\)/g))
        assert.ok(existsSync(join(dir, dirname(file.path), target)), `${file.path}: ${target}`);
      for (const [, name = ''] of text.matchAll(
        /\b(?:sh|-File) ((?:install|verify|remove|user|node|npm|python|java|git|curl|docker)\.\w+)/g,
      ))
        assert.ok(existsSync(join(dir, dirname(file.path), name)), `${file.path}: ${name}`);
    }
    const readme = readFileSync(join(dir, 'README.md'), 'utf8');
    assert.match(readme, /\\\[x\\\]\(http:\/\/evil\) \\<b\\>/);
    assert.match(readme, /Windows, macOS, iOS and Android took no part/);
  }
});

test('a removal kit says what it removes', t => {
  const { dir } = unpack(t, {
    roots: [{ certificate: ownRoot(t), role: 'current' }],
    retired: [ownRoot(t)],
    proxy: null,
  });
  assert.match(read(dir, 'README.md'), /\*\*A removal\.\*\*/);
  assert.match(read(dir, 'README.md'), /out of use: this kit removes it/);
});
