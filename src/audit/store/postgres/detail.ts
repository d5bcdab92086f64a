/**
 * Everything that PostgreSQL knows of one exchange or one flow, put together again as it was recorded. Looks over all days: an id
 * does not say when, and each partition has an index on ids.
 */
import zlib from 'node:zlib';
import { joinHead } from '../headers.ts';
import { bodyFacts } from '../day-detail.ts';
import { FLAG, FORM_SHIFT } from '../layout.ts';
import { fieldOf } from '../head-field.ts';
import { EMPTY_LINE } from './lines.ts';
import { COLUMNS, exchangeOf, flowOf } from './rows.ts';
import { restored, restoredOrNull } from './text.ts';
import type { PostgresParam } from '../../query/postgres.ts';
import type { CertFacts, HelloFacts } from '../../../core/facts.ts';
import type { FlowOpenRecord, FlowRecord } from '../../../core/records.ts';
import type { ExchangeDetail, FlowDetail, StoredBody } from '../store.ts';
import type { ExchangeColumns, FlowColumns } from './rows.ts';

export type Ask = <R extends object>(sql: string, params: PostgresParam[]) => Promise<R[]>;

export interface FullExchange extends ExchangeColumns {
  day: string;
  wait: number | null;
  capture: string;
  refusal: string;
  fault_detail: string | null;
  flags: number;
  req_kept: number;
  res_kept: number;
  req_sha: Buffer | null;
  res_sha: Buffer | null;
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
    const [stored] = await this.ask<{ enc: number; data: Buffer }>(
      'SELECT enc, data FROM body WHERE day = $1 AND sha = $2',
      [r.day, sha],
    );
    if (stored === undefined) return null;
    const detail = detailOf(r);
    const head = side === 'req' ? detail.reqHeaders : detail.resHeaders;
    const facts = side === 'req' ? detail.req : detail.res;
    return {
      data: stored.enc === 0 ? stored.data : zlib.inflateRawSync(stored.data),
      facts,
      contentType: fieldOf(head, 'content-type'),
      // What was decoded before it was masked is no longer what the head says.
      contentEncoding: facts.form === 'decoded' ? null : fieldOf(head, 'content-encoding'),
    };
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

export function detailOf(r: FullExchange): ExchangeDetail {
  return {
    ...exchangeOf(r),
    n: r.n,
    wait: r.wait === null ? null : r.wait / 1000,
    capture: restored(r.capture),
    block: restored(r.refusal),
    faultDetail: restoredOrNull(r.fault_detail),
    upgraded: (r.flags & FLAG.upgraded) !== 0,
    reqHeaders: headOf(r.req_text, r.req_rest),
    resHeaders: headOf(r.res_text, r.res_rest),
    req: bodyFacts(
      r.up,
      r.req_kept,
      r.req_sha,
      (r.flags & FLAG.reqTruncated) !== 0,
      r.flags >> FORM_SHIFT.req,
    ),
    res: bodyFacts(
      r.down,
      r.res_kept,
      r.res_sha,
      (r.flags & FLAG.resTruncated) !== 0,
      r.flags >> FORM_SHIFT.res,
    ),
  };
}

function headOf(text: string | null, rest: string | null): string {
  const whole = restored(rest ?? EMPTY_LINE);
  const at = whole.indexOf(EMPTY_LINE);
  return joinHead({
    stable: restored(text ?? ''),
    varied: whole.slice(0, at),
    volatile: whole.slice(at + EMPTY_LINE.length),
  });
}

export function recordOf(r: FullFlow): FlowRecord {
  const record = JSON.parse(restored(r.detail)) as FlowRecord;
  const hello = r.hello_text === null ? null : (JSON.parse(restored(r.hello_text)) as HelloFacts);
  return {
    ...record,
    facts: record.facts === null ? null : { ...record.facts, hello },
    originCert: r.cert_text === null ? null : (JSON.parse(restored(r.cert_text)) as CertFacts),
  };
}
