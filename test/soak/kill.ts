/**
 * `npm run soak -- [--rounds 200] [--seed N]`: kill -9 at random moments under load, on the real product, far more often than
 * the tests do it. Each round ends a worker, all workers, the control process (with console and recorder), or everything,
 * and lets it come back. At the end the clients, the origin and the store are compared, the chain of evidence is verified and
 * SQLite asks its files. Prints the counts as Markdown and writes them into bench/results; exits with 1 when a number is wrong.
 *
 * Everything is on loopback and ends by itself: a round that makes no progress within a minute, or whose workers do not come
 * back within one, ends the run.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeRng } from '../fuzz/rng.ts';
import { freePort } from '../helpers/free-port.ts';
import { signal, startProduct } from '../helpers/product.ts';
import { startLoad } from '../e2e/load.ts';
import { assertSound, openScene, pause } from '../e2e/scene.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string', default: '20261120' } },
});
const rounds = Number(values.rounds);
const rng = makeRng(Number(values.seed));
const KINDS = ['worker', 'worker', 'all workers', 'control', 'everything'] as const;

/** Who dies again and again comes back later and later, in ms: a minute covers the longest delay. */
const PATIENCE = 60_000;

async function bothWorkers(): Promise<number[]> {
  for (const deadline = Date.now() + PATIENCE; ; await pause(20)) {
    const found = product.workers();
    if (found.length >= 2) return found;
    if (Date.now() > deadline) throw new Error('the workers did not come back');
  }
}

const started = Date.now();
const kills: Record<string, number> = {};
const scene = await openScene();
// A port that no connection of the load can get while nobody listens on it.
const listen = { 'proxy.listen': `127.0.0.1:${await freePort()}` };
let product = await startProduct(scene.options(listen));
const answered = new Set<string>();
let broken = 0;
try {
  for (let round = 0; round < rounds; round++) {
    const load = startLoad({ ...scene.target(product), connections: 12 });
    const kind = rng.pick(KINDS);
    kills[kind] = (kills[kind] ?? 0) + 1;
    try {
      await load.progress(20 + rng.int(200), PATIENCE);
      const workers = await bothWorkers();
      if (kind === 'worker') signal(rng.pick(workers), 'SIGKILL');
      else if (kind === 'all workers') for (const pid of workers) signal(pid, 'SIGKILL');
      else {
        await product.kill();
        if (kind === 'everything') for (const pid of workers) signal(pid, 'SIGKILL');
        else await load.progress(20 + rng.int(100), PATIENCE);
        product = await startProduct({
          ...scene.options(listen),
          on: product,
        });
      }
      await load.progress(20, PATIENCE);
    } finally {
      await load.stop();
    }
    for (const id of load.answered) answered.add(id);
    broken += load.broken();
    if (round % 20 === 19) console.error(`${round + 1} rounds, ${answered.size} answered, ${broken} broken`);
  }

  // By id: what the store has against what the clients were answered, and what the origin was asked.
  const idOf = (path: unknown): string => /\?id=([\d-]+)$/.exec(String(path))?.[1] ?? '';
  const missingIn = (rows: Record<string, unknown>[]): number => {
    const have = new Set(rows.filter(r => r['status'] === 200).map(r => idOf(r['path'])));
    return [...answered].filter(id => !have.has(id)).length;
  };
  await product.eventually('search', '', rows => missingIn(rows) === 0).catch(() => undefined);
  const rows = await product.search();
  const ids = rows.map(r => idOf(r['path'])).filter(id => id !== '');
  const flows = await product.flows();
  const flowIds = flows.map(f => String(f['flow']));
  const ledger = new Set(flowIds);
  const counts = {
    rounds,
    ...Object.fromEntries(Object.entries(kills).map(([kind, n]) => [`kills of ${kind}`, n])),
    'requests the origin saw': scene.nginx.requests().length,
    'answers that reached a client whole': answered.size,
    'attempts that broke': broken,
    'exchanges in the store': rows.length,
    'flows in the ledger': flows.length,
    'flows of killed workers': flows.filter(f => f['fault'] === 'worker-died').length,
    'answered and missing in the store': missingIn(rows),
    'exchanges twice': ids.length - new Set(ids).size,
    'flows twice': flowIds.length - ledger.size,
    'exchanges without a flow': rows.filter(r => !ledger.has(String(r['flow']))).length,
  };
  await product.stop();
  assertSound(product);
  const verified = await product.cli('audit', 'verify');
  const wrong = (
    [
      'answered and missing in the store',
      'exchanges twice',
      'flows twice',
      'exchanges without a flow',
    ] as const
  ).filter(name => counts[name] !== 0);
  const day = new Date(started).toISOString().slice(0, 10);
  const text = [
    `# kill -9 at random moments, ${day}`,
    '',
    `The built product with two workers, 12 keep-alive clients, nginx as origin; seed ${values.seed}, ${Math.round((Date.now() - started) / 1000)} s.`,
    'Run by `npm run soak`.',
    '',
    '| | |',
    '|---|---:|',
    ...Object.entries(counts).map(([name, n]) => `| ${name} | ${n.toLocaleString('en')} |`),
    '',
    `\`audit verify\` afterwards: exit ${verified.code}.`,
    '',
  ].join('\n');
  console.log(text);
  if (verified.code !== 0) console.error(verified.stdout, verified.stderr);
  if (rounds >= 200) writeFileSync(join(import.meta.dirname, `../../bench/results/${day}-kill.md`), text);
  if (wrong.length > 0 || verified.code !== 0) process.exitCode = 1;
} finally {
  await product.cleanUp();
  await scene.close();
}
