/** Rows of PostgreSQL as lists show them: the columns that are read, and the shapes that come out. */
import { fleetExchangeText, fleetFlowText } from '../ids.ts';
import { restored, restoredOrNull } from './text.ts';
import type { EventRow, ExchangeRow, FlowRow, RowOf } from '../store.ts';
import type { Kind } from '../../query/ast.ts';

/** Name of a row's proxy. Few rows are read at once, and the look-up is by key. */
const BY = ', (SELECT p.name FROM proxy p WHERE p.id = x.proxy) AS by';

/** What is read of a row of each kind; `x` is the row. */
export const COLUMNS: Record<Kind, string> = {
  exchanges:
    'x.seq, x.proxy, x.flow, x.n, x.time, x.us, x.client, x.account, x.method, x.scheme, x.host, x.port, x.path, x.status, ' +
    'x.protocol, x.up, x.down, x.action, x.rule, x.policy, x.fault, x.reason, x.sni, x.type, x.mask, x.tls, x.parent, x.masked' +
    BY,
  flows:
    'x.seq, x.proxy, x.flow, x.time, x.us, x.client, x.account, x.host, x.port, x.sni, x.alpn, x.ja4, x.action, x.rule, ' +
    'x.policy, x.reason, x.fault, x.up, x.down, x.exchanges, x.mask, x.tls, x.parent' +
    BY,
  events: `x.seq, x.proxy, x.time, x.name, x.detail${BY}`,
};

export interface ExchangeColumns {
  seq: number;
  proxy: number;
  by: string;
  flow: number;
  n: number;
  time: number;
  us: number;
  client: string;
  account: string | null;
  method: string;
  scheme: 'http' | 'https';
  host: string;
  port: number;
  path: string;
  status: number | null;
  protocol: string;
  up: number;
  down: number;
  action: string;
  rule: string;
  policy: string;
  fault: string | null;
  reason: string;
  sni: string | null;
  type: string | null;
  masked: string | null;
  mask: string | null;
  tls: string | null;
  parent: string | null;
}

export interface FlowColumns {
  seq: number;
  proxy: number;
  by: string;
  flow: number;
  time: number;
  us: number;
  client: string;
  account: string | null;
  host: string | null;
  port: number | null;
  sni: string | null;
  alpn: string | null;
  ja4: string | null;
  action: string | null;
  rule: string | null;
  policy: string | null;
  reason: string | null;
  fault: string | null;
  up: number;
  down: number;
  exchanges: number;
  mask: string | null;
  tls: string | null;
  parent: string | null;
}

interface EventColumns {
  seq: number;
  proxy: number;
  by: string;
  time: number;
  name: string;
  detail: string;
}

/** A row as lists show it. */
export function shownRow<K extends Kind>(kind: K, row: object): RowOf[K] {
  const shown =
    kind === 'exchanges'
      ? exchangeOf(row as ExchangeColumns)
      : kind === 'flows'
        ? flowOf(row as FlowColumns)
        : eventOf(row as EventColumns);
  return shown as RowOf[K];
}

export function exchangeOf(r: ExchangeColumns): ExchangeRow {
  return {
    exchange: fleetExchangeText(r.proxy, r.flow, r.n),
    flow: fleetFlowText(r.proxy, r.flow),
    time: r.time,
    client: restored(r.client),
    user: restoredOrNull(r.account),
    method: restored(r.method),
    scheme: r.scheme,
    host: restored(r.host),
    port: r.port,
    path: restored(r.path),
    status: r.status,
    protocol: restored(r.protocol),
    reqBytes: r.up,
    resBytes: r.down,
    ms: r.us / 1000,
    verdict: r.action,
    rule: restored(r.rule),
    policy: restored(r.policy),
    fault: restoredOrNull(r.fault),
    reason: restored(r.reason),
    sni: restoredOrNull(r.sni),
    contentType: restoredOrNull(r.type),
    masked: restoredOrNull(r.masked),
    mask: restoredOrNull(r.mask),
    tlsProfile: restoredOrNull(r.tls),
    parent: restoredOrNull(r.parent),
    proxy: restored(r.by),
  };
}

export function flowOf(r: FlowColumns): FlowRow {
  const alpn = restoredOrNull(r.alpn);
  return {
    flow: fleetFlowText(r.proxy, r.flow),
    time: r.time,
    client: restored(r.client),
    user: restoredOrNull(r.account),
    host: restoredOrNull(r.host),
    port: r.port,
    sni: restoredOrNull(r.sni),
    alpn: alpn === null ? null : alpn === '' ? [] : alpn.split(','),
    ja4: restoredOrNull(r.ja4),
    verdict: r.action,
    rule: restoredOrNull(r.rule),
    policy: restoredOrNull(r.policy),
    reason: restoredOrNull(r.reason),
    bytesUp: r.up,
    bytesDown: r.down,
    ms: r.us / 1000,
    fault: restoredOrNull(r.fault),
    exchanges: r.exchanges,
    mask: restoredOrNull(r.mask),
    tlsProfile: restoredOrNull(r.tls),
    parent: restoredOrNull(r.parent),
    proxy: restored(r.by),
  };
}

const eventOf = (r: EventColumns): EventRow => ({
  time: r.time,
  event: restored(r.name),
  detail: JSON.parse(restored(r.detail)) as Record<string, unknown>,
  proxy: restored(r.by),
});
