/**
 * The driver of AuditHistory for a fleet: the records of all proxies, one day's partition after the other, a batch at a time by
 * their places. Reads only; a role with SELECT is enough. No transaction is held open between batches.
 *
 * Bounds: one batch of rows and `MAX_KEPT` flows in memory; a statement ends after `WALK_MS`.
 */
import { leavesSince, UptakeTally } from '../../uptake.ts';
import { contentTypeIn, firstDay, sumHits, verdictOf, withOrigin } from '../history.ts';
import { fleetFlowText } from '../ids.ts';
import { FULL_FLOW, headOf, recordOf } from './detail.ts';
import { Questions } from './questions.ts';
import { restored, restoredRow } from './text.ts';
import type { MadeLeaf, ShownLeaf } from '../../uptake.ts';
import type { FlowOpenRecord, FlowRecord } from '../../../core/records.ts';
import type { PostgresParam } from '../../query/postgres.ts';
import type {
  AuditHistory,
  DecidedColumns,
  HistoryRange,
  PartHits,
  RequestRange,
  RuleHits,
  Uptake,
  UptakeRange,
  WalkedFlow,
  WalkedRequest,
} from '../history.ts';
import type { PostgresTarget } from './connect.ts';
import type { FullFlow } from './detail.ts';

const BATCH = 1_000;
const MAX_KEPT = 20_000;
const WALK_MS = 600_000;

type Facts = Pick<WalkedFlow, 'facts' | 'verdict'>;

interface RequestColumns extends DecidedColumns {
  seq: number;
  proxy: number;
  flow: number;
  time: number;
  client: string;
  user: string | null;
  method: string;
  scheme: 'http' | 'https';
  host: string;
  port: number;
  path: string;
  fault: string | null;
  head: string | null;
  rest: string | null;
}

const REQUEST = `x.seq, x.proxy, x.flow, x.time, x.client, x.account AS "user", x.method, x.scheme, x.host, x.port, x.path,
  x.action, x.rule, x.policy, x.reason, x.capture, x.refusal AS block, x.mask, x.parent, x.fault`;
/** The request's head, for who asks what it says of the body. */
const HEAD = `(SELECT b.text FROM block b WHERE b.day = x.day AND b.hash = x.req_block) AS head, x.req_rest AS rest`;

/** Rules that decided requests inside TLS on a day, but no flow of it. */
const APART = `SELECT DISTINCT x.rule FROM exchange x WHERE x.day = $1 AND x.scheme = 'https'
  AND NOT EXISTS (SELECT FROM flow f WHERE f.day = $1 AND f.rule = x.rule)`;

const HITS = `SELECT x.rule, x.action, x.policy, count(*) AS flows, max(x.time) AS last FROM flow x
  WHERE x.day = $1 AND x.time >= $2 AND x.time < $3 AND x.rule IS NOT NULL GROUP BY 1, 2, 3`;
/** Where nobody decided, the fault's code stands in place of a rule. */
const REQUEST_HITS = `SELECT x.rule, x.action, x.policy, count(DISTINCT (x.proxy, x.flow)) AS flows, max(x.time) AS last
  FROM exchange x WHERE x.day = $1 AND x.time >= $2 AND x.time < $3 AND x.scheme = 'https' AND x.rule IS DISTINCT FROM x.fault
  AND NOT EXISTS (SELECT FROM flow f WHERE f.day = $1 AND f.rule = x.rule AND f.policy = x.policy) GROUP BY 1, 2, 3`;

/**
 * A quote inside a JSON string is always escaped, so what is found here is the field itself, whatever strangers wrote into the
 * record. The database's own JSON reader would refuse lone surrogates.
 */
