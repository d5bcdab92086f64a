/**
 * Verifies one day file: its seal, its signed checkpoints, its chain, and every row against the chain (walk.ts). Reads only, needs
 * the public key alone.
 *
 * On a sealed day one changed bit anywhere shows, because the whole file was signed; on the open day rows, what they point at
 * and the chain are verified, while tables that only help to search are not.
 *
 * Works row by row; memory holds the digests of shared rows (chain-rows.ts) and what walk.ts says.
 */
import Database from 'better-sqlite3';
import { CHAINED, readEntries } from '../chain.ts';
import { isSignedBy } from '../statement.ts';
import { batches, ChainRows } from '../store/chain-rows.ts';
import { chainStart } from '../store/chain-writer.ts';
import { dayPath, openDayForReading, versionOf } from '../store/schema.ts';
import { Findings, insertedRow } from './finding.ts';
import { RowsInTable } from './rows-in-table.ts';
import { fileDiffers, verifySeal } from './sealed-file.ts';
import { ChainWalk, freshReport } from './walk.ts';
import type { KeyObject } from 'node:crypto';
import type { ChainedKind } from '../chain.ts';
import type { StoredCheckpoint } from '../chain-tail.ts';
import type { DayReport, WalkOptions } from './walk.ts';

export interface VerifyOptions {
  /** Rows of the day compared so far, from time to time. */
  onProgress?: (day: string, rows: number, of: number) => void;
}

export const PROGRESS_ROWS = 20_000;

/** Verify the file of a day in `dir`. Throws only when there is no such file. */
export function verifyDay(dir: string, day: string, key: KeyObject, options: VerifyOptions = {}): DayReport {
  const findings = new Findings(day);
  const seal = verifySeal(dir, day, key, findings);
  const differs = seal !== null && fileDiffers(dayPath(dir, day), seal, findings);
  const report = freshReport(day, seal, findings);
  if (differs) report.sealed = false;
  const before = findings.count;
  try {
    const db = openDayForReading(dir, day);
    if (db === null) findings.add('unreadable', `${day}.db has no tables`);
    else {
      try {
        const isSigned: WalkOptions['isSigned'] = signed => isSignedBy(signed, key);
        if ((versionOf(db) ?? 0) < 2) report.unchained = countRows(db);
        else walk(db, { report, findings, seal, isSigned }, options);
      } finally {
        db.close();
      }
    }
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    findings.add('unreadable', `${day}.db cannot be read beyond row ${report.rows}: ${error.message}`);
  }
  if (differs && findings.count === before)
    findings.add('outside-rows', `${day}.db differs from what was sealed, but outside its rows`);
  report.findingCount = findings.count;
  return report;
}

const countRows = (db: Database.Database): number =>
  (Object.keys(CHAINED) as ChainedKind[]).reduce(
    (sum, kind) => sum + (db.prepare(`SELECT count(*) FROM ${kind}`).pluck().get() as number),
    0,
  );

const lastRows = (db: Database.Database): Record<ChainedKind, number> => {
  const last = (kind: ChainedKind): number =>
    (db.prepare(`SELECT max(id) FROM ${kind}`).pluck().get() ?? 0) as number;
  return { exchange: last('exchange'), flow: last('flow'), event: last('event') };
};

/** One pass over the chain of a file. */
function walk(
  db: Database.Database,
  given: Omit<WalkOptions, 'textOf' | 'onEvent' | 'onEntry'>,
  options: VerifyOptions,
): void {
  const { report, findings } = given;
  const rows = new ChainRows(db);
  // What there is at one moment; the recorder may go on writing behind it.
  const { start, tail, last, total, signed } = db.transaction(() => ({
    start: chainStart(db),
    tail: (db.prepare('SELECT max(seq) FROM chain').pluck().get() ?? 0) as number,
    last: lastRows(db),
    total: countRows(db),
    signed: db
      .prepare('SELECT n, statement, signature FROM checkpoint ORDER BY n')
      .all() as StoredCheckpoint[],
  }))();
  if (start === null) {
    report.unchained = total;
    if (total > 0) findings.add('chain', 'the file has rows and no chain');
    return;
  }
  const { exchange, flow, event } = start.unchained;
  report.unchained = exchange + flow + event;
  const tables: Record<ChainedKind, RowsInTable> = {
    exchange: new RowsInTable(rows, 'exchange', exchange, last.exchange),
    flow: new RowsInTable(rows, 'flow', flow, last.flow),
    event: new RowsInTable(rows, 'event', event, last.event),
  };
  const inserted = (kind: ChainedKind) => (row: number, place: string) =>
    insertedRow(findings, kind, row, place, rows.text(kind, row));
  const chain = new ChainWalk(start, signed, {
    ...given,
    textOf: entry => rows.text(entry.kind, entry.row),
    onEntry: ({ kind, row }) => {
      tables[kind].pass(row, inserted(kind));
      if (report.rows % PROGRESS_ROWS === 0) options.onProgress?.(report.day, report.rows, total);
    },
    // Events that tell of days that went.
    onEvent: ([, name, text]) => {
      if (name !== 'audit.dropped' || typeof text !== 'string') return;
      const detail = JSON.parse(text) as { day?: unknown; link?: unknown };
      if (typeof detail.day === 'string' && typeof detail.link === 'string')
        report.dropped.push({ day: detail.day, link: detail.link });
    },
  });
  for (const { seq, entries, link } of batches(db, tail))
    chain.batch({ seq, entries: readEntries(entries), link });
  for (const kind of Object.keys(CHAINED) as ChainedKind[]) tables[kind].rest(inserted(kind));
  chain.end();
}
