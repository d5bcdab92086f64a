/**
 * The one test command. Without arguments: set-up, build, check (types, lint, format, arrows), then every test; `--unit`
 * leaves out the end-to-end tests, `--e2e` runs only those. Paths narrow it to single files and leave out the check.
 *
 * Unit tests run two files at a time, end-to-end tests one: they kill processes, fill disks and drive browsers, and side by
 * side they were seen to be late for each other.
 * The whole run is bounded; a step that is late is killed with all it started. The exit code is 0 only when every step
 * passed, at least one test ran and none was skipped.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT, bin, run } from './steps.mjs';

const BOUND = 15 * 60_000;
const UNIT_FILE_BOUND = 180_000;
const E2E_FILE_BOUND = 300_000;

const started = Date.now();
const deadline = started + BOUND;
const args = process.argv.slice(2);
const flags = new Set(args.filter(arg => arg.startsWith('--')));
const chosen = args.filter(arg => !arg.startsWith('--'));
for (const flag of flags)
  if (!['--unit', '--e2e'].includes(flag)) {
    console.error(`test: unknown flag ${flag}; use --unit, --e2e or paths of test files`);
    process.exit(2);
  }
const both = flags.has('--unit') === flags.has('--e2e');

const all = chosen.length > 0 ? chosen.map(path => relative(ROOT, path)) : testFiles();
const isE2e = file => file.startsWith(join('test', 'e2e'));
const unit = both || flags.has('--unit') ? all.filter(file => !isE2e(file)) : [];
const e2e = both || flags.has('--e2e') ? all.filter(isE2e) : [];

const failedSteps = [];
const total = { passed: 0, failed: 0, skipped: 0, failures: [] };

await step('set-up', process.execPath, ['scripts/apt-setup.mjs']);
if (await step('build', process.execPath, ['scripts/build.mjs', '--if-stale'])) {
  if (both && chosen.length === 0) {
    await step('types', bin('tsc'), ['--noEmit', '-p', 'tsconfig.json']);
    await step('types of the console', bin('tsc'), ['--noEmit', '-p', 'web/client/tsconfig.json']);
    await step('lint', bin('eslint'), ['.']);
    await step('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']);
    await step('arrows', 'npm', ['run', '--silent', 'arrows']);
  }
  await tests('unit tests', unit, Math.max(1, availableParallelism()), UNIT_FILE_BOUND);
  await tests('end-to-end tests', e2e, 1, E2E_FILE_BOUND);
}

for (const failure of total.failures) console.log(`  not ok: ${failure}`);
for (const name of failedSteps) console.log(`  not ok: step "${name}"`);
if (total.passed + total.failed === 0) console.log('  not ok: no test ran');
const seconds = ((Date.now() - started) / 1000).toFixed(0);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped in ${seconds} s`);
process.exitCode =
  failedSteps.length === 0 && total.failed === 0 && total.skipped === 0 && total.passed > 0 ? 0 : 1;

function testFiles() {
  return readdirSync(join(ROOT, 'test'), { recursive: true })
    .filter(name => name.endsWith('.test.ts'))
    .map(name => join('test', name))
    .sort();
}

/** One step; true when it passed. */
async function step(name, command, parameters) {
  const at = Date.now();
  console.log(`# ${name}`);
  const code = await run(command, parameters, { deadline });
  const took = ((Date.now() - at) / 1000).toFixed(1);
  if (code !== 0) {
    failedSteps.push(code === 124 ? `${name} (not done within ${BOUND / 60_000} minutes)` : name);
    console.log(`# ${name} FAILED (exit ${code}) after ${took} s`);
    return false;
  }
  console.log(`# ${name} passed in ${took} s`);
  return true;
}

/** Run test files by node:test, twice reported: for people on stdout, as numbers into a file. */
async function tests(name, files, concurrency, fileBound) {
  if (files.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'sightglass-test-'));
  const numbers = join(folder, 'tally.json');
  try {
    await step(name, process.execPath, [
      '--import',
      'tsx',
      '--test',
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${fileBound}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=./scripts/test-tally.mjs',
      `--test-reporter-destination=${numbers}`,
      ...files,
    ]);
    const tally = JSON.parse(readFileSync(numbers, 'utf8'));
    total.passed += tally.passed;
    total.failed += tally.failed;
    total.skipped += tally.skipped;
    total.failures.push(...tally.failures);
  } catch {
    failedSteps.push(`${name} (the runner left no result)`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
