/**
 * Walks through all flows of the day files of a folder, oldest row first, a batch at a time, and holds no statement open between
 * batches, so the recorder is never in its way. Counts what rules did there too. Synchronous: who must not be held up
 * runs it in a thread or pauses between batches.
 *
 * Bounds: one batch of rows and `MAX_DOCS` shared documents (hellos, verdicts) in memory. A day file that cannot be read
 * is told to `onProblem` and left out.
 */
import { joinDetail } from './flow-detail.ts';
import { firstDay, sumHits, withOrigin } from './history.ts';
import { listDays, openDayForReading } from './schema.ts';
import type Database from 'better-sqlite3';
import type { CertFacts, HelloFacts } from '../../core/facts.ts';
import type { FlowId, FlowOpenRecord } from '../../core/records.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { HistoryRange, PartHits, RuleHits, WalkedFlow } from './history.ts';

export interface WalkOptions extends HistoryRange {
  /** Folder of the day files. */
  dir: string;
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
  const hello = row.hello === null ? null : (doc(row.hello) as HelloFacts);
  return {
    time: row.time,
    client: row.client,
    facts: withOrigin(facts === null ? null : { ...facts, hello }, cert, row.fault),
    verdict: row.verdict === null ? null : (doc(row.verdict) as Verdict),
    fault: row.fault,
    bytes: row.up + row.down,
    exchanges: row.exchanges,
  };
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

/** Where requests inside TLS were decided by a rule that decided no flow of that day: those look at requests. Where nobody
 *  decided, the fault's code stands in place of a rule. */
const ON_REQUESTS = `SELECT id FROM what WHERE scheme = 'https' AND rule IS NOT fault
  AND (rule, policy) NOT IN (SELECT rule, policy FROM lane WHERE rule IS NOT NULL AND policy IS NOT NULL)`;

/** Hits of each rule and action in a time range, as AuditHistory tells them. */
export function countRuleHits(options: WalkOptions): RuleHits[] {
  const { since = -(2 ** 53), until = 2 ** 53 } = options;
  const parts: PartHits[] = [];
  for (const batch of eachDay(options, function* (db) {
    yield db
      .prepare<[number, number], PartHits>(
        `SELECT l.rule, l.action, l.policy, sum(g.n) AS flows, max(g.last) AS last
         FROM (SELECT x.lane, count(*) AS n, max(x.time) AS last FROM flow x WHERE x.time >= ? AND x.time < ? GROUP BY 1) g
         JOIN lane l ON l.id = g.lane WHERE l.rule IS NOT NULL GROUP BY 1, 2, 3`,
      )
      .all(since, until);
    // Most days have none, and then no exchange is looked at.
    if (db.prepare(ON_REQUESTS).get() === undefined) return;
    yield db
      .prepare<[number, number], PartHits>(
        `SELECT w.rule, w.action, w.policy, count(DISTINCT x.flow) AS flows, max(x.time) AS last
         FROM exchange x JOIN what w ON w.id = x.what
         WHERE x.time >= ? AND x.time < ? AND x.what IN (${ON_REQUESTS}) GROUP BY 1, 2, 3`,
      )
      .all(since, until);
  }))
    parts.push(...batch);
  return sumHits(parts);
}

/** Reads each day file that may hold something, oldest first. */
export function* eachDay<T>(
  { dir, since, onProblem }: WalkOptions,
  read: (db: Database.Database) => Iterable<T>,
): Generator<T> {
  const first = firstDay(since);
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
