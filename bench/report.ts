/** Measurements to tables: median with range of the repetitions, as Markdown for people and JSON for programs. */
import type { LoadResult } from './load.ts';
import type { Machine } from './machine.ts';
import type { Workload } from './workloads.ts';

/** One load through one start of one implementation. */
export interface Measurement {
  implementation: string;
  workload: string;
  repetition: number;
  /** Seconds of the whole process tree. */
  cpuUser: number;
  cpuSystem: number;
  /** CPU ms per 1,000 requests, or CPU s per GB (10^9 bytes). */
  cpuPerUnit: number;
  peakRssMb: number;
  load: LoadResult;
  /** Rows found in the audit store for this load and rows that should be there; null where there is no store. */
  rows: { found: number; wanted: number } | null;
  /** Share of the machine used by neither proxy, origin nor client while measuring: noise from neighbours. */
  otherCpu: number;
}

export interface Run {
  date: string;
  machine: Machine;
  implementations: Array<{ name: string; version: string; about: string }>;
  repetitions: number;
  scale: number;
  seed: number;
  measurements: Measurement[];
}

export function median(values: readonly number[]): number {
  const s = [...values].sort((a, b) => a - b);
  const mid = s.length >> 1;
  if (s.length === 0) return NaN;
  return s.length % 2 === 1 ? (s[mid] ?? NaN) : ((s[mid - 1] ?? NaN) + (s[mid] ?? NaN)) / 2;
}

/** Three significant digits, thousands separated. */
export function figure(n: number): string {
  if (!Number.isFinite(n)) return '–';
  if (n >= 100) return Math.round(n).toLocaleString('en-US');
  return n.toFixed(n >= 10 ? 1 : 2);
}

/** `median`, with `(least–most)` behind it when there were several. */
export function spread(values: readonly number[]): string {
  const m = figure(median(values));
  return values.length < 2 ? m : `${m} (${figure(Math.min(...values))}–${figure(Math.max(...values))})`;
}

export function markdown(run: Run, workloads: readonly Workload[]): string {
  const m = run.machine;
  const out = [
    `# Bench of ${run.date}`,
    '',
    `${m.os}, kernel ${m.kernel}, ${m.cores} × ${m.cpu}, ${m.memoryGb} GB; Node ${m.node}, OpenSSL ${m.openssl}; origin ${m.nginx}, ECDSA P-256, TLS 1.3.`,
    `Loopback; client, origin and proxy share the processors. ${run.repetitions} interleaved repetition(s), scale ${run.scale}, seed ${run.seed}.`,
    'Median (least–most). CPU is user + system of the whole process tree from /proc, recording included; peak RSS is summed over the processes.',
    '',
    ...run.implementations.map(i => `* **${i.name}**: ${i.version}; ${i.about}`),
  ];
  for (const w of workloads) {
    const of = run.measurements.filter(x => x.workload === w.name);
    if (of.length > 0) out.push('', ...table(w, of, run.implementations));
  }
  out.push('', ...targets(run, workloads));
  return `${out.join('\n')}\n`;
}

function table(w: Workload, measurements: readonly Measurement[], order: Run['implementations']): string[] {
  const byte = w.unit === 'byte';
  const head = [
    'implementation',
    byte ? 'CPU s/GB' : 'CPU ms/1,000',
    byte ? 'MB/s' : 'requests/s',
    'p50 ms',
    'p99 ms',
    'peak RSS MB',
    'rows',
    'failed',
    'noise',
  ];
  const lines = [
    `## ${w.name}`,
    '',
    `${w.title}.`,
    '',
    `| ${head.join(' | ')} |`,
    `|---|${'---:|'.repeat(head.length - 1)}`,
  ];
  for (const { name } of order) {
    const of = measurements.filter(x => x.implementation === name);
    if (of.length === 0) continue;
    const each = (f: (x: Measurement) => number): string => spread(of.map(f));
    const rows = of.flatMap(x => (x.rows === null ? [] : [x.rows]));
    const sum = (f: (x: Measurement) => number): number => of.reduce((s, x) => s + f(x), 0);
    lines.push(
      `| ${[
        name,
        each(x => x.cpuPerUnit),
        each(x => (byte ? x.load.bytes / 1e6 : x.load.ok) / x.load.seconds),
        each(x => x.load.p50),
        each(x => x.load.p99),
        each(x => x.peakRssMb),
        rows.length === 0
          ? '–'
          : `${rows.reduce((s, r) => s + r.found, 0)}/${rows.reduce((s, r) => s + r.wanted, 0)}`,
        `${sum(x => x.load.errors + x.load.bad)}/${sum(x => x.load.ok + x.load.errors + x.load.bad)}`,
        `${Math.round(100 * median(of.map(x => x.otherCpu)))} %`,
      ].join(' | ')} |`,
    );
  }
  return lines;
}

/** What was asked of the product, and whether it is so. */
export function targets(run: Run, workloads: readonly Workload[]): string[] {
  const lines: string[] = [];
  for (const w of workloads) {
    if (w.target === undefined) continue;
    const of = run.measurements.filter(
      x => x.workload === w.name && x.implementation.startsWith('sightglass'),
    );
    for (const name of new Set(of.map(x => x.implementation))) {
      const seen = median(of.filter(x => x.implementation === name).map(x => x.cpuPerUnit));
      const unit = w.unit === 'byte' ? 'CPU s/GB' : 'CPU ms per 1,000 requests';
      lines.push(
        `* ${w.name}, ${name}: ${figure(seen)} ${unit}, at most ${w.target} wanted: ${seen <= w.target ? 'met' : 'MISSED'}`,
      );
    }
  }
  return lines.length === 0 ? lines : ['## Targets', '', ...lines];
}
