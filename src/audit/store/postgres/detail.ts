/**
 * Everything that PostgreSQL knows of one exchange or one flow, put together again as it was recorded. Looks over all days: an id
 * does not say when, and each partition has an index on ids.
 */
import { joinHead } from '../headers.ts';
import { exchangeDetail, storedBody } from '../stored-detail.ts';
import { EMPTY_LINE } from './lines.ts';
import { COLUMNS, exchangeOf, flowOf } from './rows.ts';
import { SQL } from './statements.ts';
import { restoredRow } from './text.ts';
import type { PostgresParam } from '../../query/postgres.ts';
import type { CertFacts, HelloFacts } from '../../../core/facts.ts';
import type { FlowOpenRecord, FlowRecord } from '../../../core/records.ts';
import type { ExchangeDetail, FlowDetail, StoredBody } from '../store.ts';
import type { DetailColumns } from '../stored-detail.ts';
import type { ExchangeColumns, FlowColumns } from './rows.ts';

export type Ask = <R extends object>(sql: string, params: PostgresParam[]) => Promise<R[]>;

export interface FullExchange extends ExchangeColumns, DetailColumns {
  day: string;
  req_kept: number;
  res_kept: number;
  req_body: Buffer | null;
  res_body: Buffer | null;
  req_text: string | null;
  res_text: string | null;
  req_rest: string | null;
  res_rest: string | null;
}

export interface FullFlow extends FlowColumns {
  detail: string;
  hello_text: string | null;
  cert_text: string | null;
}

/** What is read of a row `x` to put all of it together. */
export const FULL_EXCHANGE = `${COLUMNS.exchanges}, x.day, x.wait, x.capture, x.refusal, x.fault_detail, x.flags, x.req_kept, x.res_kept, x.req_sha,
  x.res_sha, x.req_body, x.res_body, x.req_rest, x.res_rest,
  (SELECT text FROM block b WHERE b.day = x.day AND b.hash = x.req_block) AS req_text,
  (SELECT text FROM block b WHERE b.day = x.day AND b.hash = x.res_block) AS res_text`;
export const FULL_FLOW = `${COLUMNS.flows}, x.detail,
  (SELECT text FROM block b WHERE b.day = x.day AND b.hash = x.hello) AS hello_text,
  (SELECT text FROM block b WHERE b.day = x.day AND b.hash = x.cert) AS cert_text`;
const EXCHANGE = `SELECT ${FULL_EXCHANGE} FROM exchange x WHERE x.proxy = $1 AND x.flow = $2 AND x.n = $3 ORDER BY x.seq LIMIT 1`;
const FLOW = `SELECT ${FULL_FLOW} FROM flow x WHERE x.proxy = $1 AND x.flow = $2 ORDER BY x.seq LIMIT 1`;

export class FleetDetail {
  private readonly ask: Ask;

  constructor(ask: Ask) {
    this.ask = ask;
  }

  async exchange(proxy: number, flow: number, n: number): Promise<ExchangeDetail | null> {
    const r = await this.full(proxy, flow, n);
    return r === null ? null : detailOf(r);
  }

  async body(proxy: number, flow: number, n: number, side: 'req' | 'res'): Promise<StoredBody | null> {
    const r = await this.full(proxy, flow, n);
    return r === null ? null : this.bodyOf(r, side);
  }

  /** The captured body of one side of a row. */
  async bodyOf(r: FullExchange, side: 'req' | 'res'): Promise<StoredBody | null> {
    const sha = side === 'req' ? r.req_body : r.res_body;
    if (sha === null) return null;
    const [stored] = await this.ask<{ enc: number; data: Buffer }>(SQL.bodyData, [r.day, sha]);
    return stored === undefined ? null : storedBody(detailOf(r), side, stored);
  }

  async flow(proxy: number, flow: number, limit: number): Promise<FlowDetail | null> {
    const [closed] = await this.ask<FullFlow>(FLOW, [proxy, flow]);
    const [open] =
      closed === undefined
        ? await this.ask<{ start: string }>('SELECT start FROM open_flow WHERE proxy = $1 AND flow = $2', [
            proxy,
            flow,
          ])
        : [];
    if (closed === undefined && open === undefined) return null;
    const rows = await this.ask<ExchangeColumns>(
      `SELECT ${COLUMNS.exchanges} FROM exchange x WHERE x.proxy = $1 AND x.flow = $2 ORDER BY x.seq LIMIT $3`,
      [proxy, flow, limit + 1],
    );
    return {
      row: closed === undefined ? null : flowOf(closed),
      open: closed === undefined,
      record: closed === undefined ? (JSON.parse(open?.start ?? 'null') as FlowOpenRecord) : recordOf(closed),
      exchanges: rows.slice(0, limit).map(exchangeOf),
      moreExchanges: rows.length > limit,
    };
  }

  private async full(proxy: number, flow: number, n: number): Promise<FullExchange | null> {
    const [row] = await this.ask<FullExchange>(EXCHANGE, [proxy, flow, n]);
    return row ?? null;
  }
}

export function detailOf(stored: FullExchange): ExchangeDetail {
  const r = restoredRow(stored);
  return exchangeDetail(exchangeOf(stored), r, {
    req: headOf(r.req_text, r.req_rest),
    res: headOf(r.res_text, r.res_rest),
  });
}

/** A head put together again; both texts restored. */
export function headOf(text: string | null, rest: string | null): string {
  const whole = rest ?? EMPTY_LINE;
  const at = whole.indexOf(EMPTY_LINE);
  return joinHead({
    stable: text ?? '',
    varied: whole.slice(0, at),
    volatile: whole.slice(at + EMPTY_LINE.length),
  });
}

export function recordOf(stored: FullFlow): FlowRecord {
  const r = restoredRow(stored);
  const record = JSON.parse(r.detail) as FlowRecord;
  const hello = r.hello_text === null ? null : (JSON.parse(r.hello_text) as HelloFacts);
  return {
    ...record,
    facts: record.facts === null ? null : { ...record.facts, hello },
    originCert: r.cert_text === null ? null : (JSON.parse(r.cert_text) as CertFacts),
  };
}
