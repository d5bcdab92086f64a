/** Every statement that writes into a day file, prepared once, and the next free row ids. */
import { MARKS_WHERE, SEEN } from './layout.ts';
import type Database from 'better-sqlite3';

/** Next ids of a day file's tables. The recorder is the only writer, so it may count by itself. */
export class RowIds {
  private readonly last: Record<string, number> = {};

  constructor(db: Database.Database) {
    for (const table of TABLES)
      this.last[table] = db.prepare(`SELECT coalesce(max(id), 0) FROM ${table}`).pluck().get() as number;
  }

  /** The id taken last; 0 in an empty table. */
  newest(table: (typeof TABLES)[number]): number {
    return this.last[table] ?? 0;
  }

  take(table: (typeof TABLES)[number]): number {
    const id = (this.last[table] ?? 0) + 1;
    this.last[table] = id;
    return id;
  }
}

const TABLES = [
  'who',
  'host',
  'what',
  'url',
  'block',
  'rest',
  'exchange',
  'body',
  'lane',
  'doc',
  'flow',
  'event',
] as const;

export type Statements = ReturnType<typeof prepareAll>;

export function prepareAll(db: Database.Database) {
  const q = (sql: string): Database.Statement => db.prepare(sql);
  const values = (n: number): string => Array.from({ length: n }, () => '?').join(', ');
  return {
    begin: q('BEGIN IMMEDIATE'),
    commit: q('COMMIT'),
    rollback: q('ROLLBACK'),
    cursor: q(
      'INSERT INTO cursor VALUES (?, ?, ?, ?) ON CONFLICT (segment) DO UPDATE SET offset = excluded.offset, done = excluded.done, bad = excluded.bad',
    ),
    exchange: q(
      `INSERT INTO exchange (id, flow, n, time, us, wait, who, what, url, up, down, req_block, req_rest, res_block, res_rest, flags, req_volatile, res_volatile) VALUES (${values(18)})`,
    ),
    exchangeFull: q(
      `INSERT INTO exchange (id, flow, n, time, us, wait, who, what, url, up, down, req_block, req_rest, res_block, res_rest, flags, req_volatile, res_volatile, req_body, res_body, req_sha, res_sha, fault_detail) VALUES (${values(23)})`,
    ),
    mark: q(
      'INSERT INTO mark VALUES (?, ?, ?, ?) ON CONFLICT (dim, value, part) DO UPDATE SET bits = bits | excluded.bits',
    ),
    what: q(
      `INSERT INTO what (id, host, port, scheme, protocol, method, status, type, fault, sni, action, rule, policy, reason, capture, block, mask, tls, parent, masked) VALUES (${values(20)})`,
    ),
    who: q('INSERT INTO who VALUES (?, ?, ?, ?)'),
    host: q('INSERT INTO host VALUES (?, ?)'),
    hostText: q('INSERT INTO host_fts (rowid, name) VALUES (?, ?)'),
    url: q('INSERT INTO url VALUES (?, ?, ?, ?)'),
    gram: q('INSERT OR REPLACE INTO gram VALUES (?, ?, ?)'),
    urlText: q('INSERT INTO url_fts (rowid, path) VALUES (?, ?)'),
    block: q('INSERT INTO block VALUES (?, ?)'),
    blockText: q('INSERT INTO block_fts (rowid, text) VALUES (?, ?)'),
    rest: q('INSERT INTO rest VALUES (?, ?, ?, ?)'),
    restText: q('INSERT INTO rest_fts (rowid, text) VALUES (?, ?)'),
    findBody: q('SELECT id FROM body WHERE sha = ?').pluck(),
    findReading: q('SELECT id FROM body WHERE sha = ? AND reading = ?').pluck(),
    bodyData: q('SELECT enc, data FROM body WHERE id = ?'),
    body: q('INSERT INTO body (id, sha, size, enc, data, reading) VALUES (?, ?, ?, ?, ?, ?)'),
    readBody: q('UPDATE body SET reading = ? WHERE id = ? AND reading IS NULL'),
    bodyText: q('INSERT INTO body_fts (rowid, text) VALUES (?, ?)'),
    waiting: q('INSERT OR REPLACE INTO waiting_body VALUES (?, ?, ?, ?)'),
    dropWaiting: q('DELETE FROM waiting_body WHERE flow = ? AND n = ? AND side = ?'),
    open: q('INSERT OR REPLACE INTO open_flow VALUES (?, ?, ?)'),
    dropOpen: q('DELETE FROM open_flow WHERE flow = ?'),
    lane: q(
      `INSERT INTO lane (id, host, port, scheme, ingress, sni, alpn, ja4, outcome, action, rule, policy, reason, fault, mask, tls, parent) VALUES (${values(17)})`,
    ),
    laneText: q('INSERT INTO lane_fts (rowid, text) VALUES (?, ?)'),
    doc: q('INSERT INTO doc VALUES (?, ?)'),
    flow: q(`INSERT INTO flow VALUES (${values(14)})`),
    event: q('INSERT INTO event VALUES (?, ?, ?, ?)'),
    span: q(
      'INSERT INTO span VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, block) DO UPDATE SET n = n + excluded.n, lo = min(lo, excluded.lo), hi = max(hi, excluded.hi)',
    ),
    minute: q(
      'INSERT INTO minute VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, minute, action) DO UPDATE SET n = n + excluded.n, faults = faults + excluded.faults, bytes = bytes + excluded.bytes',
    ),
    marksOfFlow: q(`${MARKS_WHERE} dim = ${SEEN.flow} AND value = ?`).pluck(),
    carriedOfFlow: q('SELECT exchanges FROM open_flow WHERE flow = ?').pluck(),
    countOfFlow: q('SELECT count(*) FROM exchange WHERE id >= ? AND id < ? AND flow = ?').pluck(),
  };
}
