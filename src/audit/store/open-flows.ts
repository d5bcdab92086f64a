/**
 * Flows between their `flow-open` and their `flow` record, in the recorder's memory. Bound: the connections that workers
 * hold open; those of a dead worker leave when its spool was read to the end. Pure data.
 */
import type { FlowId, FlowOpenRecord, FlowRecord } from '../../core/records.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { Mark } from './marks.ts';
import type { Entry } from './shared-tables.ts';

export interface OpenFlow {
  /** Null when the opening record never came (shed, damaged). */
  start: FlowOpenRecord | null;
  sni: string | null;
  /** True when the row is in open_flow. */
  stored: boolean;
  /** Blocks of exchanges in which it has some. */
  mark: Mark;
  // The last exchange's shared part and its rows: the next one is nearly always the same.
  verdict: Verdict | null;
  host: string;
  method: string;
  status: number | null;
  type: string | null;
  fault: string | null;
  protocol: string;
  scheme: string;
  port: number;
  client: string;
  user: string | null;
  capture: string;
  masked: string | undefined;
  what: Entry | null;
  /** What hardly changes within a flow, as the number that SharedTables gave it. */
  parties: number;
  who: Entry | null;
}

/** By id. The rows they point at belong to one day file: a new file begins with new ones. */
export type Flows = Map<FlowId, OpenFlow>;

/** State of a flow at its beginning. */
export function newFlow(id: FlowId, start: FlowOpenRecord | null, stored = false): OpenFlow {
  return {
    start,
    sni: start?.facts?.hello?.sni ?? null,
    stored,
    mark: { id, block: -1 },
    verdict: null,
    host: '',
    method: '',
    status: null,
    type: null,
    fault: null,
    protocol: '',
    scheme: '',
    port: 0,
    client: '',
    user: null,
    capture: '',
    masked: undefined,
    what: null,
    parties: 0,
    who: null,
  };
}

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
