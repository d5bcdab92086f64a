/**
 * What workers leave in the spool and the recorder carries into the store. One union, plain data, JSON-safe.
 * Times are ms since epoch, durations ms, sizes bytes. Every string may hold hostile bytes.
 *
 * Order in one producer's spool: `flow-open` at the verdict, its `exchange` and `body` records as they end,
 * `flow` exactly once at close. A flow that never reaches a verdict (refused, garbage) has only `flow`.
 * A producer that dies leaves `flow-open` without `flow`: the recorder then writes the row itself, with the
 * fault `worker-died`.
 */
import type { CertFacts, FlowFacts, TlsLeg } from './facts.ts';
import type { BodyForm } from './masking.ts';
import type { CaptureLevel, Verdict } from './verdict.ts';

/**
 * A flow id is a 53-bit integer: producer number × 2^27 + counter. Text form `<producer36>-<counter36>`.
 * Producer numbers are never used twice within a data directory, so ids are unique there.
 */
export type FlowId = number;
export const FLOWS_PER_PRODUCER = 2 ** 27;

export function flowIdText(id: FlowId): string {
  return `${Math.floor(id / FLOWS_PER_PRODUCER).toString(36)}-${(id % FLOWS_PER_PRODUCER).toString(36)}`;
}

/** Inverse of flowIdText; null when the text is no flow id. */
export function parseFlowId(text: string): FlowId | null {
  const m = /^([0-9a-z]{1,6})-([0-9a-z]{1,6})$/.exec(text);
  if (m === null) return null;
  const producer = parseInt(m[1] ?? '', 36);
  const counter = parseInt(m[2] ?? '', 36);
  if (producer >= 2 ** 26 || counter >= FLOWS_PER_PRODUCER) return null;
  return producer * FLOWS_PER_PRODUCER + counter;
}

/** Text id of an exchange: the flow's id and the ordinal of the exchange in it, from 1. */
export function exchangeIdText(flow: FlowId, n: number): string {
  return `${flowIdText(flow)}.${n}`;
}

/** Facts of a flow that are known when the verdict falls. */
export interface FlowStart {
  flow: FlowId;
  /** Accept time. */
  time: number;
  client: string;
  clientPort: number;
  facts: FlowFacts | null;
  verdict: Verdict | null;
}

export interface FlowOpenRecord extends FlowStart {
  kind: 'flow-open';
}

/** The ledger row. Exactly one per client connection, whatever became of it. */
export interface FlowRecord extends FlowStart {
  kind: 'flow';
  /** Duration from accept to close. */
  ms: number;
  /** Bytes read from and written to the client's TCP connection, TLS and proxy framing included. */
  bytesUp: number;
  bytesDown: number;
  exchanges: number;
  /** Code of the fault catalogue, or null when nothing went wrong. */
  fault: string | null;
  /** Details of the fault for people, such as the resolver's or OpenSSL's words. */
  faultDetail: string | null;
  /** Address actually dialled, or null. */
  originAddress: string | null;
  clientTls: TlsLeg | null;
  originTls: TlsLeg | null;
  originCert: CertFacts | null;
  /** Serial (hex) of the leaf minted or re-used for this flow, or null. */
  leafSerial: string | null;
}

/** One body as captured. `sha256` and `size` speak of the whole body, `kept` of the bytes in the spool. */
export interface BodyFacts {
  size: number;
  kept: number;
  /**
   * Lower-case hex; null when bodies are not captured (hashing is then skipped too), and of a body in which something was
   * masked: with the rest of it known, what is missing could be tried out against it.
   */
  sha256: string | null;
  truncated: boolean;
  /** Absent: `raw`. In which form it is stored, or why it is not. */
  form?: BodyForm;
}

/** One HTTP request with its response. */
export interface ExchangeRecord {
  kind: 'exchange';
  flow: FlowId;
  /** Ordinal in the flow, from 1. */
  n: number;
  /** When the first byte of the request head was read. */
  time: number;
  /** From first request byte to last response byte. */
  ms: number;
  /** From request head complete to response head complete; null without a response. */
  wait: number | null;
  client: string;
  user: string | null;
  method: string;
  scheme: 'http' | 'https';
  host: string;
  port: number;
  /** Path with query, secrets of the query masked. */
  path: string;
  /** Null when no response head arrived. */
  status: number | null;
  /** `HTTP/1.1`, `HTTP/1.0`, `h2`. */
  protocol: string;
  verdict: Verdict;
  capture: CaptureLevel;
  /** Head fields, secrets masked, one `name: value\r\n` per field as they stood on the wire. */
  reqHeaders: string;
  resHeaders: string;
  /** Media type of the response without parameters, lower case, or null. */
  contentType: string | null;
  req: BodyFacts;
  res: BodyFacts;
  fault: string | null;
  faultDetail: string | null;
  /** True when the exchange became a WebSocket or other upgrade. */
  upgraded: boolean;
  /** What was masked, as core/masking writes it; absent when nothing was. */
  masked?: string;
}

/** Captured bytes of one side of an exchange, written just before its exchange record. At most `capture` limit long. */
export interface BodyRecord {
  kind: 'body';
  flow: FlowId;
  n: number;
  side: 'req' | 'res';
  data: Buffer;
}

/** Things that are no flow: starts, stops, policy changes, gaps, alarms. */
export interface EventRecord {
  kind: 'event';
  time: number;
  /** Dotted name: `worker.started`, `worker.died`, `policy.applied`, `policy.rejected`, `spool.gap`, `ca.leaf`, … */
  name: string;
  /** JSON-safe details. */
  detail: Record<string, unknown>;
}

export type AuditRecord = FlowOpenRecord | FlowRecord | ExchangeRecord | BodyRecord | EventRecord;