const SERIAL = `substring(x.detail FROM '"leafSerial":"([0-9A-Fa-f]+)"')`;
const SHOWN = `SELECT x.seq, x.client, x.account AS "user", x.ja4, x.time, x.exchanges, x.fault, ${SERIAL} AS serial FROM flow x
  WHERE x.day = $1 AND x.seq > $2 AND x.time >= $3 AND x.time < $4 AND ${SERIAL} IS NOT NULL
  AND (x.exchanges > 0 OR x.fault = 'client-rejected-leaf' OR (x.action IS NULL AND x.fault IS NULL)) ORDER BY x.seq LIMIT $5`;
const LEAVES = `SELECT x.seq, x.detail FROM event x WHERE x.day = $1 AND x.seq > $2 AND x.name = 'ca.leaf' ORDER BY x.seq LIMIT $3`;

export class PostgresHistory implements AuditHistory {
  private readonly questions: Questions;

  constructor(target: PostgresTarget) {
    this.questions = new Questions(target, 1);
  }

  async *flows(range: HistoryRange): AsyncGenerator<WalkedFlow[]> {
    const [since, until] = ends(range);
    for await (const day of this.daysOf(range))
      for await (const rows of this.batches<FullFlow>(
        `SELECT ${FULL_FLOW} FROM flow x WHERE x.day = $1 AND x.seq > $2 AND x.time >= $3 AND x.time < $4 ORDER BY x.seq LIMIT $5`,
        [day],
        [since, until],
      ))
        yield rows.map(row => walked(recordOf(row)));
  }

  async *requests(range: RequestRange): AsyncGenerator<WalkedRequest[]> {
    const [since, until] = ends(range);
    const flows = new Map<string, Facts | null>();
    for await (const day of this.daysOf(range)) {
      const rules =
        range.which === 'all' ? null : (await this.ask<{ rule: string }>(APART, [day])).map(r => r.rule);
      if (rules?.length === 0) continue;
      const columns = range.contentType ? `${REQUEST}, ${HEAD}` : `${REQUEST}, NULL AS head, NULL AS rest`;
      const apart = rules === null ? '' : `AND x.scheme = 'https' AND x.rule = ANY ($6::text[])`;
      for await (const rows of this.batches<RequestColumns>(
        `SELECT ${columns} FROM exchange x WHERE x.day = $1 AND x.seq > $2 AND x.time >= $3 AND x.time < $4 ${apart}
         ORDER BY x.seq LIMIT $5`,
        [day],
        [since, until],
        rules === null ? [] : [rules],
      )) {
        if (flows.size > MAX_KEPT) flows.clear();
        await this.learnFlows(day, rows, flows);
        yield rows.map(row => requested(restoredRow(row), range.contentType, flows.get(keyOf(row)) ?? null));
      }
    }
  }

  async ruleHits(range: HistoryRange): Promise<RuleHits[]> {
    const parts: PartHits[] = [];
    for await (const day of this.daysOf(range))
      for (const sql of [HITS, REQUEST_HITS])
        for (const row of await this.ask<PartHits>(sql, [day, ...ends(range)])) parts.push(restoredRow(row));
    return sumHits(parts);
  }

  async uptake(range: UptakeRange): Promise<Uptake> {
    const tally = new UptakeTally(range);
    for await (const day of this.daysOf({ since: leavesSince(range.since) }))
      for await (const rows of this.batches<{ seq: number; detail: string }>(LEAVES, [day], []))
        for (const { detail } of rows) {
          const { serial, root = null, trust } = JSON.parse(restored(detail)) as Partial<MadeLeaf>;
          tally.leaf({ serial: serial ?? '', root, trust: trust ?? '' });
        }
    for await (const day of this.daysOf(range))
      for await (const rows of this.batches<ShownLeaf & { seq: number }>(SHOWN, [day], ends(range)))
        for (const row of rows) tally.flow(restoredRow(row));
    return tally.result([]);
  }

  async isEmpty(): Promise<boolean> {
    return (await this.ask('SELECT FROM day LIMIT 1', [])).length === 0;
  }

  close(): Promise<void> {
    return this.questions.close();
  }

  // ------------------------------------------------------------------------------------------------- helpers

