/**
 * A large policy in numbers: 1,000 rules and 10 lists of 100,000 names each, as a whole. From files to a policy that
 * decides, the same in a worker and once more as a reload beside ticking work, latency of single decisions, look-ups,
 * memory, deciding again for open flows (`apply: immediate`), and replaying recorded flows from a store.
 *
 *   node --expose-gc --import tsx bench/policy.ts [--flows 200000] [--out bench/results] [--name policy] [--json]
 *
 * Names come from a fixed seed. It informs and gates nothing: bars that gate stand in bench/domain-set.ts.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { allocateProducer } from '../src/audit/producer.ts';
import { Ingest } from '../src/audit/ingest.ts';
import { auditDir, spoolDir } from '../src/audit/recorder.ts';
import { openSpool } from '../src/audit/spool.ts';
import { walkFlows } from '../src/audit/store/flow-walk.ts';
import type { FlowFacts } from '../src/core/facts.ts';
import { flowTo } from './flow-facts.ts';
import { FLOWS_PER_PRODUCER } from '../src/core/records.ts';
import { loadSnapshot } from '../src/policy/compile.ts';
import type { CompiledPolicy, PolicySnapshot } from '../src/policy/compile.ts';
import { decide, ends } from '../src/policy/decide.ts';
import type { ListCache } from '../src/policy/load.ts';
import { loadPolicyFile } from '../src/policy/load.ts';
import { Replay } from '../src/policy/replay.ts';
import { readSetFile } from '../src/policy/set-file.ts';
import { machine } from './machine.ts';

const RULES = 1_000;
const LISTS = 10;
const NAMES = 100_000;

interface Row {
  what: string;
  value: number;
  unit: string;
}

let state = 2026;
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state % below;
}

const TOPS = ['com', 'net', 'org', 'de', 'co.uk', 'info', 'io', 'shop'];
function someName(): string {
  const middle = random(3) === 0 ? `.s${random(100_000).toString(36)}-cdn` : '';
  return `h${random(2 ** 31).toString(36)}${middle}x.${TOPS[random(TOPS.length)] ?? 'com'}`;
}

function someFlow(names: readonly string[], now: number): FlowFacts {
  // One in four goes to a listed name, as on a network whose lists are of use.
  const sni = random(4) === 0 ? `www.${names[random(names.length)] ?? ''}` : someName();
  const client = `10.${random(4)}.${random(255)}.${random(255)}`;
  return flowTo(sni, { now, client, user: random(2) === 0 ? null : `user${random(500)}` });
}

/** Rules as people write them: patterns, lists, networks, times, rollouts and expiries in turn. */
function policyText(): string {
  const out = ['version: 1', 'default: inspect', 'lists:'];
  for (let i = 0; i < LISTS; i++) out.push(`  l${i}: { file: l${i}.txt }`);
  out.push('rules:');
  for (let i = 0; i < RULES; i++) {
    const host = i % 5 === 0 ? `'list:l${(i / 5) % LISTS}'` : `'*.r${i}.example', r${i}.test`;
    const more =
      [', client: 10.0.0.0/16', ', port: 443', ", time: { window: '08:00-18:00', zone: UTC }", ''][i % 4] ??
      '';
    const keys =
      i % 10 === 3
        ? ', rollout: 5%'
        : i % 10 === 7
          ? ', expires: 2030-01-01'
          : i % 10 === 9
            ? ', apply: immediate'
            : '';
    out.push(`  - { name: r${i}, when: { host: [ ${host} ]${more} }, action: block${keys} }`);
  }
  return `${out.join('\n')}\n`;
}

/** One decision at a time: µs at some quantiles. */
function latency(
  policy: CompiledPolicy,
  flows: readonly FlowFacts[],
): { median: number; p99: number; mean: number } {
  for (const f of flows) decide(f, policy);
  const times = new Float64Array(flows.length);
  for (const [i, f] of flows.entries()) {
    const start = performance.now();
    decide(f, policy);
    times[i] = (performance.now() - start) * 1000;
  }
  const start = performance.now();
  for (const f of flows) decide(f, policy);
  const mean = ((performance.now() - start) * 1000) / flows.length;
  times.sort();
  const at = (q: number): number => times[Math.floor(q * (times.length - 1))] ?? NaN;
  return { median: at(0.5), p99: at(0.99), mean };
}

/** Ledger rows of these flows in a store, written as a worker and the recorder write them. */
function recorded(dataDir: string, flows: readonly FlowFacts[], now: number): void {
  const dir = spoolDir(dataDir);
  const producer = allocateProducer(dir);
  const spool = openSpool({ dir, producer });
  const verdict = {
    action: 'inspect' as const,
    rule: 'default',
    policy: '000000000000',
    reason: 'bench',
    capture: 'headers' as const,
    block: 'page' as const,
  };
  for (const [i, facts] of flows.entries()) {
    spool.append({
      kind: 'flow',
      flow: producer * FLOWS_PER_PRODUCER + i,
      time: now,
      client: facts.client,
      clientPort: 40_000,
      facts,
      verdict,
      ms: 5,
      bytesUp: 900,
      bytesDown: 9000,
      exchanges: 1,
      fault: null,
      faultDetail: null,
      originAddress: '192.0.2.1',
      clientTls: null,
      originTls: null,
      originCert: null,
      leafSerial: null,
    });
    if (i % 10_000 === 0) spool.flush();
  }
  spool.flush();
  spool.close();
  const ingest = new Ingest({ spoolDir: dir, auditDir: auditDir(dataDir), now: () => now });
  while (ingest.step().more) continue;
  ingest.close();
}

