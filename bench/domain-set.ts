/**
 * Domain sets and decisions in numbers: load time, memory, look-ups per second, the longest hold of the event loop, and
 * the latency of `decide`. Run: node --expose-gc --import tsx bench/domain-set.ts [--json]
 *
 * Times of single-threaded work are CPU time. Bars (docs/policy.md): 1,000,000 names load in 2 s and cost 64 MB at most, 1,000,000 look-ups/s, no hold of a worker's
 * loop beyond 50 ms, 5 µs for a decision over 50 rules. Exit code 1 when one is missed. Names come from a fixed seed.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { FlowFacts } from '../src/core/facts.ts';
import { flowTo } from './flow-facts.ts';
import { compilePolicy, listFromPatterns, loadSnapshot } from '../src/policy/compile.ts';
import type { CompiledList, CompiledPolicy, PolicySnapshot } from '../src/policy/compile.ts';
import { decide } from '../src/policy/decide.ts';
import { loadPolicyFile } from '../src/policy/load.ts';
import { parsePolicy } from '../src/policy/parse.ts';
import { readSetFile } from '../src/policy/set-file.ts';

interface Row {
  what: string;
  value: number;
  unit: string;
  /** The bar: at least or at most. */
  bar?: { atLeast?: number; atMost?: number };
}

const NAMES = 1_000_000;
const rows: Row[] = [];

let state = 2026;
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state % below;
}

const TOPS = ['com', 'net', 'org', 'de', 'co.uk', 'info', 'io', 'shop'];
/** Names shaped like those of public block lists: 8 to 30 characters, two to four labels. */
function someName(): string {
  const host = random(2 ** 31).toString(36);
  const middle = random(3) === 0 ? `.s${random(100_000).toString(36)}-cdn` : '';
  return `${random(4) === 0 ? 'www.' : ''}h${host}${middle}x.${TOPS[random(TOPS.length)] ?? 'com'}`;
}

function facts(sni: string): FlowFacts {
  return flowTo(sni, {
    now: Date.UTC(2026, 10, 20),
    client: `10.${random(255)}.${random(255)}.${random(255)}`,
    user: null,
  });
}

/** CPU time of this process, ms: what the work costs even when others keep the machine busy. */
function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Median of five rounds, µs for one decision. */
function decisionTime(policy: CompiledPolicy, flows: readonly FlowFacts[]): number {
  const rounds: number[] = [];
  for (let round = 0; round < 7; round++) {
    const start = cpuNow();
    for (const f of flows) decide(f, policy);
    rounds.push(((cpuNow() - start) * 1000) / flows.length);
  }
  return rounds.slice(2).sort((a, b) => a - b)[2] ?? NaN;
}

/** Rules as people write them: some patterns each, a client network here, a port there. */
function rulesYaml(count: number, lists: number): string {
  const out = ['version: 1', 'default: block', 'lists:'];
  for (let i = 0; i < lists; i++) out.push(`  l${i}: { domains: [] }`);
  out.push('rules:');
  for (let i = 0; i < count; i++) {
    const host = lists > 0 && i % 5 === 0 ? `'list:l${i % lists}'` : `'*.r${i}.example', r${i}.test`;
    const extra = i % 3 === 0 ? ', client: 10.0.0.0/8' : i % 7 === 0 ? ', port: 443' : '';
    out.push(`  - { name: r${i}, when: { host: [ ${host} ]${extra} }, action: block }`);
  }
  out.push('  - { name: rest, action: inspect }');
  return out.join('\n');
}

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'sightglass-bench-'));
  try {
    await sets(dir);
    decisions();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  report();
}

