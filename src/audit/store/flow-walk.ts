/**
 * Walks through all recorded flows of a time range with everything their decision looked at: for replaying another policy,
 * for learning from traffic and for counting what rules did. Reads the day files by itself, oldest row first, a batch at a
 * time, and holds no statement open between batches, so the recorder is never in its way. Synchronous: who
 * must not be held up runs it in a thread or pauses between batches.
 *
 * Bounds: one batch of rows and `MAX_DOCS` shared documents (hellos, verdicts) in memory. A day file that cannot be read
 * is told to `onProblem` and left out.
 */
import type Database from 'better-sqlite3';
import type { CertFacts, FlowFacts, HelloFacts, OriginFacts } from '../../core/facts.ts';
import { FAULTS } from '../../core/faults.ts';
import type { FlowId, FlowOpenRecord } from '../../core/records.ts';
import type { FaultCode } from '../../core/faults.ts';
import type { Action, Verdict } from '../../core/verdict.ts';
import { joinDetail } from './flow-detail.ts';
import { dayOf, listDays, openDayForReading } from './schema.ts';

export interface WalkedFlow {
  /** Accept time, ms. */
  time: number;
  client: string;
  /**
   * Null for connections that ended before they said what they want. What the origin showed is put in from the row even
   * where the policy then in force did not look at it, so that another policy may.
   */
  facts: FlowFacts | null;
  verdict: Verdict | null;
  fault: string | null;
  bytes: number;
  /** Requests inside. */
  exchanges: number;
}

export interface WalkOptions {
  /** Folder of the day files. */
  dir: string;
  /** Accept time, inclusive and exclusive, ms. */
  since?: number;
  until?: number;
  onProblem?: (day: string, message: string) => void;
}

const BATCH = 1_000;
const MAX_DOCS = 20_000;

interface Columns {
  id: number;
  time: number;
  up: number;
  down: number;
  exchanges: number;
  client: string;
  fault: string | null;
  hello: number | null;
  cert: number | null;
  verdict: number | null;
  detail: string;
  frame: number | null;
}

const FLOWS = `SELECT x.id, x.time, x.up, x.down, x.exchanges, o.client, l.fault, x.hello, x.cert, x.verdict, x.detail, x.frame
  FROM flow x JOIN who o ON o.id = x.who JOIN lane l ON l.id = x.lane`;

/** Batches of flows, oldest ingested first. */
export function* walkFlows(options: WalkOptions): Generator<WalkedFlow[]> {
  const { since = -(2 ** 53), until = 2 ** 53 } = options;
  yield* eachDay(options, function* (db) {
    const rows = db.prepare<[number, number, number, number], Columns>(
      `${FLOWS} WHERE x.id > ? AND x.time >= ? AND x.time < ? ORDER BY x.id LIMIT ?`,
    );
    const doc = documents(db);
    let last = 0;
    for (;;) {
      const batch = rows.all(last, since, until, BATCH);
      last = batch.at(-1)?.id ?? last;
      if (batch.length > 0) yield batch.map(row => walked(row, doc));
      if (batch.length < BATCH) return;
    }
  });
}

/** Reads single flows of a day file: closed ones, or as they began when they are still open there; null for others. */
export function flowReader(
  db: Database.Database,
): (flow: FlowId) => Pick<WalkedFlow, 'facts' | 'verdict'> | null {
  const closed = db.prepare<[number], Columns>(`${FLOWS} WHERE x.flow = ? LIMIT 1`);
  const open = db.prepare<[number], string>('SELECT start FROM open_flow WHERE flow = ?').pluck();
  const doc = documents(db);
  return flow => {
    const row = closed.get(flow);
    if (row !== undefined) return walked(row, doc);
    const start = open.get(flow);
    return start === undefined ? null : (JSON.parse(start) as FlowOpenRecord);
  };
}

function walked(row: Columns, doc: (id: number) => unknown): WalkedFlow {
  const { facts } = joinDetail(row.frame === null ? null : doc(row.frame), row.detail);
  const cert = row.cert === null ? null : (doc(row.cert) as CertFacts);
  const origin = facts?.origin ?? originOf(cert, row.fault);
  return {
    time: row.time,
    client: row.client,
    facts:
      facts === null
        ? null
        : {
            ...facts,
            hello: row.hello === null ? null : (doc(row.hello) as HelloFacts),
            ...(origin === null ? {} : { origin }),
          },
    verdict: row.verdict === null ? null : (doc(row.verdict) as Verdict),
    fault: row.fault,
    bytes: row.up + row.down,
    exchanges: row.exchanges,
  };
}

/** What the origin showed, or null when nobody asked it or it showed nothing. */
function originOf(cert: CertFacts | null, fault: string | null): OriginFacts | null {
  const refused = fault !== null && isFaultCode(fault) && FAULTS[fault].phase === 'origin-tls' ? fault : null;
  if (cert === null && refused === null) return null;
  return { subject: cert?.subject ?? '', issuer: cert?.issuer ?? '', fault: refused };
}