async function measure(dir: string, flowCount: number): Promise<Row[]> {
  const rows: Row[] = [];
  const put = (what: string, value: number, unit: string): void => void rows.push({ what, value, unit });
  const names: string[] = [];
  for (let i = 0; i < LISTS; i++) {
    const list = Array.from({ length: NAMES }, someName);
    names.push(...list.filter((_, n) => n % 10 === 0));
    writeFileSync(join(dir, `l${i}.txt`), list.map(n => `.${n}\n`).join(''));
  }
  const file = join(dir, 'policy.yaml');
  writeFileSync(file, policyText());
  const cacheDir = join(dir, 'cache');
  const cache: ListCache = new Map();
  let start = performance.now();
  const loaded = await loadPolicyFile(file, { cacheDir, cache });
  put('from files to a policy that decides', performance.now() - start, 'ms');
  if (!loaded.ok || loaded.snapshot === null) throw new Error('the generated policy is refused');
  start = performance.now();
  await loadPolicyFile(file, { cacheDir, cache });
  put('the same when only a rule changed', performance.now() - start, 'ms');

  const snapshotFile = join(dir, 'snapshot.json');
  writeFileSync(snapshotFile, JSON.stringify(loaded.snapshot));
  const worker = JSON.parse(
    execFileSync(
      process.execPath,
      ['--expose-gc', '--import', 'tsx', import.meta.filename, '--worker', snapshotFile],
      {
        encoding: 'utf8',
      },
    ),
  ) as Row[];
  rows.push(...worker);

  const now = Date.UTC(2026, 10, 20, 12);
  const flows = Array.from({ length: 50_000 }, () => someFlow(names, now));
  const { median, p99, mean } = latency(loaded.compiled, flows);
  put('decide, mean of a run', mean, 'µs');
  put('decide, median of single calls', median, 'µs');
  put('decide, 99th percentile of single calls', p99, 'µs');
  const set = loaded.compiled.lists.get('l0')?.set;
  if (set === undefined) throw new Error('the list is missing');
  start = performance.now();
  for (const f of flows) set.match(f.host);
  put('look-ups in one list of 100,000', flows.length / ((performance.now() - start) / 1000), '/s');
  start = performance.now();
  for (const f of flows.slice(0, 10_000)) ends(loaded.compiled, f);
  put('10,000 open flows judged again', performance.now() - start, 'ms');

  const many = Array.from({ length: flowCount }, (_, i) => flows[i % flows.length] ?? someFlow(names, now));
  recorded(dir, many, now);
  const replay = new Replay(loaded.compiled);
  start = performance.now();
  for (const batch of walkFlows({ dir: auditDir(dir) })) for (const flow of batch) replay.add(flow);
  const seconds = (performance.now() - start) / 1000;
  put('replay from the store', replay.flows / seconds, 'flows/s');
  if (replay.flows !== flowCount) throw new Error(`${replay.flows} of ${flowCount} flows were replayed`);
  return rows;
}

/** What a worker pays: a process of its own loads the snapshot, then again as a reload under a ticking clock. */
async function asWorker(snapshotFile: string): Promise<void> {
  const snapshot = JSON.parse(readFileSync(snapshotFile, 'utf8')) as PolicySnapshot;
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let start = performance.now();
  const first = await loadSnapshot(snapshot, readSetFile);
  const ms = performance.now() - start;
  globalThis.gc?.();
  const megabytes = (process.memoryUsage.rss() - before) / 1e6;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(20);
  delay.reset();
  // A reload in which every list is another one: nothing can be taken over.
  start = performance.now();
  const second = await loadSnapshot(snapshot, readSetFile);
  const again = performance.now() - start;
  await sleep(5);
  delay.disable();
  start = performance.now();
  await loadSnapshot(snapshot, readSetFile, second);
  const rows: Row[] = [
    { what: 'into a worker', value: ms, unit: 'ms' },
    { what: 'memory in a worker', value: megabytes, unit: 'MB' },
    { what: 'reload in a worker, all lists new', value: again, unit: 'ms' },
    { what: 'longest hold of the worker loop by it', value: delay.max / 1e6, unit: 'ms' },
    { what: 'reload in a worker, lists unchanged', value: performance.now() - start, unit: 'ms' },
  ];
  if (first.version !== second.version) throw new Error('two loads of one snapshot differ');
  console.log(JSON.stringify(rows));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      flows: { type: 'string', default: '200000' },
      out: { type: 'string' },
      name: { type: 'string', default: 'policy' },
      json: { type: 'boolean', default: false },
      worker: { type: 'string' },
    },
  });
  if (values.worker !== undefined) return asWorker(values.worker);
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-bench-policy-'));
  try {
    const rows = await measure(dir, Number(values.flows));
    const lines = rows.map(
      r => `${r.what.padEnd(44)}${r.value.toFixed(r.value >= 1000 ? 0 : 2).padStart(12)} ${r.unit}`,
    );
    console.log(values.json ? JSON.stringify({ node: process.version, rows }, null, 2) : lines.join('\n'));
    if (values.out === undefined) return;
    mkdirSync(values.out, { recursive: true });
    const base = join(values.out, `${new Date().toISOString().slice(0, 10)}-${values.name}`);
    writeFileSync(`${base}.json`, `${JSON.stringify({ machine: machine(), rows }, null, 2)}\n`);
    const table = rows.map(r => `| ${r.what} | ${r.value.toFixed(r.value >= 1000 ? 0 : 2)} | ${r.unit} |`);
    const title = `# A policy of ${RULES} rules and ${LISTS} lists of ${NAMES} names`;
    writeFileSync(`${base}.md`, [title, '', '| what | value | |', '|---|---:|---|', ...table, ''].join('\n'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

await main();