  private ask<R extends object>(sql: string, params: PostgresParam[]): Promise<R[]> {
    return this.questions.ask<R>(sql, params, WALK_MS);
  }

  /** Days that may hold something, oldest first. */
  private async *daysOf({ since }: HistoryRange): AsyncGenerator<string> {
    for (const { day } of await this.ask<{ day: string }>('SELECT day FROM day ORDER BY day', []))
      if (day >= firstDay(since)) yield day;
  }

  /** All rows of a day, by places: parameters are `head`, the last place, `middle`, the size of a batch, `tail`. */
  private async *batches<R extends { seq: number }>(
    sql: string,
    head: PostgresParam[],
    middle: PostgresParam[],
    tail: PostgresParam[] = [],
  ): AsyncGenerator<R[]> {
    for (let last = 0; ;) {
      const rows = await this.ask<R>(sql, [...head, last, ...middle, BATCH, ...tail]);
      last = rows.at(-1)?.seq ?? last;
      if (rows.length > 0) yield rows;
      if (rows.length < BATCH) return;
    }
  }

  /**
   * Read the flows of a batch of requests that are not known yet. A flow is stored when it ends, so on the day of its request or
   * later; one that is open is known as it began.
   */
  private async learnFlows(
    day: string,
    rows: readonly RequestColumns[],
    known: Map<string, Facts | null>,
  ): Promise<void> {
    const wanted = new Map(rows.map(row => [keyOf(row), row]));
    for (const key of known.keys()) wanted.delete(key);
    const keys = (): PostgresParam[] => {
      const left = [...wanted.values()];
      return [left.map(row => row.proxy), left.map(row => row.flow)];
    };
    const found = (row: { proxy: number; flow: number }, facts: Facts): void => {
      known.set(keyOf(row), facts);
      wanted.delete(keyOf(row));
    };
    for await (const on of this.daysOf({ since: Date.parse(day) })) {
      if (wanted.size === 0) return;
      const sql = `SELECT ${FULL_FLOW} FROM unnest($2::integer[], $3::bigint[]) AS k (proxy, flow)
        JOIN flow x ON x.day = $1 AND x.proxy = k.proxy AND x.flow = k.flow`;
      for (const row of await this.ask<FullFlow & { proxy: number; flow: number }>(sql, [on, ...keys()]))
        found(row, walked(recordOf(row)));
    }
    if (wanted.size === 0) return;
    const open = `SELECT o.proxy, o.flow, o.start FROM unnest($1::integer[], $2::bigint[]) AS k (proxy, flow)
      JOIN open_flow o ON o.proxy = k.proxy AND o.flow = k.flow`;
    for (const row of await this.ask<{ proxy: number; flow: number; start: string }>(open, keys()))
      found(row, JSON.parse(row.start) as FlowOpenRecord);
    for (const key of wanted.keys()) known.set(key, null);
  }
}

const ends = ({ since = -(2 ** 53), until = 2 ** 53 }: HistoryRange): [number, number] => [since, until];

const keyOf = ({ proxy, flow }: { proxy: number; flow: number }): string => fleetFlowText(proxy, flow);

function walked(r: FlowRecord): WalkedFlow {
  return {
    time: r.time,
    client: r.client,
    facts: withOrigin(r.facts, r.originCert, r.fault),
    verdict: r.verdict,
    fault: r.fault,
    bytes: r.bytesUp + r.bytesDown,
    exchanges: r.exchanges,
  };
}

function requested(r: RequestColumns, contentType: boolean, flow: Facts | null): WalkedRequest {
  return {
    time: r.time,
    id: keyOf(r),
    client: r.client,
    user: r.user,
    method: r.method,
    scheme: r.scheme,
    host: r.host,
    port: r.port,
    target: r.path,
    contentType: contentType ? contentTypeIn(headOf(r.head, r.rest)) : null,
    verdict: verdictOf(r),
    fault: r.fault,
    flow: flow === null ? null : { facts: flow.facts, verdict: flow.verdict },
  };
}
