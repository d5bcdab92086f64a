/**
 * Proof that the product builds and passes its unit tests on Node 24, whatever Node runs this script. The npm package `node`
 * brings the binary and the headers that native modules compile against; a copy of the checkout is installed with them in
 * a scratch folder, so that this checkout's node_modules stay as they are.
 *
 *   node scripts/node24.mjs [TEST FILE …]
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { ROOT, run } from './steps.mjs';

const MAJOR = 24;
/** A step that failed has said why; a stack of this script would add nothing. */
class Failed extends Error {}
const scratch = mkdtempSync(join(tmpdir(), `sightglass-node${MAJOR}-`));
try {
  const bin = fetchNode(join(scratch, 'node'));
  const headers = dirname(findHeaders(join(scratch, 'node')));
  const env = {
    ...process.env,
    PATH: `${dirname(bin)}${delimiter}${process.env.PATH ?? ''}`,
    // Where node-gyp finds the headers when no prebuilt better-sqlite3 can be fetched.
    npm_config_nodedir: dirname(headers),
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
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, dependencies: { node: String(MAJOR) }, allowScripts: { node: true } }),
  );
  execFileSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
  return join(folder, 'node_modules/node/bin/node');
}

/** The folder `include/node` that came with the binary. */
function findHeaders(folder) {
  const found = readdirSync(folder, { recursive: true }).find(name =>
    name.endsWith('include/node/node_api.h'),
  );
  if (found === undefined)
    throw new Error(`the node package for ${process.platform}-${process.arch} brought no headers`);
  return join(folder, dirname(found));
}

/** Every file git knows or would add, as it is now. */
function copyCheckout(target) {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  for (const file of list.split('\0'))
    if (file !== '' && existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(target, file));
}

function unitTests(checkout) {
  return readdirSync(join(checkout, 'test'), { recursive: true })
    .filter(name => name.endsWith('.test.ts') && !name.startsWith('e2e'))
    .map(name => join('test', name))
    .sort();
}
