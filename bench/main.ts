/**
 * `npm run bench`: the same bounded work through the product, Squid and mitmproxy, interleaved (A B C A B C), each
 * start in a process tree and folder of its own. The figure that counts is CPU per unit of work of the whole tree:
 * on a small shared machine throughput and latency depend on neighbours, client and origin as well.
 *
 *   --only keep-alive,download   --impl sightglass,squid   --reps 2   --scale 1   --seed 1   --out bench/results
 *   --name run   --cap 30 (seconds for a single load)   --keep (leave the work folder, with the logs)
 *
 * Writes <date>-<name>.md and .json. Needs root on Linux (see names.ts), nginx and openssl; an implementation that is
 * not installed is named and left out. Exit code 0: measured; 1: something failed; 2: usage.
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import type { Implementation, Running } from './implementations/implementation.ts';
import { mitmproxy } from './implementations/mitmproxy.ts';
import { sightglass } from './implementations/sightglass.ts';
import { squid } from './implementations/squid.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { machine } from './machine.ts';
import { coldName, MAIN_NAME, namespaceWith } from './names.ts';
import { startOrigin, type Origin } from './origin.ts';
import { cpuOf, MemorySampler, machineBusy } from './processes.ts';
import { figure, markdown, targets, type Measurement, type Run } from './report.ts';
import { COLD_NAMES, SIZES, WORKLOADS, type Mode, type Workload } from './workloads.ts';

const IMPLEMENTATIONS: readonly Implementation[] = [sightglass(1), sightglass(2), squid, mitmproxy];
const CLIENT = join(import.meta.dirname, 'client.ts');

interface Options {
  workloads: Workload[];
  implementations: Implementation[];
  repetitions: number;
  scale: number;
  seed: number;
  out: string;
  name: string;
  cap: number;
  keep: boolean;
}

function usage(problem: string): never {
  console.error(`error: ${problem}`);
  console.error(`workloads: ${WORKLOADS.map(w => w.name).join(', ')}`);
  console.error(`implementations: ${IMPLEMENTATIONS.map(i => i.name).join(', ')}`);
  process.exit(2);
}

function readOptions(): Options {
  const text = { type: 'string' } as const;
  const { values: v } = parseArgs({
    options: {
      only: text,
      impl: text,
      reps: text,
      scale: text,
      seed: text,
      out: text,
      name: text,
      cap: text,
      keep: { type: 'boolean' },
    },
  });
  const chosen = <T extends { name: string }>(all: readonly T[], list: string | undefined): T[] => {
    if (list === undefined) return [...all];
    return list.split(',').map(n => all.find(x => x.name === n) ?? usage(`there is no "${n}"`));
  };
  const number = (value: string | undefined, fallback: number): number => {
    const n = value === undefined ? fallback : Number(value);
    if (!(n > 0)) usage(`"${value}" is no positive number`);
    return n;
  };
  return {
    workloads: chosen(WORKLOADS, v.only),
    implementations: chosen(IMPLEMENTATIONS, v.impl),
    repetitions: Math.ceil(number(v.reps, 2)),
    scale: number(v.scale, 1),
    seed: number(v.seed, 1),
    out: v.out ?? join(import.meta.dirname, 'results'),
    name: v.name ?? 'run',
    cap: number(v.cap, 30),
    keep: v.keep === true,
  };
}

/** Names in an order that follows from the seed, each used once in a start. */
function shuffledColdNames(seed: number): string[] {
  const names = Array.from({ length: COLD_NAMES }, (_, i) => coldName(i + 1));
  let state = seed >>> 0 || 1;
  for (let i = names.length - 1; i > 0; i--) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = (state >>> 0) % (i + 1);
    [names[i], names[j]] = [names[j] ?? '', names[i] ?? ''];
  }
  return names;
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', CLIENT, JSON.stringify(order)],
    { timeout: (order.limit + 60) * 1000 },
  );
  return JSON.parse(stdout) as LoadResult;
}

/** Waits until the store holds `wanted` rows, the count stands still for 3 s, or there is no store. */
async function settle(running: Running, wanted: number): Promise<number | null> {
  let seen = running.rows();
  // Squid writes its log in batches too; everybody gets the same moment of rest.
  await sleep(500);
  for (let still = 0; seen !== null && seen < wanted && still < 30;) {
    await sleep(100);
    const now = running.rows() ?? 0;
    still = now === seen ? still + 1 : 0;
    seen = now;
  }
  return seen === null ? null : running.rows();
}

interface Place {
  implementation: Implementation;
  running: Running;
  origin: Origin;
  names: string[];
}

