/**
 * Reads one day file. Read-only and in short statements: a page, a bounded walk, one row; no statement stays open between
 * calls, so the recorder's log can always be moved into the file.
 *
 * A search walks blocks of rows from the newest on, a few first and then more at a time, and only through blocks in which
 * the condition can hold (query/sql.ts). Row ids are found first and the rows put together afterwards, so that nothing
 * is joined that is not shown.
 */
import zlib from 'node:zlib';
import { conditionOf } from '../query/sql.ts';
import { exchangeIdText, flowIdText } from '../../core/records.ts';
import { joinHead } from './headers.ts';
import { BLOCK_BITS, FLAG, KIND, SEEN } from './layout.ts';
import type Database from 'better-sqlite3';
import type { CertFacts, FlowFacts, HelloFacts, TlsLeg } from '../../core/facts.ts';
import type { BodyFacts, FlowId, FlowOpenRecord, FlowRecord } from '../../core/records.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { Kind, Query } from '../query/ast.ts';
import type { Condition, Param } from '../query/sql.ts';
import type {
  Bucket,
  EventRow,
  ExchangeDetail,
  ExchangeRow,
  FacetField,
  FlowRow,
  StoredBody,
} from './store.ts';

export interface Range {
  since?: number | undefined;
  until?: number | undefined;
}

/** Tells when the time for a bounded answer is over. */
export type Expired = () => boolean;

const TABLE = { exchanges: 'exchange', flows: 'flow', events: 'event' } as const;
const KIND_OF = { exchanges: KIND.exchange, flows: KIND.flow } as const;
/** Blocks of the first statement of a search, and by how much the next ones grow. */
const FIRST_BLOCKS = 4;
const GROWTH = 4;
/** Blocks per statement of a full walk: 65,536 rows, some 30 ms, so that a budget can be kept. */
const WALK_BLOCKS = 64;

/** Rows of the blocks of a JSON list. Index nested loop: SQLite reads just these row id ranges. */
const IN_BLOCKS = {
  exchanges: `json_each(?) b CROSS JOIN exchange x ON x.id >= b.value << ${BLOCK_BITS} AND x.id < (b.value + 1) << ${BLOCK_BITS}`,
  flows: `json_each(?) b CROSS JOIN flow x ON x.id >= b.value << ${BLOCK_BITS} AND x.id < (b.value + 1) << ${BLOCK_BITS}`,
} as const;

const EXCHANGE_ROWS = `SELECT x.id, x.flow, x.n, x.time, x.us, x.up, x.down, o.client, o.user, w.method, w.scheme, h.name AS host,
  w.port, u.path, w.status, w.protocol, w.action, w.rule, w.policy, w.fault, w.reason, w.sni, w.type
  FROM exchange x JOIN who o ON o.id = x.who JOIN what w ON w.id = x.what JOIN host h ON h.id = w.host JOIN url u ON u.id = x.url`;
