/**
 * Everything that one day file knows of one exchange or one flow, put together again as it was recorded. Read-only, one short
 * statement at a time.
 */
import zlib from 'node:zlib';
import { exchangeRowOf, flowRowOf } from './columns.ts';
import { fieldOf } from './head-field.ts';
import { joinHead } from './headers.ts';
import { BODY_FORMS } from '../../core/masking.ts';
import { FLAG, FORM_SHIFT, IN_BLOCKS, SEEN } from './layout.ts';
import type Database from 'better-sqlite3';
import type { CertFacts, FlowFacts, HelloFacts, TlsLeg } from '../../core/facts.ts';
import type { BodyFacts, FlowId, FlowOpenRecord, FlowRecord } from '../../core/records.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { ExchangeDetail, FlowRow, StoredBody } from './store.ts';

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
    const blocks = this.db
      .prepare('SELECT block FROM seen WHERE dim = ? AND value = ? ORDER BY block')
      .pluck()
      .all(SEEN.flow, flow);
    if (blocks.length === 0) return [];
    const which = n === null ? '' : 'AND x.n = ?';
    return this.db
      .prepare(`SELECT x.id FROM ${IN_BLOCKS.exchanges} WHERE x.flow = ? ${which} ORDER BY x.id LIMIT ?`)
      .pluck()
      .all(JSON.stringify(blocks), flow, ...(n === null ? [] : [n]), limit) as number[];
  }

  exchange(id: number): ExchangeDetail {
    const r = this.full(id);
    return {
      ...exchangeRowOf(this.db, id),
      ...this.name,
      n: r.n,
      wait: r.wait === null ? null : r.wait / 1000,
      capture: r.capture,
      block: r.blocked,
      faultDetail: r.fault_detail,
      upgraded: (r.flags & FLAG.upgraded) !== 0,
      reqHeaders: joinHead({ stable: r.qs, varied: r.qv ?? '', volatile: r.qo ?? '' }),
      resHeaders: joinHead({ stable: r.ss, varied: r.sv ?? '', volatile: r.so ?? '' }),
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

  body(id: number, side: 'req' | 'res'): StoredBody | null {
    const detail = this.exchange(id);
    const r = this.full(id);
    const bodyId = side === 'req' ? r.req_body : r.res_body;
    if (bodyId === null) return null;
    const stored = this.db.prepare('SELECT enc, data FROM body WHERE id = ?').get(bodyId) as
      { enc: number; data: Buffer } | undefined;
    if (stored === undefined) return null;
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

  flow(flow: FlowId): { row: FlowRow; record: FlowRecord } | null {
    const r = this.db
      .prepare(
        `SELECT x.id, x.time, x.us, x.up, x.down, x.exchanges, x.detail, o.client, h.text AS hello, c.text AS cert, v.text AS verdict
         FROM flow x JOIN who o ON o.id = x.who LEFT JOIN doc h ON h.id = x.hello LEFT JOIN doc c ON c.id = x.cert
         LEFT JOIN doc v ON v.id = x.verdict WHERE x.flow = ? ORDER BY x.id LIMIT 1`,
      )
      .get(flow) as FlowDetailColumns | undefined;
    if (r === undefined) return null;
    const detail = JSON.parse(r.detail) as StoredDetail;
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

  private full(id: number): FullColumns {
    return this.db
      .prepare(
        `SELECT x.n, x.wait, x.up, x.down, x.flags, x.req_body, x.res_body, x.req_sha, x.res_sha, x.fault_detail, w.capture, w.block AS blocked,
         qb.text AS qs, qr.varied AS qv, qr.volatile AS qo, sb.text AS ss, sr.varied AS sv, sr.volatile AS so,
         bq.size AS req_kept, bs.size AS res_kept
         FROM exchange x JOIN what w ON w.id = x.what JOIN block qb ON qb.id = x.req_block JOIN block sb ON sb.id = x.res_block
         LEFT JOIN rest qr ON qr.id = x.req_rest LEFT JOIN rest sr ON sr.id = x.res_rest
         LEFT JOIN body bq ON bq.id = x.req_body LEFT JOIN body bs ON bs.id = x.res_body WHERE x.id = ?`,
      )
      .get(id) as FullColumns;
  }
}

interface FullColumns {
  n: number;
  wait: number | null;
  up: number;
  down: number;
  flags: number;
  req_body: number | null;
  res_body: number | null;
  req_sha: Buffer | null;
  res_sha: Buffer | null;
  fault_detail: string | null;
  capture: string;
  blocked: string;
  qs: string;
  qv: string | null;
  qo: string | null;
  ss: string;
  sv: string | null;
  so: string | null;
  req_kept: number | null;
  res_kept: number | null;
}

interface FlowDetailColumns {
  id: number;
  time: number;
  us: number;
  up: number;
  down: number;
  exchanges: number;
  detail: string;
  client: string;
  hello: string | null;
  cert: string | null;
  verdict: string | null;
}

interface StoredDetail {
  clientPort: number;
  facts: FlowFacts | null;
  fault: string | null;
  faultDetail: string | null;
  originAddress: string | null;
  clientTls: TlsLeg | null;
  originTls: TlsLeg | null;
  leafSerial: string | null;
}

/** What is known of one body; `formBits` as layout.ts shifts them. */
export function bodyFacts(
  size: number,
  kept: number | null,
  sha: Buffer | null,
  truncated: boolean,
  formBits: number,
): BodyFacts {
  const form = BODY_FORMS[formBits & 15] ?? 'raw';
  const facts = { size, kept: kept ?? 0, sha256: sha?.toString('hex') ?? null, truncated };
  return form === 'raw' ? facts : { ...facts, form };
}
