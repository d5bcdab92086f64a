/**
 * Builds the Debian package: what `npm ci && npm run build` left, production dependencies only, with the Node that runs
 * this script, so that the package depends on no other repository. Needs dpkg-deb; no root.
 *
 *   node scripts/package.mjs [--out DIR] [--version V] [--fast]
 *
 * The same sources give the same bytes: owners, times (SOURCE_DATE_EPOCH, else the last commit's) and order are fixed.
 * --fast packs with less compression, for tests. Prints the path of the package.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { out: { type: 'string' }, version: { type: 'string' }, fast: { type: 'boolean' } },
});
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const version = values.version ?? manifest.version;
const out = resolve(values.out ?? join(root, 'build'));

execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-stale'], { stdio: ['ignore', 2, 2] });

const stage = mkdtempSync(join(tmpdir(), 'sightglass-package-'));
try {
  console.log(pack());
} finally {
  rmSync(stage, { recursive: true, force: true });
}

function pack() {
  const lib = join(stage, 'usr/lib/sightglass');
  for (const part of ['dist', 'examples']) cpSync(join(root, part), join(lib, part), { recursive: true });
  for (const folder of productionModules()) {
    // A package nested in another one came along with it.
    const to = join(lib, relative(root, folder));
    if (!existsSync(to)) cpSync(folder, to, { recursive: true, filter: isNeeded });
  }
  writeFileSync(
    join(lib, 'package.json'),
    `${JSON.stringify({ ...manifest, version, devDependencies: undefined, scripts: undefined }, null, 2)}\n`,
  );
  put(process.execPath, 'usr/lib/sightglass/bin/node', 0o755);
  put(join(root, 'deploy/debian/sightglass.sh'), 'usr/bin/sightglass', 0o755);
  put(join(root, 'deploy/debian/sightglass.yaml'), 'etc/sightglass/sightglass.yaml', 0o644);
  put(join(root, 'deploy/systemd/sightglass.service'), 'lib/systemd/system/sightglass.service', 0o644);
  const doc = 'usr/share/doc/sightglass';
  for (const file of ['README.md', 'SECURITY.md']) put(join(root, file), join(doc, file), 0o644);
  put(join(root, 'LICENSE'), join(doc, 'copyright'), 0o644);
  for (const name of readdirSync(join(root, 'docs/reference')))
    put(join(root, 'docs/reference', name), join(doc, name), 0o644);
  for (const name of readdirSync(join(root, 'deploy/observability')))
    put(join(root, 'deploy/observability', name), join(doc, 'observability', name), 0o644);

  const control = [
    'Package: sightglass',
    `Version: ${version}`,
    `Architecture: ${execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()}`,
    'Section: net',
    'Priority: optional',
    'Maintainer: Sightglass maintainers <maintainers@sightglass.invalid>',
    `Installed-Size: ${Math.ceil(sizeOf(stage) / 1024)}`,
    'Depends: libc6 (>= 2.28), libstdc++6, adduser',
    'Recommends: systemd, ca-certificates',
    `Description: ${manifest.description.split(':')[0]}`,
    ' It reads the ClientHello of every TLS connection, decides by policy whether to',
    ' inspect, pass through or block it, writes one record for everything that',
    ' happened, and gives auditors a console to search it.',
    '',
  ].join('\n');
  mkdirSync(join(stage, 'DEBIAN'));
  writeFileSync(join(stage, 'DEBIAN/control'), control);
  writeFileSync(join(stage, 'DEBIAN/conffiles'), '/etc/sightglass/sightglass.yaml\n');
  for (const script of ['postinst', 'prerm', 'postrm'])
    put(join(root, 'deploy/debian', script), join('DEBIAN', script), 0o755);
  settle(stage, epoch());

  mkdirSync(out, { recursive: true });
  const file = join(out, `sightglass_${version}_${/^Architecture: (.*)$/m.exec(control)[1]}.deb`);
  const how = values.fast === true ? ['-Zgzip', '-z1'] : ['-Zxz'];
  const built = spawnSync('dpkg-deb', ['--root-owner-group', ...how, '--build', stage, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch()) },
  });
  if (built.status !== 0) throw new Error('dpkg-deb failed');
  return file;
}

/** Folders of everything that production needs, as npm resolved it. */
function productionModules() {
  const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed.split('\n').filter(line => line !== '' && line !== root);
}

/** Sources and build trees of native modules are not needed once they are built. */
function isNeeded(path) {
  if (/\/better-sqlite3\/(deps|src)(\/|$)/.test(path)) return false;
  if (/\/better-sqlite3\/build\/(?!Release(\/|$))[^/]+$/.test(path)) return false;
  if (/\/better-sqlite3\/build\/Release\/(?!better_sqlite3\.node$)/.test(path)) return false;
  return (
    !/\.(map|md|markdown)$|\/(test|tests|docs|example|examples)$/i.test(path) || /LICEN[CS]E/i.test(path)
  );
}

function put(from, to, mode) {
  const target = join(stage, to);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(from, target);
  chmodSync(target, mode);
}

/** One time and tidy modes for all, deepest first, since writing into a folder changes its time. */
function settle(path, time) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    for (const name of readdirSync(path)) settle(join(path, name), time);
    chmodSync(path, 0o755);
  } else if (stat !== undefined) chmodSync(path, (stat.mode & 0o111) === 0 ? 0o644 : 0o755);
  lutimesSync(path, time, time);
}

function sizeOf(path) {
  const stat = statSync(path);
  return stat.isDirectory()
    ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 4096)
    : stat.size;
}

function epoch() {
  const given = Number(process.env.SOURCE_DATE_EPOCH);
  if (Number.isInteger(given) && given > 0) return given;
  const said = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
  return Number(said.stdout) || Math.floor(Date.now() / 1000);
}