const FLOW_ROWS = `SELECT x.id, x.flow, x.time, x.us, x.up, x.down, x.exchanges, o.client, o.user, h.name AS host, l.port, l.sni,
  l.alpn, l.ja4, l.action, l.rule, l.policy, l.reason, l.fault
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
}

export interface FoundRow<T> {
  id: number;
  row: T;
}

export class DayReader {
  readonly day: string;
  private readonly db: Database.Database;

  constructor(db: Database.Database, day: string) {
    this.db = db;
    this.day = day;
  }

  close(): void {
    this.db.close();
  }

  // ------------------------------------------------------------------------------------------------- search

  /** Ids of matching rows below `before`, newest first, at most `limit`. */
  find(kind: Kind, query: Query, range: Range, before: number | null, limit: number): number[] {
    const condition = this.condition(kind, query, range);
    if (condition.blocks?.size === 0) return [];
    if (kind === 'events' || condition.always) {
      const sql = `SELECT x.id FROM ${TABLE[kind]} x WHERE x.id < ? AND (${condition.sql}) ORDER BY x.id DESC LIMIT ?`;
      return this.pluck(sql, [before ?? 2 ** 53, ...condition.params, limit]);
    }
    const blocks = this.blocksDown(kind, condition, before);
    const sql = `SELECT x.id FROM ${IN_BLOCKS[kind]} WHERE x.id < ? AND (${condition.sql}) ORDER BY x.id DESC LIMIT ?`;
    const statement = this.db.prepare(sql).pluck();
    const ids: number[] = [];
    let size = FIRST_BLOCKS;
    for (let at = 0; at < blocks.length && ids.length < limit; at += size, size *= GROWTH) {
      const part = JSON.stringify(blocks.slice(at, at + size));
      ids.push(
        ...(statement.all(part, before ?? 2 ** 53, ...condition.params, limit - ids.length) as number[]),
      );
    }
    return ids;
  }

  exchangeRows(ids: number[]): FoundRow<ExchangeRow>[] {
    const statement = this.db.prepare(`${EXCHANGE_ROWS} WHERE x.id = ?`);
    return ids.map(id => ({ id, row: toExchangeRow(statement.get(id) as ExchangeColumns) }));
  }

  flowRows(ids: number[]): FoundRow<FlowRow>[] {
    const statement = this.db.prepare(`${FLOW_ROWS} WHERE x.id = ?`);
    return ids.map(id => ({ id, row: toFlowRow(statement.get(id) as FlowColumns) }));
  }

  eventRows(ids: number[]): FoundRow<EventRow>[] {
    const statement = this.db.prepare('SELECT time, name, detail FROM event WHERE id = ?');
    return ids.map(id => {
      const r = statement.get(id) as { time: number; name: string; detail: string };
      return {
        id,
        row: { time: r.time, event: r.name, detail: JSON.parse(r.detail) as Record<string, unknown> },
      };
    });
  }

  // ------------------------------------------------------------------------------------------- whole answers

  /** Number of matching rows; stops early when expired. */
  count(kind: Kind, query: Query, range: Range, expired: Expired): { count: number; exact: boolean } {
    const condition = this.condition(kind, query, range);
    if (condition.blocks?.size === 0) return { count: 0, exact: true };
    if (kind === 'events')
      return {
        count: this.pluck(`SELECT count(*) FROM event x WHERE ${condition.sql}`, condition.params)[0] ?? 0,
        exact: true,
      };
    if (query.root.kind === 'all') return { count: this.countAll(kind, range), exact: true };
    const statement = this.db
      .prepare(`SELECT count(*) FROM ${IN_BLOCKS[kind]} WHERE ${condition.sql}`)
      .pluck();
    let count = 0;
    for (const part of this.walk(kind, condition)) {
      if (expired()) return { count, exact: false };
      count += statement.get(part, ...condition.params) as number;
    }
    return { count, exact: true };
  }

  /** Without a condition the spans know: only blocks at the ends of the range are looked into. */
  private countAll(kind: 'exchanges' | 'flows', range: Range): number {
    const since = range.since ?? -(2 ** 53);
    const until = range.until ?? 2 ** 53;
    const whole = this.pluck('SELECT coalesce(sum(n), 0) FROM span WHERE kind = ? AND lo >= ? AND hi < ?', [
      KIND_OF[kind],
      since,
      until,
    ]);
    const edges = this.pluck(
      'SELECT block FROM span WHERE kind = ? AND hi >= ? AND lo < ? AND NOT (lo >= ? AND hi < ?)',
      [KIND_OF[kind], since, until, since, until],
    );
    const inEdges = this.pluck(`SELECT count(*) FROM ${IN_BLOCKS[kind]} WHERE x.time >= ? AND x.time < ?`, [
      JSON.stringify(edges),
      since,
      until,
    ]);
    return (whole[0] ?? 0) + (inEdges[0] ?? 0);
  }

  /** Add matching rows to the buckets; false when it stopped early. */
  histogram(
    kind: 'exchanges' | 'flows',
    query: Query,
    since: number,
    until: number,
    buckets: Bucket[],
    expired: Expired,
  ): boolean {
    const width = (until - since) / buckets.length;
    const add = (r: { b: number; action: string; n: number; faults: number }): void => {
      const bucket = buckets[Math.min(buckets.length - 1, Math.max(0, r.b))];
      if (bucket === undefined) return;
      bucket[r.action === '' ? 'none' : (r.action as 'inspect')] += r.n;
      bucket.faults += r.faults;
    };
    // Minutes are summed up already; they fit when bars begin and end with minutes.
    if (query.root.kind === 'all' && width % 60_000 === 0 && since % 60_000 === 0) {
      const rows = this.db
        .prepare(
          `SELECT CAST((minute * 60000 - ?) / ? AS INTEGER) AS b, action, sum(n) AS n, sum(faults) AS faults FROM minute
           WHERE kind = ? AND minute >= ? AND minute < ? GROUP BY 1, 2`,
        )
        .all(since, width, KIND_OF[kind], since / 60_000, until / 60_000);
      for (const row of rows) add(row as Parameters<typeof add>[0]);
      return true;
    }
    const condition = this.condition(kind, query, { since, until });
    if (condition.blocks?.size === 0) return true;
    const shared = kind === 'exchanges' ? 'JOIN what s ON s.id = x.what' : 'JOIN lane s ON s.id = x.lane';
    const statement = this.db.prepare(
      `SELECT CAST((x.time - ?) / ? AS INTEGER) AS b, coalesce(s.action, '') AS action, count(*) AS n,
       sum(s.fault IS NOT NULL) AS faults FROM ${IN_BLOCKS[kind]} ${shared} WHERE ${condition.sql} GROUP BY 1, 2`,
    );
    for (const part of this.walk(kind, condition)) {
      if (expired()) return false;
      for (const row of statement.all(since, width, part, ...condition.params))
        add(row as Parameters<typeof add>[0]);
    }
    return true;
  }

  /** Add counts of a field's values; false when it stopped early. */
  facets(
    kind: 'exchanges' | 'flows',
    field: FacetField,
    query: Query,
    range: Range,
    totals: Map<string | number | null, { count: number; bytes: number }>,
    expired: Expired,
  ): boolean {
    const condition = this.condition(kind, query, range);
    if (condition.blocks?.size === 0) return true;
    const source = FACET_SOURCE[kind][field];
    if (source === undefined) return true;
    const groups = new Map<number, { count: number; bytes: number }>();
    const statement = this.db.prepare(
      `SELECT x.${source.key} AS id, count(*) AS n, sum(x.up + x.down) AS bytes FROM ${IN_BLOCKS[kind]} WHERE ${condition.sql} GROUP BY 1`,
    );
    let complete = true;
    for (const part of this.walk(kind, condition)) {
      if (expired()) {
        complete = false;
        break;
      }
      for (const row of statement.all(part, ...condition.params) as {
        id: number;
        n: number;
        bytes: number;
      }[]) {
        const known = groups.get(row.id) ?? { count: 0, bytes: 0 };
        groups.set(row.id, { count: known.count + row.n, bytes: known.bytes + row.bytes });
      }
    }
    const valueOf = this.db.prepare(source.value).pluck();
    for (const [id, group] of groups) {
      const value = valueOf.get(id) as string | number | null;
      const known = totals.get(value) ?? { count: 0, bytes: 0 };
      totals.set(value, { count: known.count + group.count, bytes: known.bytes + group.bytes });
    }
    return complete;
  }

  stats(): { exchanges: number; flows: number; events: number; from: number | null; to: number | null } {
    const row = this.db
      .prepare(
        `SELECT (SELECT count(*) FROM event) AS events, min(lo) AS "from", max(hi) AS "to",
         coalesce(sum(n) FILTER (WHERE kind = ${KIND.exchange}), 0) AS exchanges,
         coalesce(sum(n) FILTER (WHERE kind = ${KIND.flow}), 0) AS flows FROM span`,
      )
      .get();
    return row as ReturnType<DayReader['stats']>;
  }

  // ------------------------------------------------------------------------------------------------- details

  /** Ids of a flow's exchanges in this file, oldest first, at most `limit`. `n` asks for one of them. */
  exchangesOf(flow: FlowId, limit: number, n: number | null = null): number[] {
    const blocks = this.pluck('SELECT block FROM seen WHERE dim = ? AND value = ? ORDER BY block', [
      SEEN.flow,
      flow,
    ]);
    if (blocks.length === 0) return [];
    const which = n === null ? '' : 'AND x.n = ?';
    return this.pluck(
      `SELECT x.id FROM ${IN_BLOCKS.exchanges} WHERE x.flow = ? ${which} ORDER BY x.id LIMIT ?`,
      [JSON.stringify(blocks), flow, ...(n === null ? [] : [n]), limit],
    );
  }

  exchangeDetail(id: number): ExchangeDetail {
    const r = this.full(id);
    const [found] = this.exchangeRows([id]);
    if (found === undefined) throw new Error(`exchange row ${id} vanished`);
    return {
      ...found.row,
      n: r.n,
      wait: r.wait === null ? null : r.wait / 1000,
      capture: r.capture,
      faultDetail: r.fault_detail,
      upgraded: (r.flags & FLAG.upgraded) !== 0,
      reqHeaders: joinHead({ stable: r.qs, varied: r.qv ?? '', volatile: r.qo ?? '' }),
      resHeaders: joinHead({ stable: r.ss, varied: r.sv ?? '', volatile: r.so ?? '' }),
      req: bodyFacts(r.up, r.req_kept, r.req_sha, (r.flags & FLAG.reqTruncated) !== 0),
      res: bodyFacts(r.down, r.res_kept, r.res_sha, (r.flags & FLAG.resTruncated) !== 0),
    };
  }

  body(id: number, side: 'req' | 'res'): StoredBody | null {
    const detail = this.exchangeDetail(id);
    const r = this.full(id);
    const bodyId = side === 'req' ? r.req_body : r.res_body;
    if (bodyId === null) return null;
    const stored = this.db.prepare('SELECT enc, data FROM body WHERE id = ?').get(bodyId) as
      { enc: number; data: Buffer } | undefined;
    if (stored === undefined) return null;
    const head = side === 'req' ? detail.reqHeaders : detail.resHeaders;
    return {
      data: stored.enc === 0 ? stored.data : zlib.inflateRawSync(stored.data),
      facts: side === 'req' ? detail.req : detail.res,
      contentType: fieldOf(head, 'content-type'),
      contentEncoding: fieldOf(head, 'content-encoding'),
    };
  }

  flowDetail(flow: FlowId): { row: FlowRow; record: FlowRecord } | null {
    const r = this.db
      .prepare(
        `SELECT x.id, x.time, x.us, x.up, x.down, x.exchanges, x.detail, o.client, h.text AS hello, c.text AS cert, v.text AS verdict
         FROM flow x JOIN who o ON o.id = x.who LEFT JOIN doc h ON h.id = x.hello LEFT JOIN doc c ON c.id = x.cert
         LEFT JOIN doc v ON v.id = x.verdict WHERE x.flow = ? ORDER BY x.id LIMIT 1`,
      )
      .get(flow) as FlowDetailColumns | undefined;
    if (r === undefined) return null;
    const [found] = this.flowRows([r.id]);
    if (found === undefined) return null;
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
    return { row: found.row, record };
  }

  openFlow(flow: FlowId): FlowOpenRecord | null {
    const start = this.db.prepare('SELECT start FROM open_flow WHERE flow = ?').pluck().get(flow);
    return start === undefined ? null : (JSON.parse(start as string) as FlowOpenRecord);
  }

  // ------------------------------------------------------------------------------------------------- helpers

  private condition(kind: Kind, query: Query, range: Range): Condition {
    return conditionOf(
      kind,
      query.root,
      range,
      (sql, params) => this.db.prepare(sql).all(...params) as never,
    );
  }

  private pluck(sql: string, params: Param[]): number[] {
    return this.db
      .prepare(sql)
      .pluck()
      .all(...params) as number[];
  }

  /** Blocks that can match, newest first. */
  private blocksDown(kind: 'exchanges' | 'flows', condition: Condition, before: number | null): number[] {
    const newest =
      (before ?? this.pluck(`SELECT coalesce(max(id), 0) + 1 FROM ${TABLE[kind]}`, [])[0] ?? 1) - 1;
    const top = newest >> BLOCK_BITS;
    if (condition.blocks === null) return Array.from({ length: top + 1 }, (_, i) => top - i);
    return [...condition.blocks].filter(b => b <= top).sort((a, b) => b - a);
  }

  /** All blocks that can match, as JSON lists of a statement each. */
  private *walk(kind: 'exchanges' | 'flows', condition: Condition): Generator<string> {
    const blocks = this.blocksDown(kind, condition, null);
    for (let at = 0; at < blocks.length; at += WALK_BLOCKS)
      yield JSON.stringify(blocks.slice(at, at + WALK_BLOCKS));
  }

  private full(id: number): FullColumns {
    return this.db
      .prepare(
        `SELECT x.n, x.wait, x.up, x.down, x.flags, x.req_body, x.res_body, x.req_sha, x.res_sha, x.fault_detail, w.capture,
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

