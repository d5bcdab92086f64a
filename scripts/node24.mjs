/**
 * Proof that the product builds and passes its unit tests on Node 24, whatever Node runs this script. The npm package `node`
 * brings the newest binary, its sibling for this platform the headers that better-sqlite3 compiles against; a copy of the
 * checkout is installed with them in a scratch folder, so that this checkout's node_modules stay as they are.
 *
 * The headers are those of 24.18 on purpose. Since 24.19 `node_object_wrap.h` makes every addon built on it, such as
 * better-sqlite3 12, abort the process when its objects are collected outside of JavaScript ("Assertion failed: (env) !=
 * nullptr" in RemoveEnvironmentCleanupHook). What was compiled against earlier headers of the same ABI runs, as the
 * ready-made binaries do; better-sqlite3 13 no longer uses that header but needs Node 22.
 *
 *   node scripts/node24.mjs [TEST FILE …]
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { ROOT, run } from './steps.mjs';

const MAJOR = 24;
const HEADERS = '24.18.1';
/** A step that failed has said why; a stack of this script would add nothing. */
class Failed extends Error {}
const scratch = mkdtempSync(join(tmpdir(), `sightglass-node${MAJOR}-`));
try {
  const bin = fetchNode(join(scratch, 'node'));
  const env = {
    ...process.env,
    PATH: `${dirname(bin)}${delimiter}${process.env.PATH ?? ''}`,
    // Where node-gyp finds the headers when no prebuilt better-sqlite3 can be fetched.
    npm_config_nodedir: fetchHeaders(join(scratch, 'headers')),
  };
  const checkout = join(scratch, 'checkout');
  copyCheckout(checkout);
  const at = async (command, ...args) => {
    const code = await run(command, args, { env, cwd: checkout });
    if (code !== 0) throw new Failed(`${command} ${args.slice(0, 3).join(' ')} failed (exit ${code})`);
  };
  console.log(`# ${bin}: ${execFileSync(bin, ['--version'], { encoding: 'utf8' }).trim()}`);
  await at('npm', 'ci');
  await at('npm', 'run', 'typecheck');
  await at('npm', 'run', 'build');
  const chosen = process.argv.slice(2).map(path => relative(ROOT, path));
  const files = chosen.length > 0 ? chosen : unitTests(checkout);
  await at(bin, '--import', 'tsx', '--test', '--test-reporter=spec', ...files);
  console.log(`# ${files.length} test files passed on Node ${MAJOR}`);
} catch (error) {
  if (!(error instanceof Failed)) throw error;
  console.error(`node${MAJOR}: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Install the `node` package; its pre-install script fetches the binary of this platform. Returns the binary's path. */
function fetchNode(folder) {
  install(folder, { dependencies: { node: String(MAJOR) }, allowScripts: { node: true } });
  return join(folder, 'node_modules/node/bin/node');
}

/** Install the package that holds binary and headers of one version. Returns the folder in which `include/node` lies. */
function fetchHeaders(folder) {
  const name = `node-${process.platform}-${process.arch}`;
  install(folder, { dependencies: { [name]: HEADERS } });
  const prefix = join(folder, 'node_modules', name);
  if (!existsSync(join(prefix, 'include/node/node_api.h'))) throw new Failed(`${name} brought no headers`);
  return prefix;
}

function install(folder, manifest) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, ...manifest }));
  execFileSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
}

/** Every file git knows or would add, as it is now. */
function copyCheckout(target) {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  for (const file of list.split('\0'))
    if (file !== '' && lstatSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile())
      cpSync(join(ROOT, file), join(target, file));
}

function unitTests(checkout) {
  return readdirSync(join(checkout, 'test'), { recursive: true })
    .filter(name => name.endsWith('.test.ts') && !name.startsWith('e2e'))
    .map(name => join('test', name))
    .sort();
}
