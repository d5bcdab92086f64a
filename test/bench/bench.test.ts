/** The arithmetic of the bench; that its loads are right is checked by every run (status, length, rows). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { quantile } from '../../bench/load.ts';
import { cpuOf, parseStat, rssOf, tree } from '../../bench/processes.ts';
import { figure, markdown, median, spread, targets, type Measurement, type Run } from '../../bench/report.ts';
import { WORKLOADS } from '../../bench/workloads.ts';

const measurement = (implementation: string, workload: string, cpuPerUnit: number): Measurement => ({
  implementation,
  workload,
  repetition: 1,
  cpuUser: 1,
  cpuSystem: 0.5,
  cpuPerUnit,
  peakRssMb: 80,
  load: {
    ok: 1000,
    errors: 0,
    bad: 0,
    firstError: null,
    seconds: 2,
    bytes: 1_024_000,
    p50: 1,
    p99: 2,
    clientCpu: 1,
    connectionsMade: 50,
  },
  rows: implementation === 'squid' ? null : { found: 1000, wanted: 1000 },
  otherCpu: 0.05,
});

const run: Run = {
  date: '2026-11-20',
  machine: {
    os: 'os',
    kernel: 'k',
    cpu: 'c',
    cores: 2,
    memoryGb: 4,
    node: '20',
    openssl: '3',
    nginx: 'nginx/1',
  },
  implementations: [
    { name: 'sightglass', version: '1', about: 'a' },
    { name: 'squid', version: '5', about: 'b' },
  ],
  repetitions: 3,
  scale: 1,
  seed: 1,
  measurements: [
    measurement('sightglass', 'keep-alive', 50),
    measurement('squid', 'keep-alive', 74),
    measurement('sightglass', 'keep-alive', 70),
    measurement('sightglass', 'keep-alive', 55),
    measurement('sightglass', 'passthrough', 0.7),
  ],
};

describe('bench report', () => {
  test('median and range', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
    assert.equal(spread([50, 70, 55]), '55.0 (50.0–70.0)');
    assert.equal(spread([0.5]), '0.50');
    assert.equal(figure(12_345.6), '12,346');
  });

  test('quantiles of a sorted list', () => {
    const list = Float64Array.from({ length: 101 }, (_, i) => i);
    assert.equal(quantile(list, 0.5), 50);
    assert.equal(quantile(list, 0.99), 99);
    assert.equal(quantile([], 0.5), 0);
  });

  test('a table holds a line for each implementation that was measured', () => {
    const text = markdown(run, WORKLOADS);
    assert.match(text, /\| sightglass \| 55\.0 \(50\.0–70\.0\) \| 500 .*3000\/3000 \| 0\/3000 \| 5 % \|/);
    assert.match(text, /\| squid \| 74\.0 \| 500 .*\| – \| 0\/1000/);
    assert.doesNotMatch(text, /## cold-names/);
  });

  test('targets are judged by the median of the product alone', () => {
    const text = targets(run, WORKLOADS).join('\n');
    assert.match(text, /keep-alive, sightglass: 55\.0 .* met/);
    assert.match(text, /passthrough, sightglass: 0\.70 .* MISSED/);
    assert.doesNotMatch(text, /squid/);
  });
});

describe('process accounting', () => {
  test('a stat line whose command name holds spaces and brackets', () => {
    const line =
      '42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 1 0 99 1000 10 18446744073709551615';
    assert.deepEqual(parseStat(line), { parent: 7, user: 1.8, system: 0.7 });
  });

  test('this process is in its own tree, uses CPU and memory', () => {
    assert.ok(tree(process.pid).has(process.pid));
    const { user, system } = cpuOf(process.pid);
    assert.ok(user + system > 0);
    assert.ok(rssOf(process.pid) > 10 * 1024 * 1024);
    assert.equal(tree(2 ** 30).size, 0);
  });
});