function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULTS, text);
}

/** Shared documents by id, parsed once. When the bound is reached all are let go and read again as needed. */
function documents(db: Database.Database): (id: number) => unknown {
  const text = db.prepare<[number], string>('SELECT text FROM doc WHERE id = ?').pluck();
  const known = new Map<number, unknown>();
  return id => {
    let value = known.get(id);
    if (value === undefined) {
      value = JSON.parse(String(text.get(id))) as unknown;
      if (known.size >= MAX_DOCS) known.clear();
      known.set(id, value);
    }
    return value;
  };
}

/** How often a rule decided, and when last. */
export interface RuleHits {
  rule: string;
  action: Action;
  flows: number;
  /** Accept time of the last one, ms. */
  last: number;
  /** Versions of the policy under which it did, newest hit first, at most `MAX_VERSIONS`. */
  versions: string[];
}

const MAX_VERSIONS = 20;

type DayHits = { policy: string } & Pick<RuleHits, 'rule' | 'action' | 'flows' | 'last'>;

/** Where requests inside TLS were decided by a rule that decided no flow of that day: those look at requests. Where nobody
 *  decided, the fault's code stands in place of a rule. */
const ON_REQUESTS = `SELECT id FROM what WHERE scheme = 'https' AND rule IS NOT fault
  AND (rule, policy) NOT IN (SELECT rule, policy FROM lane WHERE rule IS NOT NULL AND policy IS NOT NULL)`;

/**
 * Hits of each rule and action in a time range, most hits first: flows that it decided, or in which it decided a request.
 * Decisions per request of plain HTTP count once a flow, as the flow's own.
 */
export function countRuleHits(options: WalkOptions): RuleHits[] {
  const { since = -(2 ** 53), until = 2 ** 53 } = options;
  const totals = new Map<string, RuleHits & { seen: Map<string, number> }>();
  for (const batch of eachDay(options, function* (db) {
    yield db
      .prepare<[number, number], DayHits>(
        `SELECT l.rule, l.action, l.policy, sum(g.n) AS flows, max(g.last) AS last
         FROM (SELECT x.lane, count(*) AS n, max(x.time) AS last FROM flow x WHERE x.time >= ? AND x.time < ? GROUP BY 1) g
         JOIN lane l ON l.id = g.lane WHERE l.rule IS NOT NULL GROUP BY 1, 2, 3`,
      )
      .all(since, until);
    // Most days have none, and then no exchange is looked at.
    if (db.prepare(ON_REQUESTS).get() === undefined) return;
    yield db
      .prepare<[number, number], DayHits>(
        `SELECT w.rule, w.action, w.policy, count(DISTINCT x.flow) AS flows, max(x.time) AS last
         FROM exchange x JOIN what w ON w.id = x.what
         WHERE x.time >= ? AND x.time < ? AND x.what IN (${ON_REQUESTS}) GROUP BY 1, 2, 3`,
      )
      .all(since, until);
  }))
    for (const row of batch) {
      const key = `${row.action} ${row.rule}`;
      const total = totals.get(key) ?? {
        rule: row.rule,
        action: row.action,
        flows: 0,
        last: 0,
        versions: [],
        seen: new Map<string, number>(),
      };
      total.flows += row.flows;
      total.last = Math.max(total.last, row.last);
      total.seen.set(row.policy, Math.max(total.seen.get(row.policy) ?? 0, row.last));
      totals.set(key, total);
    }
  return [...totals.values()]
    .map(({ seen, ...hits }) => ({
      ...hits,
      versions: [...seen]
        .sort(([, a], [, b]) => b - a)
        .slice(0, MAX_VERSIONS)
        .map(([version]) => version),
    }))
    .sort((a, b) => b.flows - a.flows || (a.rule < b.rule ? -1 : 1));
}

/** A flow is never stored before it began, so files of earlier days than `since` hold nothing. */
export function* eachDay<T>(
  { dir, since, onProblem }: WalkOptions,
  read: (db: Database.Database) => Generator<T>,
): Generator<T> {
  const first = since === undefined ? '' : dayOf(Math.max(0, Math.min(since, MAX_TIME)));
  for (const day of listDays(dir)) {
    if (day < first) continue;
    let db: Database.Database | null = null;
    try {
      db = openDayForReading(dir, day);
      if (db !== null) yield* read(db);
    } catch (e) {
      if (onProblem === undefined) throw e;
      onProblem(day, e instanceof Error ? e.message : String(e));
    } finally {
      db?.close();
    }
  }
}

/** Last time that a Date can hold (ECMA-262 §21.4.1.1), ms. */
const MAX_TIME = 8.64e15;
