/**
 * Counts what a worker records, for metrics: a sink in front of the real one that looks at each record on its way.
 *
 * The records are the truth and the counts a view of them, so every flow that gets its row is counted once, whatever
 * became of it. Bounded: labels come from closed sets (verdicts, fault codes, status classes), times from fixed buckets.
 */
import type { FaultCode } from '../core/faults.ts';
import { isFaultCode } from '../core/faults.ts';
import type { AuditSink } from '../core/ports.ts';
import type { AuditRecord } from '../core/records.ts';
import type { Action } from '../core/verdict.ts';

/** Upper bounds of the duration buckets in ms; one more bucket takes the rest. */
export const BUCKETS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000] as const;

/** A flow that ended before any verdict is counted under `none`. */
export type FlowKind = Action | 'none';
export const FLOW_KINDS: readonly FlowKind[] = ['inspect', 'passthrough', 'block', 'none'];

/** `none`: no response head came. */
export type StatusClass = '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'none';
export const STATUS_CLASSES: readonly StatusClass[] = ['1xx', '2xx', '3xx', '4xx', '5xx', 'none'];

/** Counts per bucket (not cumulative), the sum of all values in ms, and how many there were. */
export interface Spread {
  counts: number[];
  sum: number;
  count: number;
}

export interface TallyCounts {
  flows: Record<FlowKind, { flows: number; bytesUp: number; bytesDown: number }>;
  exchanges: Record<StatusClass, number>;
  faults: Partial<Record<FaultCode, number>>;
  /** First request byte to last response byte. */
  duration: Spread;
  /** Request head complete to response head complete: the origin's share, and the parent's. */
  wait: Spread;
}

const spread = (): Spread => ({ counts: new Array<number>(BUCKETS_MS.length + 1).fill(0), sum: 0, count: 0 });

/** Nothing counted yet. */
export function emptyTally(): TallyCounts {
  const zero = () => ({ flows: 0, bytesUp: 0, bytesDown: 0 });
  return {
    flows: { inspect: zero(), passthrough: zero(), block: zero(), none: zero() },
    exchanges: { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, none: 0 },
    faults: {},
    duration: spread(),
    wait: spread(),
  };
}

/** Adds what one record says. Bodies, openings and events add nothing. */
export function count(into: TallyCounts, record: AuditRecord): void {
  if (record.kind === 'exchange') {
    into.exchanges[classOf(record.status)]++;
    observe(into.duration, record.ms);
    if (record.wait !== null) observe(into.wait, record.wait);
    return;
  }
  if (record.kind !== 'flow') return;
  const kind = into.flows[record.verdict?.action ?? 'none'];
  kind.flows++;
  kind.bytesUp += record.bytesUp;
  kind.bytesDown += record.bytesDown;
  if (record.fault !== null && isFaultCode(record.fault))
    into.faults[record.fault] = (into.faults[record.fault] ?? 0) + 1;
}

/** The sum of two tallies; neither is changed. Keeps what a worker counted after it is gone. */
export function added(a: TallyCounts, b: TallyCounts): TallyCounts {
  const sum = emptyTally();
  for (const part of [a, b]) {
    for (const kind of FLOW_KINDS) {
      sum.flows[kind].flows += part.flows[kind].flows;
      sum.flows[kind].bytesUp += part.flows[kind].bytesUp;
      sum.flows[kind].bytesDown += part.flows[kind].bytesDown;
    }
    for (const status of STATUS_CLASSES) sum.exchanges[status] += part.exchanges[status];
    for (const [code, n] of Object.entries(part.faults) as [FaultCode, number][])
      sum.faults[code] = (sum.faults[code] ?? 0) + n;
    merge(sum.duration, part.duration);
    merge(sum.wait, part.wait);
  }
  return sum;
}

/** A sink that counts into `tally` and passes everything on. */
export function countingSink(sink: AuditSink, tally: TallyCounts): AuditSink {
  return {
    append(record) {
      count(tally, record);
      sink.append(record);
    },
    flush() {
      sink.flush();
    },
    get healthy() {
      return sink.healthy;
    },
  };
}

function classOf(status: number | null): StatusClass {
  if (status === null) return 'none';
  return STATUS_CLASSES[Math.floor(status / 100) - 1] ?? 'none';
}

function observe(into: Spread, ms: number): void {
  let i = 0;
  while (i < BUCKETS_MS.length && ms > (BUCKETS_MS[i] ?? 0)) i++;
  into.counts[i] = (into.counts[i] ?? 0) + 1;
  into.sum += ms;
  into.count++;
}

function merge(into: Spread, from: Spread): void {
  from.counts.forEach((n, i) => {
    into.counts[i] = (into.counts[i] ?? 0) + n;
  });
  into.sum += from.sum;
  into.count += from.count;
}
