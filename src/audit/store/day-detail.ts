/**
 * Everything that one day file knows of one exchange or one flow, put together again as it was recorded. Read-only, one short
 * statement at a time.
 */
import { exchangeRowOf, flowRowOf } from './columns.ts';
import { joinDetail } from './flow-detail.ts';
import { keptHead } from './headers.ts';
import { IN_BLOCKS, markedBlocks, MARKS_WHERE, SEEN } from './layout.ts';
import { exchangeDetail, storedBody } from './stored-detail.ts';
import type Database from 'better-sqlite3';
import type { CertFacts, HelloFacts } from '../../core/facts.ts';
import type { FlowId, FlowOpenRecord, FlowRecord } from '../../core/records.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { ExchangeDetail, FlowRow, StoredBody } from './store.ts';
import type { DetailColumns } from './stored-detail.ts';

export class DayDetail {
  private readonly db: Database.Database;
  private readonly name: { proxy?: string };

  /** `name` goes into every row. */
  constructor(db: Database.Database, name: { proxy?: string } = {}) {
    this.db = db;
    this.name = name;
  }

  /** Ids of a flow's exchanges in this file, oldest first, at most `limit`. `n` asks for one of them. */
  exchangesOf(flow: FlowId, limit: number, n: number | null = null): number[] {
    const marks = this.db.prepare(`${MARKS_WHERE} dim = ? AND value = ?`).pluck().all(SEEN.flow, flow);
    const blocks = [...markedBlocks(marks as number[])];
    if (blocks.length === 0) return [];
    const which = n === null ? '' : 'AND x.n = ?';
    return this.db
      .prepare(`SELECT x.id FROM ${IN_BLOCKS.exchanges} WHERE x.flow = ? ${which} ORDER BY x.id LIMIT ?`)
      .pluck()
      .all(JSON.stringify(blocks), flow, ...(n === null ? [] : [n]), limit) as number[];
  }

  exchange(id: number): ExchangeDetail {
    return this.detailOf(id, this.full(id));
  }

  body(id: number, side: 'req' | 'res'): StoredBody | null {
    const r = this.full(id);
    const bodyId = side === 'req' ? r.req_body : r.res_body;
    if (bodyId === null) return null;
    const stored = this.db.prepare('SELECT enc, data FROM body WHERE id = ?').get(bodyId) as
      { enc: number; data: Buffer } | undefined;
    return stored === undefined ? null : storedBody(this.detailOf(id, r), side, stored);
  }

  flow(flow: FlowId): { row: FlowRow; record: FlowRecord } | null {
    const r = this.db
      .prepare(
        `SELECT x.id, x.time, x.us, x.up, x.down, x.exchanges, x.detail, f.text AS frame, o.client, h.text AS hello, c.text AS cert, v.text AS verdict
         FROM flow x JOIN who o ON o.id = x.who LEFT JOIN doc h ON h.id = x.hello LEFT JOIN doc c ON c.id = x.cert
         LEFT JOIN doc v ON v.id = x.verdict LEFT JOIN doc f ON f.id = x.frame WHERE x.flow = ? ORDER BY x.id LIMIT 1`,
      )
      .get(flow) as FlowDetailColumns | undefined;
    if (r === undefined) return null;
    const detail = joinDetail(r.frame === null ? null : JSON.parse(r.frame), r.detail);
    const hello = r.hello === null ? null : (JSON.parse(r.hello) as HelloFacts);
    const record: FlowRecord = {
      kind: 'flow',
      flow,
      time: r.time,
      client: r.client,
      clientPort: detail.clientPort,
      facts: detail.facts === null ? null : { ...detail.facts, hello },
      verdict: r.verdict === null ? null : (JSON.parse(r.verdict) as Verdict),
      ms: r.us / 1000,
      bytesUp: r.up,
      bytesDown: r.down,
      exchanges: r.exchanges,
      fault: detail.fault,
      faultDetail: detail.faultDetail,
      originAddress: detail.originAddress,
      clientTls: detail.clientTls,
      originTls: detail.originTls,
      originCert: r.cert === null ? null : (JSON.parse(r.cert) as CertFacts),
      leafSerial: detail.leafSerial,
    };
    return { row: { ...flowRowOf(this.db, r.id), ...this.name }, record };
  }

  openFlow(flow: FlowId): FlowOpenRecord | null {
    const start = this.db.prepare('SELECT start FROM open_flow WHERE flow = ?').pluck().get(flow);
    return start === undefined ? null : (JSON.parse(start as string) as FlowOpenRecord);
  }

  private detailOf(id: number, r: FullColumns): ExchangeDetail {
    return exchangeDetail({ ...exchangeRowOf(this.db, id), ...this.name }, r, {
      req: keptHead({ stable: r.qs, varied: r.qv, volatile: r.qo, own: r.req_volatile }),
      res: keptHead({ stable: r.ss, varied: r.sv, volatile: r.so, own: r.res_volatile }),
    });
  }

  private full(id: number): FullColumns {
    return this.db
      .prepare(
        `SELECT x.n, x.wait, x.up, x.down, x.flags, x.req_body, x.res_body, x.req_sha, x.res_sha, x.fault_detail,
         x.req_volatile, x.res_volatile, w.capture, w.block AS refusal,
         qb.text AS qs, qr.varied AS qv, qr.volatile AS qo, sb.text AS ss, sr.varied AS sv, sr.volatile AS so,
         bq.size AS req_kept, bs.size AS res_kept
         FROM exchange x JOIN what w ON w.id = x.what JOIN block qb ON qb.id = x.req_block JOIN block sb ON sb.id = x.res_block
         LEFT JOIN rest qr ON qr.id = x.req_rest LEFT JOIN rest sr ON sr.id = x.res_rest
         LEFT JOIN body bq ON bq.id = x.req_body LEFT JOIN body bs ON bs.id = x.res_body WHERE x.id = ?`,
      )
      .get(id) as FullColumns;
  }
}

interface FullColumns extends DetailColumns {
  req_body: number | null;
  res_body: number | null;
  req_volatile: string | null;
  res_volatile: string | null;
  qs: string;
  qv: string | null;
  qo: string | null;
  ss: string;
  sv: string | null;
  so: string | null;
}

interface FlowDetailColumns {
  id: number;
  time: number;
  us: number;
  up: number;
  down: number;
  exchanges: number;
  detail: string;
  frame: string | null;
  client: string;
  hello: string | null;
  cert: string | null;
  verdict: string | null;
}
