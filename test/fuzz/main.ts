/**
 * `npm run fuzz -- TARGET [--seconds 30] [--runs N] [--seed N]`, `npm run fuzz -- --list`, `npm run fuzz -- all`.
 *
 * A small mutation fuzzer for parsers: seeds and earlier finds are mutated (general mutations in mutate.ts, a target's
 * own for its structure) and handed to the target, which throws when its invariant does not hold. No coverage
 * guidance: inputs are small and parsers shallow, so many inputs a second find as much.
 *
 * To add a target, write `targets/<name>.ts` with a default export of type `FuzzTarget` (target.ts):
 *
 *     const target: FuzzTarget = {
 *       name: 'query',                                    // the file's name
 *       invariant: 'Parsing any text ends in a query or an error with a position, and printing a query parses back to it.',
 *       seeds: () => [Buffer.from('host:example.com status:404')],
 *       run: (bytes, rng) => { … throw when the sentence is not true … },
 *       dictionary: [Buffer.from('AND')],                 // optional
 *       mutate: (bytes, rng) => …,                        // optional
 *     };
 *     export default target;
 *
 * That is all: it is listed, run by `all`, and replayed by replay.test.ts. A find is shrunk, written to
 * corpus/<name>/<hash>.bin and must be committed together with its mending; the replay test keeps it from coming back.
 * Exit code 0: the invariant held; 1: a find; 2: usage.
 */
import { parseArgs } from 'node:util';
import { campaign, keep, loadTarget, shrink, targetNames } from './engine.ts';

function usage(problem: string): never {
  console.error(
    `${problem}\nusage: npm run fuzz -- TARGET|all [--seconds 30] [--runs N] [--seed N] | --list`,
  );
  console.error(`targets: ${targetNames().join(', ')}`);
  process.exit(2);
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) usage(`--${name} wants a number, not "${text}"`);
  return value;
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: 'string' },
        runs: { type: 'string' },
        seed: { type: 'string' },
        list: { type: 'boolean' },
      },
    });
  } catch (error) {
    return usage((error as Error).message);
  }
}

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  if (values.list === true) {
    for (const name of targetNames()) console.log(`${name.padEnd(20)} ${(await loadTarget(name)).invariant}`);
    return 0;
  }
  const [asked] = positionals;
  if (asked === undefined || positionals.length > 1) usage('name one target');
  if (asked !== 'all' && !targetNames().includes(asked)) usage(`there is no target "${asked}"`);
  const runs = number('runs', values.runs);
  const seconds = number('seconds', values.seconds) ?? (runs === undefined ? 30 : Infinity);
  // A seed of its own for each run, printed, so that a nightly run covers new ground and can still be repeated.
  const seed = number('seed', values.seed) ?? Date.now() % 2 ** 31;
  let code = 0;
  for (const name of asked === 'all' ? targetNames() : [asked]) {
    if (!(await fuzz(name, seed, seconds, runs))) code = 1;
  }
  return code;
}

async function fuzz(name: string, seed: number, seconds: number, runs: number | undefined): Promise<boolean> {
  const target = await loadTarget(name);
  console.log(`${name}: ${target.invariant}`);
  const end = performance.now() + seconds * 1000;
  const started = performance.now();
  const options = { seed, stop: () => performance.now() >= end };
  const { inputs, find } = await campaign(target, runs === undefined ? options : { ...options, runs });
  const took = (performance.now() - started) / 1000;
  console.log(
    `${name}: seed ${seed}, ${inputs} inputs in ${took.toFixed(1)} s, ${find ? 'BROKEN' : 'the invariant held'}`,
  );
  if (find === null) return true;
  const small = await shrink(target, find);
  console.error(small.error);
  console.error(`${name}: ${small.bytes.length} bytes kept in ${keep(target, small)}`);
  return false;
}

process.exitCode = await main();