/** Column of the row that leads to the value, and how to read it. */
const WHAT = (column: string) => ({ key: 'what', value: `SELECT ${column} FROM what WHERE id = ?` });
const LANE = (column: string) => ({ key: 'lane', value: `SELECT ${column} FROM lane WHERE id = ?` });
const WHO = (column: string) => ({ key: 'who', value: `SELECT ${column} FROM who WHERE id = ?` });
const HOST_OF = (table: string) =>
  `SELECT h.name FROM ${table} s LEFT JOIN host h ON h.id = s.host WHERE s.id = ?`;

const FACET_SOURCE: Record<
  'exchanges' | 'flows',
  Partial<Record<FacetField, { key: string; value: string }>>
> = {
  exchanges: {
    host: { key: 'what', value: HOST_OF('what') },
    sni: WHAT('sni'),
    client: WHO('client'),
    user: WHO('user'),
    method: WHAT('method'),
    status: WHAT('status'),
    type: WHAT('type'),
    verdict: WHAT('action'),
    rule: WHAT('rule'),
    policy: WHAT('policy'),
    fault: WHAT('fault'),
    scheme: WHAT('scheme'),
    port: WHAT('port'),
    protocol: WHAT('protocol'),
  },
  flows: {
    host: { key: 'lane', value: HOST_OF('lane') },
    sni: LANE('sni'),
    client: WHO('client'),
    user: WHO('user'),
    verdict: LANE('action'),
    rule: LANE('rule'),
    policy: LANE('policy'),
    fault: LANE('fault'),
    scheme: LANE('scheme'),
    port: LANE('port'),
  },
};

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
  };
}

function bodyFacts(size: number, kept: number | null, sha: Buffer | null, truncated: boolean): BodyFacts {
  return { size, kept: kept ?? 0, sha256: sha?.toString('hex') ?? null, truncated };
}

/** First value of a head field, or null. */
function fieldOf(head: string, name: string): string | null {
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return null;
}
