/**
 * Build the product into dist/: the TypeScript of src, ca and web by tsc, other files beside them copied, the console's
 * client by Vite. With --if-stale nothing happens while the sources are the ones of the last build, which takes a few
 * milliseconds: that is what `npm start` relies on.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');
const stampFile = join(dist, '.stamp.json');
const clientRoot = join(root, 'web/client');
const SOURCES = [
  'src',
  'ca',
  'web',
  // The manual, which the console shows.
  'docs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'vite.config.ts',
];

const ifStale = process.argv.includes('--if-stale');
const unknown = process.argv.slice(2).filter(arg => arg !== '--if-stale');
if (unknown.length > 0) {
  console.error(`build: unknown argument ${unknown[0]}; only --if-stale is known`);
  process.exit(2);
}

const files = SOURCES.flatMap(list);
const stamp = fingerprint(files);
const before = readStamp();
if (ifStale && before?.stamp === stamp && existsSync(join(dist, 'src/cli/main.js'))) process.exit(0);

const tsc = join(root, 'node_modules/typescript/bin/tsc');
if (!existsSync(tsc)) {
  console.error('build: the compiler is not installed; run `npm ci` (with development packages) first');
  process.exit(1);
}
const started = Date.now();
// Output of a source that is gone must not stay behind: start over when a file vanished.
if (before === null || before.files.some(file => !files.includes(file)))
  rmSync(dist, { recursive: true, force: true });
rmSync(stampFile, { force: true });

// --pretty keeps messages short and clickable; output comes even with type errors, but the build has failed then.
const compiled = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) {
  console.error('build: the sources do not compile');
  process.exit(1);
}
for (const file of files) {
  const isAsset = !/\.(ts|tsx|json)$/.test(file) || /^(src|ca)\/.*\.json$/.test(file);
  if (!isAsset || file.startsWith('web/client/') || !/^(src|ca|web)\//.test(file)) continue;
  mkdirSync(dirname(join(dist, file)), { recursive: true });
  copyFileSync(join(root, file), join(dist, file));
}
if (existsSync(join(clientRoot, 'index.html'))) {
  const { build } = await import('vite');
  await build({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn' });
}
mkdirSync(dist, { recursive: true });
// The stamp of what was read at the start: a file saved during the build makes the next start build again.
writeFileSync(stampFile, JSON.stringify({ stamp, files }));
console.error(`build: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);

function list(path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

/** Name, size and time of every source: enough to see an edit, cheap enough for every start. */
function fingerprint(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const path of paths) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return null;
  }
}
