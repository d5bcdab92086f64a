import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { isFaultCode } from '../../src/core/faults.ts';
import type { ExchangeRecord, FlowRecord } from '../../src/core/records.ts';
import { Exposition, METRICS, type MetricsState } from '../../src/control/metrics.ts';
import { count, emptyTally } from '../../src/control/tally.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy/observability');

function state(): MetricsState {
  const tally = emptyTally();
  for (const ms of [3, 30, 60_000])
    count(tally, { kind: 'exchange', status: 200, ms, wait: ms } as ExchangeRecord);
  count(tally, {
    kind: 'flow',
    verdict: { action: 'inspect' },
    fault: 'cert-expired',
    bytesUp: 7,
    bytesDown: 9,
  } as FlowRecord);
  return {
    version: '1.2.3',
    tally,
    accepted: 5,
    refused: 1,
    shed: 0,
    workers: [
      {
        index: 0,
        restarts: 2,
        open: 4,
        leafContexts: 3,
        residentBytes: 1000,
        cpuSeconds: 1.5,
        loopDelaySeconds: 0.002,
        spoolWriting: true,
        spoolQueuedBytes: 0,
      },
    ],
    recorder: { running: true, failing: null, lagBytes: 12, rowsPerSecond: 0, rows: 99, day: null },
    shipping: {
      ...{
        running: true,
        failing: 'refused',
        lagBytes: 34,
        lagMs: 1500,
        rowsPerSecond: 0,
        rows: 9,
        day: null,
      },
    },
    leaves: { minted: 1, reused: 2, busy: 0, refused: 0 },
    policy: { version: 'abc', rejected: false, applied: 1_000 },
    lists: [
      { name: 'a "quoted"\nname', age: 5_000, alarm: false },
      { name: 'never had', age: null, alarm: true },
    ],
    authorityEnds: 2_000,
    ready: true,
  };
}

/** `name{labels} value` lines of an exposition. */
function samples(text: string): Map<string, number> {
  return new Map(
    text
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
  );
}

void test('a scrape holds every metric of the catalogue with its values', async () => {
  const text = await new Exposition(() => Promise.resolve(state())).text();
  const values = samples(text);
  for (const [name, { type }] of Object.entries(METRICS))
    assert.ok(text.includes(`# TYPE ${name} ${type}\n`), name);
  for (const [sample, value] of [
    ['sightglass_build_info{version="1.2.3"}', 1],
    ['sightglass_connections_total', 5],
    ['sightglass_flows_total{verdict="inspect"}', 1],
    ['sightglass_flow_bytes_total{verdict="inspect",direction="down"}', 9],
    ['sightglass_faults_total{code="cert-expired",side="origin"}', 1],
    ['sightglass_exchange_duration_seconds_bucket{le="0.005"}', 1],
    ['sightglass_exchange_duration_seconds_bucket{le="0.05"}', 2],
    ['sightglass_exchange_duration_seconds_bucket{le="30"}', 2],
    ['sightglass_exchange_duration_seconds_bucket{le="+Inf"}', 3],
    ['sightglass_exchange_duration_seconds_count', 3],
    ['sightglass_exchange_duration_seconds_sum', 60.033],
    ['sightglass_worker_restarts{worker="0"}', 2],
    ['sightglass_recorder_lag_bytes', 12],
    ['sightglass_shipping_up', 0],
    ['sightglass_shipping_lag_bytes', 34],
    ['sightglass_shipping_lag_seconds', 1.5],
    ['sightglass_list_age_seconds{list="a \\"quoted\\"\\nname"}', 5],
    ['sightglass_list_stale{list="never had"}', 1],
    ['sightglass_authority_not_after_timestamp_seconds', 2],
  ] as const)
    assert.equal(values.get(sample), value, sample);
  assert.ok(values.has('process_resident_memory_bytes'), 'and the figures of this process');
});

void test("Prometheus' own tool finds nothing to say about the metrics", async () => {
  const text = await new Exposition(() => Promise.resolve(state())).text();
  // What prom-client says of Node itself is not ours to name.
  const ours = text.slice(0, text.indexOf('# HELP process_cpu_user_seconds_total'));
  assert.ok(ours.includes('sightglass_ready'));
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: ours,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
  assert.equal((stdout + stderr).trim(), '');
});

void test('each scrape asks anew, and says so when it cannot be told', async () => {
  let scrapes = 0;
  const exposition = new Exposition(() => Promise.resolve({ ...state(), accepted: ++scrapes }));
  assert.equal(samples(await exposition.text()).get('sightglass_connections_total'), 1);
  assert.equal(samples(await exposition.text()).get('sightglass_connections_total'), 2);
  await assert.rejects(new Exposition(() => Promise.reject(new Error('gone'))).text(), /gone/);
});

void test('alert rules and dashboard name metrics and faults that exist', () => {
  const alerts = readFileSync(join(DEPLOY, 'alerts.yaml'), 'utf8');
  const dashboard = readFileSync(join(DEPLOY, 'grafana-dashboard.json'), 'utf8');
  const { panels } = JSON.parse(dashboard) as { panels: { type: string; targets?: { expr: string }[] }[] };
  const { groups } = parse(alerts) as { groups: { rules: { expr: string }[] }[] };
  const expressions = [
    ...panels.flatMap(p => (p.targets ?? []).map(t => t.expr)),
    ...groups.flatMap(g => g.rules.map(r => r.expr)),
  ];
  assert.ok(expressions.length > 30);
  for (const expression of expressions) {
    for (const [name] of expression.matchAll(/sightglass_[a-z_]+/g))
      assert.ok(Object.hasOwn(METRICS, name.replace(/_(bucket|sum|count)$/, '')), name);
    for (const [, code] of expression.matchAll(/code="([^"]*)"/g)) assert.ok(isFaultCode(code ?? ''), code);
  }
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', join(DEPLOY, 'alerts.yaml')], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
});
