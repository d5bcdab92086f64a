/** A store of recorded flows for the tests of replay, hits and learning: written as workers write, carried over as the recorder does. */
import { auditDir, spoolDir } from '../../src/audit/recorder.ts';
import { allocateProducer } from '../../src/audit/producer.ts';
import { Ingest } from '../../src/audit/ingest.ts';
import { openSpool } from '../../src/audit/spool.ts';
import type { CertFacts, FlowFacts } from '../../src/core/facts.ts';
import { FLOWS_PER_PRODUCER } from '../../src/core/records.ts';
import type { FlowRecord } from '../../src/core/records.ts';
import type { Action, Verdict } from '../../src/core/verdict.ts';

export function verdict(action: Action, rule: string, policy = '0123456789ab'): Verdict {
  return { action, rule, policy, reason: 'for the test', capture: 'headers', block: 'page' };
}

/** Put ledger rows into the store of a data directory. `now` is the time of ingestion, ms. */
export function record(
  dataDir: string,
  now: number,
  flows: readonly {
    facts: FlowFacts | null;
    verdict: Verdict | null;
    time?: number;
    fault?: string;
    cert?: CertFacts;
  }[],
): void {
  const dir = spoolDir(dataDir);
  const producer = allocateProducer(dir);
  const spool = openSpool({ dir, producer });
  for (const [i, flow] of flows.entries()) spool.append(row(producer * FLOWS_PER_PRODUCER + i, now, flow));
  spool.flush();
  spool.close();
  const ingest = new Ingest({ spoolDir: dir, auditDir: auditDir(dataDir), now: () => now });
  try {
    while (ingest.step().more) continue;
  } finally {
    ingest.close();
  }
}

function row(
  flow: number,
  now: number,
  { facts, verdict: decided, time, fault, cert }: Parameters<typeof record>[2][number],
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
    exchanges: 0,
    fault: fault ?? null,
    faultDetail: null,
    originAddress: null,
    clientTls: null,
    originTls: null,
    originCert: cert ?? null,
    leafSerial: null,
  };
}
