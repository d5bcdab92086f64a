/**
 * What Prometheus scrapes: one catalogue of metrics with their words, and how each is read from the state of the service.
 *
 * Counters are totals of the whole service that never go back while it runs: what a worker had counted is kept when it
 * dies (supervisor). Values lag by at most one health beat of the workers (2 s). Labels come from closed sets; `list` is
 * bounded by the policy. No host, user or client ever becomes a label: those belong into the audit store.
 *
 * prom-client writes the text and the figures of this process; the shapes that we count ourselves are handed to it as
 * they are.
 */
import { collectDefaultMetrics, Registry, type Metric } from 'prom-client';
import { FAULTS, type FaultCode } from '../core/faults.ts';
import type { RecorderStats } from '../audit/recorder.ts';
import { BUCKETS_MS, FLOW_KINDS, STATUS_CLASSES, type Spread, type TallyCounts } from './tally.ts';

/** One worker as its last health beat told. */
export interface WorkerReading {
  index: number;
  restarts: number;
  open: number;
  leafContexts: number;
  residentBytes: number;
  /** CPU seconds, user and system. */
  cpuSeconds: number;
  /** 99th percentile of the event loop's delay in the last beat, seconds. */
  loopDelaySeconds: number;
  spoolWriting: boolean;
  spoolQueuedBytes: number;
}

/** Everything that metrics tell of; gathered at each scrape. */
export interface MetricsState {
  version: string;
  tally: TallyCounts;
  /** Totals over living and dead workers. */
  accepted: number;
  refused: number;
  /** Records that a full queue shed. */
  shed: number;
  workers: readonly WorkerReading[];
  recorder: RecorderStats;
  /** What ships to a collector; null on a machine that ships nothing. */
  shipping: RecorderStats | null;
  leaves: { minted: number; reused: number; busy: number; refused: number };
  policy: { version: string; rejected: boolean; /** ms since epoch */ applied: number };
  lists: readonly { name: string; /** ms; null when never fetched */ age: number | null; alarm: boolean }[];
  /** ms since epoch. */
  authorityEnds: number;
  ready: boolean;
}

type Labels = Record<string, string | number>;
interface Value {
  labels: Labels;
  value: number;
  /** `_bucket`, `_sum` or `_count` of a histogram. */
  suffix?: string;
}

interface Entry {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: readonly string[];
  read: (state: MetricsState) => Value[];
}

const alone = (value: number): Value[] => [{ labels: {}, value }];
const flag = (yes: boolean): number => (yes ? 1 : 0);
const perWorker = (read: (worker: WorkerReading) => number) => (state: MetricsState) =>
  state.workers.map(worker => ({ labels: { worker: worker.index }, value: read(worker) }));

