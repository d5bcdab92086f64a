/**
 * Stored columns as the rows that lists show: every driver of the store, and every reader of a proof, comes to the same row by
 * this one road. Pure.
 */
import type { ExchangeRow, FlowRow } from './store.ts';

/** What is stored of an exchange. Times ms since epoch, `us` µs, sizes bytes. */
export interface ExchangeColumns {
  flow: number;
  n: number;
  time: number;
  us: number;
  up: number;
  down: number;
  client: string;
  user: string | null;
  method: string;
  scheme: 'http' | 'https';
  host: string;
  port: number;
  path: string;
  status: number | null;
  protocol: string;
  action: string;
  rule: string;
  policy: string;
  fault: string | null;
  reason: string;
  sni: string | null;
  type: string | null;
  mask: string | null;
  tls: string | null;
  parent: string | null;
  masked: string | null;
}

/** What is stored of a flow. */
export interface FlowColumns {
  flow: number;
  time: number;
  us: number;
  up: number;
  down: number;
  exchanges: number;
  client: string;
  user: string | null;
  host: string | null;
  port: number | null;
  sni: string | null;
  /** Joined with commas; empty for none, null where there was no hello. */
  alpn: string | null;
  ja4: string | null;
  action: string | null;
  rule: string | null;
  policy: string | null;
  reason: string | null;
  fault: string | null;
  mask: string | null;
  tls: string | null;
  parent: string | null;
}

/** The row of an exchange under the ids that its store gives it. */
export function shownExchange(ids: { exchange: string; flow: string }, r: ExchangeColumns): ExchangeRow {
  return {
    ...ids,
    time: r.time,
    client: r.client,
    user: r.user,
    method: r.method,
    scheme: r.scheme,
    host: r.host,
    port: r.port,
    path: r.path,
    status: r.status,
    protocol: r.protocol,
    reqBytes: r.up,
    resBytes: r.down,
    ms: r.us / 1000,
    verdict: r.action,
    rule: r.rule,
    policy: r.policy,
    fault: r.fault,
    reason: r.reason,
    sni: r.sni,
    contentType: r.type,
    mask: r.mask,
    tlsProfile: r.tls,
    parent: r.parent,
    masked: r.masked,
  };
}

/** The row of a flow. */
export function shownFlow(flow: string, r: FlowColumns): FlowRow {
  return {
    flow,
    time: r.time,
    client: r.client,
    user: r.user,
    host: r.host,
    port: r.port,
    sni: r.sni,
    alpn: r.alpn === null ? null : r.alpn === '' ? [] : r.alpn.split(','),
    ja4: r.ja4,
    verdict: r.action,
    rule: r.rule,
    policy: r.policy,
    reason: r.reason,
    bytesUp: r.up,
    bytesDown: r.down,
    ms: r.us / 1000,
    fault: r.fault,
    exchanges: r.exchanges,
    mask: r.mask,
    tlsProfile: r.tls,
    parent: r.parent,
  };
}