async function measure(w: Workload, repetition: number, place: Place, o: Options): Promise<Measurement> {
  const { implementation, running, origin } = place;
  const count = (n: number): number =>
    Math.max(1, Math.round(n * o.scale * (w.unit === 'byte' ? 1 : implementation.pace)));
  // Names run out only at large scales; then the load is as long as there are names.
  const warm = count(w.warm);
  const requests = w.coldNames ? Math.min(count(w.requests), place.names.length - warm) : count(w.requests);
  const order = (n: number, from: number): LoadOrder => ({
    proxyPort: running.port,
    originPort: origin.port,
    names: w.coldNames ? place.names.slice(from, from + n) : [MAIN_NAME],
    connections: Math.min(w.connections, n),
    requests: n,
    perConnection: w.perConnection,
    path: w.path,
    length: SIZES[w.path],
    ca: w.mode === 'inspect' ? running.ca : origin.pki.originCa,
    limit: o.cap,
  });
  const warmed = await load(order(warm, 0));
  const before = await settle(running, 0);
  const cpu0 = cpuOf(running.pid);
  const origin0 = cpuOf(origin.pid);
  const busy0 = machineBusy();
  const t0 = performance.now();
  const memory = new MemorySampler(running.pid);
  const result = await load(order(requests, warm));
  const wanted = w.mode === 'inspect' ? result.ok + result.bad : result.connectionsMade;
  const rows = await settle(running, (before ?? 0) + wanted);
  memory.stop();
  const cpu1 = cpuOf(running.pid);
  const origin1 = cpuOf(origin.pid);
  const wall = (performance.now() - t0) / 1000;
  const cpu = cpu1.user + cpu1.system - cpu0.user - cpu0.system;
  const known = cpu + origin1.user + origin1.system - origin0.user - origin0.system + result.clientCpu;
  result.firstError ??= warmed.firstError;
  return {
    implementation: implementation.name,
    workload: w.name,
    repetition,
    cpuUser: cpu1.user - cpu0.user,
    cpuSystem: cpu1.system - cpu0.system,
    cpuPerUnit: w.unit === 'byte' ? cpu / (result.bytes / 1e9) : (cpu * 1e6) / Math.max(1, result.ok),
    peakRssMb: memory.peak / 1e6,
    load: result,
    rows: rows === null || before === null ? null : { found: rows - before, wanted },
    otherCpu: Math.max(0, machineBusy() - busy0 - known) / (wall * availableParallelism()),
  };
}

function tell(m: Measurement, w: Workload): void {
  const unit = w.unit === 'byte' ? 's/GB' : 'ms/1,000';
  const speed =
    w.unit === 'byte'
      ? `${figure(m.load.bytes / 1e6 / m.load.seconds)} MB/s`
      : `${figure(m.load.ok / m.load.seconds)}/s`;
  const rows = m.rows === null ? '' : `, rows ${m.rows.found}/${m.rows.wanted}`;
  const error = m.load.firstError === null ? '' : `, FIRST ERROR ${m.load.firstError}`;
  console.log(
    `  ${w.name.padEnd(15)} CPU ${figure(m.cpuPerUnit)} ${unit}, ${speed}, p50 ${figure(m.load.p50)} ms, p99 ${figure(m.load.p99)} ms, RSS ${figure(m.peakRssMb)} MB${rows}, noise ${Math.round(100 * m.otherCpu)} %${error}`,
  );
}

async function main(): Promise<number> {
  const o = readOptions();
  const present = o.implementations.flatMap(i => {
    const version = i.version();
    if (version === null)
      console.log(`${i.name}: not installed here (or not built: npm run build), left out`);
    return version === null ? [] : [{ implementation: i, version }];
  });
  const folder = mkdtempSync(join(tmpdir(), 'sightglass-bench-'));
  // Squid gives up root and must still reach its files.
  chmodSync(folder, 0o755);
  let failed = present.length === 0;
  let origin: Origin | null = null;
  try {
    const names = shuffledColdNames(o.seed);
    const prefix = namespaceWith([MAIN_NAME, ...names], folder);
    console.log('making certificates and payloads');
    const cold = o.workloads.some(w => w.coldNames) ? COLD_NAMES : 0;
    origin = await startOrigin(folder, cold, o.seed);
    const run: Run = {
      date: new Date().toISOString().slice(0, 10),
      machine: machine(),
      implementations: present.map(p => ({
        name: p.implementation.name,
        version: p.version,
        about: p.implementation.about,
      })),
      repetitions: o.repetitions,
      scale: o.scale,
      seed: o.seed,
      measurements: [],
    };
    for (let repetition = 1; repetition <= o.repetitions; repetition++)
      for (const { implementation } of present)
        for (const mode of ['inspect', 'passthrough'] as Mode[]) {
          const workloads = o.workloads.filter(w => w.mode === mode);
          if (workloads.length === 0) continue;
          console.log(`${implementation.name}, ${mode}, repetition ${repetition}`);
          const own = join(folder, `${implementation.name}-${mode}-${repetition}`);
          mkdirSync(own);
          let running: Running | null = null;
          try {
            running = await implementation.start({ mode, folder: own, pki: origin.pki, prefix });
            for (const w of workloads) {
              const m = await measure(w, repetition, { implementation, running, origin, names }, o);
              tell(m, w);
              run.measurements.push(m);
              if (m.load.errors + m.load.bad > 0 || (m.rows !== null && m.rows.found !== m.rows.wanted))
                failed = true;
            }
          } catch (error) {
            failed = true;
            console.error(`  failed: ${(error as Error).message}`);
          } finally {
            await running?.stop();
          }
        }
    mkdirSync(o.out, { recursive: true });
    const base = join(o.out, `${run.date}-${o.name}`);
    writeFileSync(`${base}.json`, `${JSON.stringify(run, null, 2)}\n`);
    writeFileSync(`${base}.md`, markdown(run, o.workloads));
    console.log([`wrote ${base}.md and .json`, ...targets(run, o.workloads)].join('\n'));
  } finally {
    await origin?.stop();
    if (o.keep) console.log(`kept ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
  return failed ? 1 : 0;
}

// The search bench has options of its own: `npm run bench -- search …`.
if (process.argv[2] === 'search') await import('./search.ts');
else process.exitCode = await main();