async function sets(dir: string): Promise<void> {
  const names = Array.from({ length: NAMES }, someName);
  const list = join(dir, 'list.txt');
  await writeFile(list, names.map((n, i) => (i % 3 === 0 ? `.${n}` : i % 3 === 1 ? `*.${n}` : n)).join('\n'));
  const policyFile = join(dir, 'policy.yaml');
  await writeFile(
    policyFile,
    "version: 1\nlists: { deny: { file: list.txt } }\nrules:\n  - { name: deny, when: { host: 'list:deny' }, action: block }\n",
  );

  let start = cpuNow();
  const loaded = await loadPolicyFile(policyFile, { cacheDir: join(dir, 'cache') });
  rows.push({
    what: 'text to compiled set (control)',
    value: cpuNow() - start,
    unit: 'ms',
    bar: { atMost: 2000 },
  });
  if (!loaded.ok || loaded.snapshot === null) throw new Error('the generated policy is refused');

  const snapshotFile = join(dir, 'snapshot.json');
  await writeFile(snapshotFile, JSON.stringify(loaded.snapshot));
  const told = execFileSync(
    process.execPath,
    ['--expose-gc', '--import', 'tsx', fileURLToPath(import.meta.url), '--worker', snapshotFile],
    { encoding: 'utf8' },
  );
  const worker = JSON.parse(told) as { ms: number; holdMs: number; megabytes: number };
  rows.push({ what: 'compiled set into a worker', value: worker.ms, unit: 'ms', bar: { atMost: 2000 } });
  rows.push({
    what: 'longest hold of the worker loop',
    value: worker.holdMs,
    unit: 'ms',
    bar: { atMost: 50 },
  });
  rows.push({ what: 'memory in a worker', value: worker.megabytes, unit: 'MB', bar: { atMost: 64 } });

  const set = loaded.compiled.lists.get('deny')?.set;
  if (set === undefined) throw new Error('the list is missing');
  const asked = Array.from({ length: NAMES }, (_, i) =>
    i % 2 === 0 ? `a.${names[random(NAMES)] ?? ''}` : someName(),
  );
  const rates: number[] = [];
  let hits = 0;
  for (let round = 0; round < 5; round++) {
    start = cpuNow();
    for (const n of asked) if (set.match(n)) hits++;
    rates.push((NAMES / (cpuNow() - start)) * 1000);
  }
  if (hits === 0) throw new Error('nothing was found');
  const rate = rates.sort((a, b) => a - b)[2] ?? 0;
  rows.push({ what: 'look-ups in one million names', value: rate, unit: '/s', bar: { atLeast: 1_000_000 } });
}

function decisions(): void {
  const flows = Array.from({ length: 50_000 }, () => facts(someName()));
  const small = compiled(rulesYaml(50, 0), new Map());
  rows.push({ what: 'decide, 50 rules', value: decisionTime(small, flows), unit: 'µs', bar: { atMost: 5 } });
  const lists = new Map<string, CompiledList>();
  for (let i = 0; i < 10; i++)
    lists.set(`l${i}`, listFromPatterns(Array.from({ length: 100_000 }, () => `.${someName()}`)));
  const large = compiled(rulesYaml(1000, 10), lists);
  rows.push({
    what: 'decide, 1,000 rules and 10 lists of 100,000',
    value: decisionTime(large, flows),
    unit: 'µs',
  });
}

function compiled(yaml: string, lists: Map<string, CompiledList>): CompiledPolicy {
  const parsed = parsePolicy(yaml);
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
  return compilePolicy(parsed.document, lists);
}

function report(): void {
  let missed = 0;
  for (const row of rows) {
    const { atLeast, atMost } = row.bar ?? {};
    const good =
      (atLeast === undefined || row.value >= atLeast) && (atMost === undefined || row.value <= atMost);
    if (!good) missed++;
    const bar = atMost !== undefined ? `≤ ${atMost}` : atLeast !== undefined ? `≥ ${atLeast}` : '';
    if (!process.argv.includes('--json'))
      console.log(
        `${row.what.padEnd(46)}${row.value.toFixed(row.value > 1000 ? 0 : 2).padStart(12)} ${row.unit.padEnd(4)} ${bar}${good ? '' : '  MISSED'}`,
      );
  }
  if (process.argv.includes('--json')) console.log(JSON.stringify({ node: process.version, rows }, null, 2));
  if (missed > 0) process.exitCode = 1;
}

/** What a worker pays: a process of its own loads the snapshot twice, the second time as a reload under a ticking clock. */
async function asWorker(snapshotFile: string): Promise<void> {
  const snapshot = JSON.parse(await readFile(snapshotFile, 'utf8')) as PolicySnapshot;
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let policy: CompiledPolicy | null = await loadSnapshot(snapshot, readSetFile);
  globalThis.gc?.();
  const megabytes = (process.memoryUsage.rss() - before) / 1e6;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  policy = await loadSnapshot(snapshot, readSetFile);
  const ms = performance.now() - start;
  await sleep(5);
  delay.disable();
  if (!policy.lists.has('deny')) throw new Error('the list is missing');
  console.log(JSON.stringify({ ms, holdMs: delay.max / 1e6, megabytes }));
}

const snapshotArgument = process.argv[process.argv.indexOf('--worker') + 1];
if (process.argv.includes('--worker') && snapshotArgument !== undefined) await asWorker(snapshotArgument);
else await main();
