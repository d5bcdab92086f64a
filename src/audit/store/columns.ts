/** Rows of exchange and flow as lists show them: the statements that put them together, and the shapes that come out. */
import { exchangeIdText, flowIdText } from '../../core/records.ts';
import type Database from 'better-sqlite3';
import type { EventRow, ExchangeRow, FlowRow } from './store.ts';

const EXCHANGE_ROWS = `SELECT x.id, x.flow, x.n, x.time, x.us, x.up, x.down, o.client, o.user, w.method, w.scheme, h.name AS host,
  w.port, u.path, w.status, w.protocol, w.action, w.rule, w.policy, w.fault, w.reason, w.sni, w.type,
  w.mask, w.tls, w.parent, w.masked
  FROM exchange x JOIN who o ON o.id = x.who JOIN what w ON w.id = x.what JOIN host h ON h.id = w.host JOIN url u ON u.id = x.url`;
const FLOW_ROWS = `SELECT x.id, x.flow, x.time, x.us, x.up, x.down, x.exchanges, o.client, o.user, h.name AS host, l.port, l.sni,
  l.alpn, l.ja4, l.action, l.rule, l.policy, l.reason, l.fault, l.mask, l.tls, l.parent
  FROM flow x JOIN who o ON o.id = x.who JOIN lane l ON l.id = x.lane LEFT JOIN host h ON h.id = l.host`;

interface ExchangeColumns {
  id: number;
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

interface FlowColumns {
  id: number;
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

/** The row of an id that was just found. */
export const exchangeRowOf = (db: Database.Database, id: number): ExchangeRow =>
  toExchangeRow(db.prepare(`${EXCHANGE_ROWS} WHERE x.id = ?`).get(id) as ExchangeColumns);

export const flowRowOf = (db: Database.Database, id: number): FlowRow =>
  toFlowRow(db.prepare(`${FLOW_ROWS} WHERE x.id = ?`).get(id) as FlowColumns);

/** A page's rows: one statement, run once per id. */
export function exchangeRowsOf(db: Database.Database, ids: number[]): ExchangeRow[] {
  const statement = db.prepare(`${EXCHANGE_ROWS} WHERE x.id = ?`);
  return ids.map(id => toExchangeRow(statement.get(id) as ExchangeColumns));
}

export function flowRowsOf(db: Database.Database, ids: number[]): FlowRow[] {
  const statement = db.prepare(`${FLOW_ROWS} WHERE x.id = ?`);
  return ids.map(id => toFlowRow(statement.get(id) as FlowColumns));
}

export function eventRowsOf(db: Database.Database, ids: number[]): EventRow[] {
  const statement = db.prepare('SELECT time, name, detail FROM event WHERE id = ?');
  return ids.map(id => {
    const r = statement.get(id) as { time: number; name: string; detail: string };
    return { time: r.time, event: r.name, detail: JSON.parse(r.detail) as Record<string, unknown> };
  });
}

function toExchangeRow(r: ExchangeColumns): ExchangeRow {
  return {
    exchange: exchangeIdText(r.flow, r.n),
    flow: flowIdText(r.flow),
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

function toFlowRow(r: FlowColumns): FlowRow {
  return {
    flow: flowIdText(r.flow),
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