/** The catalogue, in the order of the reference. Names keep Prometheus' conventions: base units, `_total` for counters. */
export const METRICS = {
  sightglass_build_info: {
    type: 'gauge',
    help: 'Always 1; the label says which version runs.',
    labels: ['version'],
    read: s => [{ labels: { version: s.version }, value: 1 }],
  },
  sightglass_ready: {
    type: 'gauge',
    help: '1 when the service takes connections and can record them, as /readyz says.',
    labels: [],
    read: s => alone(flag(s.ready)),
  },
  sightglass_connections_total: {
    type: 'counter',
    help: 'Client connections accepted.',
    labels: [],
    read: s => alone(s.accepted),
  },
  sightglass_connections_refused_total: {
    type: 'counter',
    help: 'Client connections refused at the door: a limit was reached or the client is not allowed.',
    labels: [],
    read: s => alone(s.refused),
  },
  sightglass_connections_open: {
    type: 'gauge',
    help: 'Client connections open now.',
    labels: ['worker'],
    read: perWorker(w => w.open),
  },
  sightglass_flows_total: {
    type: 'counter',
    help: 'Flows that ended, by verdict; `none` ended before any verdict.',
    labels: ['verdict'],
    read: s => FLOW_KINDS.map(verdict => ({ labels: { verdict }, value: s.tally.flows[verdict].flows })),
  },
  sightglass_flow_bytes_total: {
    type: 'counter',
    help: 'Bytes of ended flows on the client side, framing included; `up` comes from the client.',
    labels: ['verdict', 'direction'],
    read: s =>
      FLOW_KINDS.flatMap(verdict => [
        { labels: { verdict, direction: 'up' }, value: s.tally.flows[verdict].bytesUp },
        { labels: { verdict, direction: 'down' }, value: s.tally.flows[verdict].bytesDown },
      ]),
  },
  sightglass_faults_total: {
    type: 'counter',
    help: 'Flows that ended with a fault, by its code and the side that has to act. See the fault reference.',
    labels: ['code', 'side'],
    read: s =>
      (Object.entries(s.tally.faults) as [FaultCode, number][]).map(([code, value]) => ({
        labels: { code, side: FAULTS[code].side },
        value,
      })),
  },
  sightglass_exchanges_total: {
    type: 'counter',
    help: 'Recorded HTTP exchanges by class of status; `none` had no response.',
    labels: ['status'],
    read: s => STATUS_CLASSES.map(status => ({ labels: { status }, value: s.tally.exchanges[status] })),
  },
  sightglass_exchange_duration_seconds: {
    type: 'histogram',
    help: 'From the first byte of a request to the last byte of its response.',
    labels: [],
    read: s => histogram(s.tally.duration),
  },
  sightglass_exchange_wait_seconds: {
    type: 'histogram',
    help: 'From the end of a request head to the end of the response head: what the origin took.',
    labels: [],
    read: s => histogram(s.tally.wait),
  },
  sightglass_leaves_total: {
    type: 'counter',
    help: 'Asks for leaf certificates by outcome: minted, reused, busy (queue full), refused.',
    labels: ['outcome'],
    read: s => Object.entries(s.leaves).map(([outcome, value]) => ({ labels: { outcome }, value })),
  },
  sightglass_leaf_contexts: {
    type: 'gauge',
    help: 'TLS contexts of minted leaves held by a worker.',
    labels: ['worker'],
    read: perWorker(w => w.leafContexts),
  },
  sightglass_worker_restarts: {
    type: 'gauge',
    help: 'How often the worker in this place was restarted without a minute of health between.',
    labels: ['worker'],
    read: perWorker(w => w.restarts),
  },
  sightglass_worker_resident_memory_bytes: {
    type: 'gauge',
    help: 'Resident memory of a worker.',
    labels: ['worker'],
    read: perWorker(w => w.residentBytes),
  },
  sightglass_worker_cpu_seconds_total: {
    type: 'counter',
    help: 'CPU time of a worker, user and system, since that process started.',
    labels: ['worker'],
    read: perWorker(w => w.cpuSeconds),
  },
  sightglass_worker_loop_delay_seconds: {
    type: 'gauge',
    help: 'How late the event loop of a worker was in its last two seconds, 99th percentile.',
    labels: ['worker'],
    read: perWorker(w => w.loopDelaySeconds),
  },
  sightglass_spool_writing: {
    type: 'gauge',
    help: '1 while a worker can write its records.',
    labels: ['worker'],
    read: perWorker(w => flag(w.spoolWriting)),
  },
  sightglass_spool_queued_bytes: {
    type: 'gauge',
    help: 'Records a worker holds in memory because they could not be written yet.',
    labels: ['worker'],
    read: perWorker(w => w.spoolQueuedBytes),
  },
  sightglass_spool_shed_total: {
    type: 'counter',
    help: 'Records lost because the queue was full (only under audit.onFailure: continue).',
    labels: [],
    read: s => alone(s.shed),
  },
  sightglass_recorder_up: {
    type: 'gauge',
    help: '1 while the recorder runs and its last batch was committed.',
    labels: [],
    read: s => alone(flag(s.recorder.running && s.recorder.failing === null)),
  },
  sightglass_recorder_lag_bytes: {
    type: 'gauge',
    help: 'Bytes in the spool that are not in the store yet.',
    labels: [],
    read: s => alone(s.recorder.lagBytes),
  },
  sightglass_recorder_rows_total: {
    type: 'counter',
    help: 'Rows carried into the store.',
    labels: [],
    read: s => alone(s.recorder.rows),
  },
  sightglass_shipping_up: {
    type: 'gauge',
    help: '1 while records are shipped to the collector and it committed the last batch. Only with fleet.collector.',
    labels: [],
    read: s => (s.shipping === null ? [] : alone(flag(s.shipping.running && s.shipping.failing === null))),
  },
  sightglass_shipping_lag_bytes: {
    type: 'gauge',
    help: 'Bytes in the spool that the collector has not committed yet. Only with fleet.collector.',
    labels: [],
    read: s => (s.shipping === null ? [] : alone(s.shipping.lagBytes)),
  },
  sightglass_shipping_lag_seconds: {
    type: 'gauge',
    help: 'How long the oldest of those bytes waits. Only with fleet.collector.',
    labels: [],
    read: s => (s.shipping === null ? [] : alone((s.shipping.lagMs ?? 0) / 1000)),
  },
  sightglass_policy_info: {
    type: 'gauge',
    help: 'Always 1; the label says which policy version is in force.',
    labels: ['version'],
    read: s => [{ labels: { version: s.policy.version }, value: 1 }],
  },
  sightglass_policy_rejected: {
    type: 'gauge',
    help: '1 while the policy file holds a version that was refused; the one before it stays in force.',
    labels: [],
    read: s => alone(flag(s.policy.rejected)),
  },
  sightglass_policy_applied_timestamp_seconds: {
    type: 'gauge',
    help: 'When the policy in force was applied, seconds since 1970.',
    labels: [],
    read: s => alone(s.policy.applied / 1000),
  },
  sightglass_list_age_seconds: {
    type: 'gauge',
    help: 'Time since a fetched or learned list was last found current.',
    labels: ['list'],
    read: s =>
      s.lists.flatMap(l => (l.age === null ? [] : [{ labels: { list: l.name }, value: l.age / 1000 }])),
  },
  sightglass_list_stale: {
    type: 'gauge',
    help: '1 when the good copy of a list is older than three of its refreshes, none was ever had, or what is served now is not trusted.',
    labels: ['list'],
    read: s => s.lists.map(l => ({ labels: { list: l.name }, value: flag(l.alarm) })),
  },
  sightglass_authority_not_after_timestamp_seconds: {
    type: 'gauge',
    help: 'When the CA certificate ends, seconds since 1970.',
    labels: [],
    read: s => alone(s.authorityEnds / 1000),
  },
} as const satisfies Record<string, Entry>;

