/**
 * Development: the compiler and Vite watch, and the product restarts after each compilation without errors. Its data lie in
 * .cache/dev, so that authority and records survive restarts; flags after `--` go to `sightglass start`. When it serves,
 * a curl line that works is printed.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT, bin } from './steps.mjs';

const dataDir = join(ROOT, '.cache/dev');
mkdirSync(dataDir, { recursive: true, mode: 0o700 });
// What tsc does not write: the first whole build also copies assets and leaves the stamp.
const first = spawn(process.execPath, ['scripts/build.mjs'], { cwd: ROOT, stdio: 'inherit' });
await new Promise(done => first.once('exit', done));

const children = new Set();
let product = null;
let stopping = false;

const compiler = start(
  bin('tsc'),
  ['-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'],
  line => {
    console.log(`tsc   ${line}`);
    if (/Found 0 errors/.test(line)) void restart();
  },
);
if (existsSync(join(ROOT, 'web/client/index.html')))
  start(bin('vite'), ['build', '--watch', '--config', 'vite.config.ts'], line =>
    console.log(`vite  ${line}`),
  );

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    stopping = true;
    for (const child of children) child.kill('SIGTERM');
  });
compiler.once('exit', code => {
  if (!stopping) process.exitCode = code ?? 1;
});

function start(command, args, hear) {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  createInterface(child.stdout).on('line', hear);
  return child;
}

let restarting = Promise.resolve();

/** One restart at a time; one that is asked for meanwhile waits. */
function restart() {
  restarting = restarting.then(async () => {
    if (product !== null && product.exitCode === null) {
      const ended = new Promise(done => product.once('exit', done));
      product.kill('SIGTERM');
      await ended;
    }
    if (stopping) return;
    const main = join(ROOT, 'dist/src/cli/main.js');
    product = start(
      process.execPath,
      [main, 'start', '--data-dir', dataDir, ...process.argv.slice(2)],
      line => {
        console.log(line);
        const ready = /^ready proxy=([^ ,]+)/.exec(line);
        // A moment later, so that it stands below the set-up link of a first start.
        if (ready !== null) setTimeout(tellCurl, 300, ready[1]);
      },
    );
  });
  return restarting;
}

function tellCurl(proxy) {
  const authority = join(dataDir, 'ca/authority.crt');
  const known = existsSync(authority) && readFileSync(authority, 'utf8').includes('BEGIN CERTIFICATE');
  const trust = known ? `--cacert ${authority}` : '';
  console.log(`try   curl -x http://${proxy.replace('[::]', '127.0.0.1')} ${trust} https://example.com/`);
}
