/** A store of recorded flows for the tests of replay, hits and learning: written as workers write, carried over as the recorder does. */
import { auditDir, spoolDir } from '../../src/audit/recorder.ts';
import { allocateProducer } from '../../src/audit/producer.ts';
import { Ingest } from '../../src/audit/ingest.ts';
import { openSpool } from '../../src/audit/spool.ts';
import type { SpoolWriter } from '../../src/audit/spool.ts';
import type { CertFacts, FlowFacts } from '../../src/core/facts.ts';
import { FLOWS_PER_PRODUCER } from '../../src/core/records.ts';
import type { EventRecord, ExchangeRecord, FlowRecord } from '../../src/core/records.ts';
import type { Action, Verdict } from '../../src/core/verdict.ts';

export function verdict(action: Action, rule: string, policy = '0123456789ab'): Verdict {
  return { action, rule, policy, reason: 'for the test', capture: 'headers', block: 'page' };
}

export interface Recorded {
  facts: FlowFacts | null;
  verdict: Verdict | null;
  time?: number;
  fault?: string;
  cert?: CertFacts;
  /** Serial of the leaf that the client was shown. */
  leaf?: string;
  /** Requests inside, decided as their flow unless told otherwise. */
  requests?: readonly Partial<ExchangeRecord>[];
  /** The flow is still open: no ledger row. */
  open?: boolean;
}

/** Put ledger rows into the store of a data directory. `now` is the time of ingestion, ms. */
export function record(
  dataDir: string,
  now: number,
  flows: readonly Recorded[],
  events: readonly EventRecord[] = [],
): void {
  const dir = spoolDir(dataDir);
  const producer = allocateProducer(dir);
  const spool = openSpool({ dir, producer });
  spoolRecords(spool, producer, now, flows, events);
  spool.close();
  const ingest = new Ingest({ spoolDir: dir, auditDir: auditDir(dataDir), now: () => now });
  try {
    while (ingest.step().more) continue;
  } finally {
    ingest.close();
  }
}

/** The same into a spool of that producer, as a worker leaves them. */
export function spoolRecords(
  spool: Pick<SpoolWriter, 'append' | 'flush'>,
  producer: number,
  now: number,
  flows: readonly Recorded[],
  events: readonly EventRecord[] = [],
): void {
  for (const [i, flow] of flows.entries()) {
    const ledger = row(producer * FLOWS_PER_PRODUCER + i, now, flow);
    const { flow: id, time, client, clientPort, facts, verdict: decided } = ledger;
    if (flow.requests !== undefined || flow.open === true)
      spool.append({ kind: 'flow-open', flow: id, time, client, clientPort, facts, verdict: decided });
    for (const [n, changes] of (flow.requests ?? []).entries())
      spool.append({ ...exchangeOf(ledger, n + 1), ...changes });
    if (flow.open !== true) spool.append(ledger);
  }
  for (const event of events) spool.append(event);
  spool.flush();
}

function exchangeOf(flow: FlowRecord, n: number): ExchangeRecord {
  const none = { size: 0, kept: 0, sha256: null, truncated: false };
  return {
    ...{ kind: 'exchange', flow: flow.flow, n, time: flow.time + n, ms: 1, wait: 1 },
    ...{ client: flow.client, user: flow.facts?.user ?? null, method: 'GET' },
    ...{ scheme: flow.facts?.scheme ?? 'https', host: flow.facts?.host ?? '', port: flow.facts?.port ?? 443 },
    ...{ path: '/', status: 200, protocol: 'HTTP/1.1', reqHeaders: '', resHeaders: '', contentType: null },
    verdict: flow.verdict ?? verdict('block', 'none'),
    capture: 'headers',
    ...{ req: none, res: none, fault: null, faultDetail: null, upgraded: false },
  };
}

function row(
  flow: number,
  now: number,
  { facts, verdict: decided, time, fault, cert, leaf, requests = [] }: Recorded,
): FlowRecord {
  return {
    kind: 'flow',
    flow,
    time: time ?? facts?.now ?? now,
    client: facts?.client ?? '10.0.0.1',
    clientPort: 40_000,
    facts,
    verdict: decided,
    ms: 5,
    bytesUp: 100,
    bytesDown: 200,
    exchanges: requests.length,
    fault: fault ?? null,
    faultDetail: null,
    originAddress: null,
    clientTls: null,
    originTls: null,
    originCert: cert ?? null,
    leafSerial: leaf ?? null,
  };
}
