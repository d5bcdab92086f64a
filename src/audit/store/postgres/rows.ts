/** Rows of PostgreSQL as lists show them: the columns that are read, and the ids and names that the fleet gives them. */
import { fleetExchangeText, fleetFlowText } from '../ids.ts';
import { shownExchange, shownFlow } from '../shown.ts';
import { restoredRow } from './text.ts';
import type * as Shown from '../shown.ts';
import type { EventRow, ExchangeRow, FlowRow, RowOf } from '../store.ts';
import type { Kind } from '../../query/ast.ts';

/** Name of a row's proxy. Few rows are read at once, and the look-up is by key. */
const BY = ', (SELECT p.name FROM proxy p WHERE p.id = x.proxy) AS by';

/** What is read of a row of each kind; `x` is the row. */
export const COLUMNS: Record<Kind, string> = {
  exchanges:
    'x.seq, x.proxy, x.flow, x.n, x.time, x.us, x.client, x.account AS "user", x.method, x.scheme, x.host, x.port, x.path, x.status, ' +
    'x.protocol, x.up, x.down, x.action, x.rule, x.policy, x.fault, x.reason, x.sni, x.type, x.mask, x.tls, x.parent, x.masked' +
    BY,
  flows:
    'x.seq, x.proxy, x.flow, x.time, x.us, x.client, x.account AS "user", x.host, x.port, x.sni, x.alpn, x.ja4, x.action, x.rule, ' +
    'x.policy, x.reason, x.fault, x.up, x.down, x.exchanges, x.mask, x.tls, x.parent' +
    BY,
  events: `x.seq, x.proxy, x.time, x.name, x.detail${BY}`,
};

/** Whose row it is. */
interface Whose {
  seq: number;
  proxy: number;
  by: string;
}
export type ExchangeColumns = Shown.ExchangeColumns & Whose;
export type FlowColumns = Shown.FlowColumns & Whose;

interface EventColumns extends Whose {
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

export function exchangeOf(stored: ExchangeColumns): ExchangeRow {
  const r = restoredRow(stored);
  const ids = { exchange: fleetExchangeText(r.proxy, r.flow, r.n), flow: fleetFlowText(r.proxy, r.flow) };
  return { ...shownExchange(ids, r), proxy: r.by };
}

export function flowOf(stored: FlowColumns): FlowRow {
  const r = restoredRow(stored);
  return { ...shownFlow(fleetFlowText(r.proxy, r.flow), r), proxy: r.by };
}

function eventOf(stored: EventColumns): EventRow {
  const r = restoredRow(stored);
  return {
    time: r.time,
    event: r.name,
    detail: JSON.parse(r.detail) as Record<string, unknown>,
    proxy: r.by,
  };
}
