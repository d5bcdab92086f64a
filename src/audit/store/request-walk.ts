/**
 * Walks through recorded requests of day files with the facts of the flow they came in: for replaying rules that look at requests. Goes
 * through the files as flow-walk.ts does, oldest row first, a batch at a time, with no statement open in between.
 *
 * A request whose flow is not in its day's file, closed or open, comes with `flow: null`: whoever asks must say that it
 * could not be judged.
 *
 * Bounds: one batch of rows; `MAX_KEPT` flows and header blocks each, all let go when there are more.
 */
import type Database from 'better-sqlite3';
import { eachDay, flowReader } from './flow-walk.ts';
import { joinHead } from './headers.ts';
import { contentTypeIn, verdictOf } from './history.ts';
import type { WalkOptions } from './flow-walk.ts';
import type { DecidedColumns, RequestRange, WalkedRequest } from './history.ts';

export type RequestWalkOptions = WalkOptions & RequestRange;

const BATCH = 1_000;
const MAX_KEPT = 20_000;

interface Columns extends DecidedColumns {
  id: number;
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
  reqBlock: number;
  reqRest: number;
}

/** Batches of requests, oldest ingested first. */
export function* walkRequests(options: RequestWalkOptions): Generator<WalkedRequest[]> {
  const { since = -(2 ** 53), until = 2 ** 53, which, contentType } = options;
  const apart = which === 'all' ? '' : `AND w.id IN (${DECIDED_APART})`;
  yield* eachDay(options, function* (db) {
    const rows = db.prepare<[number, number, number, number], Columns>(
      `SELECT x.id, x.flow, x.time, o.client, o.user, w.method, w.scheme, h.name AS host, w.port, u.path, w.action, w.rule,
       w.policy, w.reason, w.capture, w.block, w.mask, w.parent, w.fault, x.req_block AS reqBlock, x.req_rest AS reqRest
       FROM exchange x JOIN who o ON o.id = x.who JOIN what w ON w.id = x.what JOIN host h ON h.id = w.host
       JOIN url u ON u.id = x.url WHERE x.id > ? AND x.time >= ? AND x.time < ? ${apart} ORDER BY x.id LIMIT ?`,
    );
    if (which === 'decided-apart' && db.prepare(DECIDED_APART).get() === undefined) return;
    const flowOf = kept(flowReader(db));
    const typeOf = contentType ? contentTypes(db) : null;
    let last = 0;
    for (;;) {
      const batch = rows.all(last, since, until, BATCH);
      last = batch.at(-1)?.id ?? last;
      if (batch.length > 0)
        yield batch.map(r => ({
          time: r.time,
          id: r.flow,
          client: r.client,
          user: r.user,
          method: r.method,
          scheme: r.scheme,
          host: r.host,
          port: r.port,
          target: r.path,
          contentType: typeOf === null ? null : typeOf(r.reqBlock, r.reqRest),
          verdict: verdictOf(r),
          fault: r.fault,
          flow: flowOf(r.flow),
        }));
      if (batch.length < BATCH) return;
    }
  });
}

const DECIDED_APART = `SELECT id FROM what WHERE scheme = 'https' AND rule NOT IN (SELECT rule FROM lane WHERE rule IS NOT NULL)`;

/** Content types of header blocks, by the two rows that a block became. */
function contentTypes(db: Database.Database): (block: number, rest: number) => string | null {
  const stable = db.prepare<[number], string>('SELECT text FROM block WHERE id = ?').pluck();
  const varying = db.prepare<[number], string>('SELECT varied FROM rest WHERE id = ?').pluck();
  const known = new Map<string, string | null>();
  return (block, rest) => {
    const key = `${block} ${rest}`;
    let type = known.get(key);
    if (type === undefined) {
      // A content type is never volatile.
      const varied = varying.get(rest) ?? '';
      type = contentTypeIn(joinHead({ stable: stable.get(block) ?? '', varied, volatile: '' }));
      if (known.size >= MAX_KEPT) known.clear();
      known.set(key, type);
    }
    return type;
  };
}

function kept<T>(read: (id: number) => T): (id: number) => T {
  const known = new Map<number, T>();
  return id => {
    let value = known.get(id);
    if (value === undefined) {
      value = read(id);
      if (known.size >= MAX_KEPT) known.clear();
      known.set(id, value);
    }
    return value;
  };
}
