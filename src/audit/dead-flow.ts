import type { FlowOpenRecord, FlowRecord } from '../core/records.ts';

/** The ledger row of a flow whose worker died; how many bytes it moved nobody knows any more. */
export function deadFlow(start: FlowOpenRecord, exchanges: number, at: number): FlowRecord {
  return {
    ...start,
    kind: 'flow',
    ms: Math.max(0, Math.round(at - start.time)),
    bytesUp: 0,
    bytesDown: 0,
    exchanges,
    fault: 'worker-died',
    faultDetail: null,
    originAddress: null,
    clientTls: null,
    originTls: null,
    originCert: null,
    leafSerial: null,
  };
}
