import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditSink } from '../../src/core/ports.ts';
import type { AuditRecord, ExchangeRecord, FlowRecord } from '../../src/core/records.ts';
import { added, BUCKETS_MS, count, countingSink, emptyTally } from '../../src/control/tally.ts';

const exchange = (status: number | null, ms: number, wait: number | null): ExchangeRecord =>
  ({ kind: 'exchange', status, ms, wait }) as ExchangeRecord;
const flow = (action: string | null, fault: string | null, up = 1, down = 2): FlowRecord =>
  ({
    kind: 'flow',
    verdict: action === null ? null : { action },
    fault,
    bytesUp: up,
    bytesDown: down,
  }) as FlowRecord;

void test('flows count by verdict, with their bytes and their fault', () => {
  const tally = emptyTally();
  for (const record of [
    flow('inspect', null, 10, 20),
    flow('inspect', 'cert-expired', 1, 1),
    flow('block', 'blocked-by-policy'),
    flow(null, 'hello-timeout'),
    flow('passthrough', 'no-code-of-ours'),
  ])
    count(tally, record);
  assert.deepEqual(tally.flows.inspect, { flows: 2, bytesUp: 11, bytesDown: 21 });
  assert.equal(tally.flows.block.flows, 1);
  assert.equal(tally.flows.none.flows, 1);
  assert.deepEqual(
    tally.faults,
    { 'cert-expired': 1, 'blocked-by-policy': 1, 'hello-timeout': 1 },
    'a text that is no code of the catalogue makes no label',
  );
});

void test('exchanges count by class of status; odd ones count as none', () => {
  const tally = emptyTally();
  for (const status of [200, 204, 101, 304, 404, 503, null, 999, 0, 60])
    count(tally, exchange(status, 1, null));
  assert.deepEqual(tally.exchanges, { '1xx': 1, '2xx': 2, '3xx': 1, '4xx': 1, '5xx': 1, none: 4 });
  assert.equal(tally.wait.count, 0, 'no wait without a response');
});

void test('a value lies in the first bucket that holds it', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 100_000, noNaN: true })), values => {
      const tally = emptyTally();
      for (const ms of values) count(tally, exchange(200, ms, ms));
      const bounds = [0, ...BUCKETS_MS, Infinity];
      const naive = tally.duration.counts.map(
        (_, i) =>
          values.filter(v => (i === 0 ? v >= 0 : v > (bounds[i] ?? 0)) && v <= (bounds[i + 1] ?? 0)).length,
      );
      assert.deepEqual(tally.duration.counts, naive);
      assert.deepEqual(tally.wait, tally.duration);
      assert.equal(tally.duration.count, values.length);
    }),
  );
});

void test('the sum of two tallies is the tally of both, and changes neither', () => {
  const records = [
    flow('inspect', 'cert-expired'),
    exchange(200, 30, 10),
    flow('block', null),
    exchange(null, 4, null),
  ];
  const [a, b, both] = [emptyTally(), emptyTally(), emptyTally()];
  records.forEach((record, i) => {
    count(i % 2 === 0 ? a : b, record);
    count(both, record);
  });
  const before = structuredClone([a, b]);
  assert.deepEqual(added(a, b), both);
  assert.deepEqual([a, b], before);
});

void test('the sink passes everything on and keeps the health of the one behind it', () => {
  const seen: AuditRecord[] = [];
  let flushed = 0;
  const behind: AuditSink & { healthy: boolean } = {
    append: record => void seen.push(record),
    flush: () => void flushed++,
    healthy: true,
  };
  const tally = emptyTally();
  const sink = countingSink(behind, tally);
  const event: AuditRecord = { kind: 'event', time: 0, name: 'x', detail: {} };
  sink.append(flow('inspect', null));
  sink.append(event);
  sink.flush();
  assert.equal(seen.length, 2);
  assert.equal(seen[1], event);
  assert.equal(flushed, 1);
  assert.equal(tally.flows.inspect.flows, 1);
  assert.equal(sink.healthy, true);
  behind.healthy = false;
  assert.equal(sink.healthy, false);
});