/** The text a scrape gets, and its content type. `state` is asked once per scrape; one scrape at a time is enough. */
export class Exposition {
  readonly #registry = new Registry();
  readonly #gather: () => Promise<MetricsState>;
  #state: MetricsState | null = null;

  constructor(gather: () => Promise<MetricsState>) {
    this.#gather = gather;
    for (const [name, entry] of Object.entries(METRICS) as [string, Entry][])
      this.#registry.registerMetric(this.#metric(name, entry));
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    this.#state = await this.#gather();
    return this.#registry.metrics();
  }

  /** prom-client asks its metrics for their values by `get`; that is all it needs of one that it did not count. */
  #metric(name: string, { type, help, read }: Entry): Metric {
    const get = () =>
      Promise.resolve({
        name,
        help,
        type,
        aggregator: 'sum',
        values: (this.#state === null ? [] : read(this.#state)).map(({ labels, value, suffix }) => ({
          labels,
          value,
          metricName: `${name}${suffix ?? ''}`,
        })),
      });
    return { name, get } as unknown as Metric;
  }
}

function histogram(spread: Spread): Value[] {
  let below = 0;
  const buckets = spread.counts.map((n, i): Value => {
    below += n;
    const bound = BUCKETS_MS[i];
    return {
      labels: { le: bound === undefined ? '+Inf' : bound / 1000 },
      value: below,
      suffix: '_bucket',
    };
  });
  return [
    ...buckets,
    { labels: {}, value: spread.sum / 1000, suffix: '_sum' },
    { labels: {}, value: spread.count, suffix: '_count' },
  ];
}
