/** Rows of a day file as lists show them: the statements that put them together from the tables they share. */
import { exchangeIdText, flowIdText } from '../../core/records.ts';
import { shownExchange, shownFlow } from './shown.ts';
import type Database from 'better-sqlite3';
import type { ExchangeColumns, FlowColumns } from './shown.ts';
import type { EventRow, ExchangeRow, FlowRow } from './store.ts';

const EXCHANGE_ROWS = `SELECT x.id, x.flow, x.n, x.time, x.us, x.up, x.down, o.client, o.user, w.method, w.scheme, h.name AS host,
  w.port, u.path, w.status, w.protocol, w.action, w.rule, w.policy, w.fault, w.reason, w.sni, w.type,
  w.mask, w.tls, w.parent, w.masked
  FROM exchange x JOIN who o ON o.id = x.who JOIN what w ON w.id = x.what JOIN host h ON h.id = w.host JOIN url u ON u.id = x.url`;
const FLOW_ROWS = `SELECT x.id, x.flow, x.time, x.us, x.up, x.down, x.exchanges, o.client, o.user, h.name AS host, l.port, l.sni,
  l.alpn, l.ja4, l.action, l.rule, l.policy, l.reason, l.fault, l.mask, l.tls, l.parent
  FROM flow x JOIN who o ON o.id = x.who JOIN lane l ON l.id = x.lane LEFT JOIN host h ON h.id = l.host`;

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

const toExchangeRow = (r: ExchangeColumns): ExchangeRow =>
  shownExchange({ exchange: exchangeIdText(r.flow, r.n), flow: flowIdText(r.flow) }, r);

const toFlowRow = (r: FlowColumns): FlowRow => shownFlow(flowIdText(r.flow), r);
