/**
 * Verifies one day file: its seal, its signed checkpoints, its chain, and every row against the chain. Reads only, needs the
 * public key alone, and says which row is the first that does not fit and in which way.
 *
 * On a sealed day one changed bit anywhere shows, because the whole file was signed; on the open day rows, what they point at
 * and the chain are verified, while tables that only help to search are not. What came after the last checkpoint is
 * chained but nobody has signed for it: the report says how many rows that are.
 *
 * Works row by row; memory holds the digests of shared rows (chain-rows.ts) and up to `MAX_FINDINGS` findings.
 */
import Database from 'better-sqlite3';
import { CHAINED, MARK_DIGITS, digestOf, nextLink, readEntries } from '../chain.ts';
import { checkpointDigest, readCheckpoint } from '../checkpoint.ts';
import { Frontier } from '../merkle.ts';
import { isSignedBy } from '../statement.ts';
import { batches, ChainRows } from '../store/chain-rows.ts';
import { chainStart } from '../store/chain-writer.ts';
import { dayPath, openDayForReading, versionOf } from '../store/schema.ts';
import { Findings, nameRow } from './finding.ts';
import { RowsInTable } from './rows-in-table.ts';
import { fileDiffers, verifySeal } from './sealed-file.ts';
import type { KeyObject } from 'node:crypto';
import type { ChainedKind, Entry } from '../chain.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Seal } from '../seal.ts';
import type { ChainStart } from '../store/chain-writer.ts';
import type { Finding } from './finding.ts';

export interface DayReport {
  day: string;
  /** Whether a good seal vouches for the whole file. */
  sealed: boolean;
  /** Digest of its good seal's statement, and of the one that it names as the seal before. */
  seal: { digest: string; previous: string } | null;
  /** Rows that were compared with the chain. */
  rows: number;
  /** Rows from before the file was chained. */
  unchained: number;
  checkpoints: number;
  /** Rows that no signature covers yet. */
  unsigned: number;
  /** Time of the last checkpoint, ms; null without one. */
  signedAt: number | null;
  /** Where the chain begins and ends: what the days around it must agree with. Null without a chain. */
  start: ChainStart | null;
  end: { seq: number; link: string } | null;
  /** Days that event rows of this file say were dropped or moved, with the link their chain ended with. */
  dropped: { day: string; link: string }[];
  findings: Finding[];
  findingCount: number;
}

export interface VerifyOptions {
  /** Rows of the day compared so far, from time to time. */
  onProgress?: (day: string, rows: number, of: number) => void;
}

const PROGRESS_ROWS = 20_000;

/** Verify the file of a day in `dir`. Throws only when there is no such file. */
export function verifyDay(dir: string, day: string, key: KeyObject, options: VerifyOptions = {}): DayReport {
  const findings = new Findings(day);
  const seal = verifySeal(dir, day, key, findings);
  const differs = seal !== null && fileDiffers(dayPath(dir, day), seal, findings);
  const report: DayReport = {
    day,
    sealed: seal !== null && !differs,
    seal: seal === null ? null : { digest: seal.digest, previous: seal.previous },
    rows: 0,
    unchained: 0,
    checkpoints: 0,
    unsigned: 0,
    signedAt: null,
    start: null,
    end: null,
    dropped: [],
    findings: findings.list,
    findingCount: 0,
  };
  const before = findings.count;
  try {
    const db = openDayForReading(dir, day);
    if (db === null) findings.add('unreadable', `${day}.db has no tables`);
    else {
      try {
        if ((versionOf(db) ?? 0) < 2) report.unchained = countRows(db);
        else new Walk(db, key, seal, report, findings, options).run();
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

interface SignedRow {
  n: number;
  statement: string;
  signature: Buffer;
}

/** A row that is not what its entry says. */
interface Mismatch {
  seq: number;
  entry: Entry;
  actual: string;
  text: string;
}
/** Mismatches looked at for rows that changed places. */
const MAX_MISMATCHES = 10_000;

/** One pass over the chain of a file. */
class Walk {
  private readonly db: Database.Database;
  private readonly key: KeyObject;
  private readonly seal: Seal | null;
  private readonly report: DayReport;
  private readonly findings: Findings;
  private readonly options: VerifyOptions;
  private readonly rows: ChainRows;
  private readonly mismatches: Mismatch[] = [];
  private readonly tree = new Frontier();
  /** Numbers of the rows with which checkpoints begin. */
  private readonly firsts = new Set<number>();
  private tables: Record<ChainedKind, RowsInTable> | null = null;
  private signed: SignedRow[] = [];
  private total = 0;
  private seq = 0;
  private link = '';

  constructor(
    db: Database.Database,
    key: KeyObject,
    seal: Seal | null,
    report: DayReport,
    findings: Findings,
    options: VerifyOptions,
  ) {
    this.db = db;
    this.key = key;
    this.seal = seal;
    this.report = report;
    this.findings = findings;
    this.options = options;
    this.rows = new ChainRows(db);
  }

  run(): void {
    const { db, report, findings } = this;
    // What there is at one moment; the recorder may go on writing behind it.
    const { start, tail, last, total, signed } = db.transaction(() => ({
      start: chainStart(db),
      tail: (db.prepare('SELECT max(seq) FROM chain').pluck().get() ?? 0) as number,
      last: lastRows(db),
      total: countRows(db),
      signed: this.readCheckpoints(),
    }))();
    this.total = total;
    this.signed = signed;
    if (start === null) {
      report.unchained = this.total;
      if (this.total > 0) findings.add('chain', 'the file has rows and no chain');
      return;
    }
    report.start = start;
    const { exchange, flow, event } = start.unchained;
    report.unchained = exchange + flow + event;
    this.tables = {
      exchange: new RowsInTable(this.rows, 'exchange', exchange, last.exchange),
      flow: new RowsInTable(this.rows, 'flow', flow, last.flow),
      event: new RowsInTable(this.rows, 'event', event, last.event),
    };
    this.seq = start.seq;
    this.link = start.link;
    const checkpoints = this.checkpoints(start);
    for (const batch of batches(db, tail)) {
      if (batch.seq !== this.seq + 1) {
        findings.add('missing', `the chain has no entries ${this.seq + 1} to ${batch.seq - 1}`, {
          seq: this.seq + 1,
        });
        this.seq = batch.seq - 1;
      }
      const entries = readEntries(batch.entries);
      if (entries === null) {
        findings.add('unreadable', `the chain's entries from ${batch.seq} on are damaged`, {
          seq: batch.seq,
        });
        this.link = batch.link.toString('hex');
        continue;
      }
      for (const entry of entries) this.entry(entry, checkpoints);
      if (this.link !== batch.link.toString('hex')) {
        findings.add('chain', `the link of entry ${this.seq} is not the one that is stored`, {
          seq: this.seq,
        });
        this.link = batch.link.toString('hex');
      }
    }
    this.end(checkpoints);
  }

  private readCheckpoints(): SignedRow[] {
    return this.db.prepare('SELECT n, statement, signature FROM checkpoint ORDER BY n').all() as SignedRow[];
  }

  /** Verify the checkpoints; by the number of the last row they cover. */
  private checkpoints(start: ChainStart): Map<number, Checkpoint> {
    const { findings, report } = this;
    const byLast = new Map<number, Checkpoint>();
    let previous: string | null = start.previous;
    let number = start.checkpoint;
    let first: number | null = start.seq + 1;
    for (const row of this.signed) {
      const c = readCheckpoint(row.statement);
      if (c === null || c.day !== report.day || c.number !== row.n)
        findings.add('unreadable', `checkpoint ${row.n} is damaged`);
      else if (!isSignedBy(row, this.key))
        findings.add('signature', `checkpoint ${row.n} is not signed by this key (it names key ${c.key})`, {
          seq: c.first,
        });
      else {
        if (c.number !== number + 1)
          findings.add('missing', `checkpoints ${number + 1} to ${c.number - 1} are missing`, { seq: first });
        else if (c.previous !== previous || c.first !== first)
          findings.add('chain', `checkpoint ${c.number} does not follow the one before it`, { seq: c.first });
        byLast.set(c.last, c);
        this.firsts.add(c.first);
        report.signedAt = c.time;
      }
      number = row.n;
      first = c === null ? null : c.last + 1;
      previous = checkpointDigest(row.statement);
      report.checkpoints++;
    }
    return byLast;
  }

  private entry(entry: Entry, checkpoints: Map<number, Checkpoint>): void {
    const { findings } = this;
    this.seq++;
    // Where a checkpoint is missing its rows do not count towards the next one.
    if (this.firsts.has(this.seq)) this.tree.clear();
    this.report.rows++;
    const text = this.rows.text(entry.kind, entry.row);
    this.table(entry.kind).pass(entry.row, (row, place) => this.inserted(entry.kind, row, place));
    if (text === null)
      findings.add('missing', `${entry.kind} row ${entry.row} is gone, or something it points at`, {
        ...nameRow(entry.kind, entry.row, null),
        seq: this.seq,
      });
    else {
      const actual = digestOf(text);
      if (actual !== entry.digest) this.mismatch({ seq: this.seq, entry, actual, text });
      else if (entry.kind === 'event') this.note(entry.row);
    }
    this.link = nextLink(this.link, entry.digest);
    if (this.link.slice(0, MARK_DIGITS) !== entry.mark) {
      findings.add('chain', `entry ${this.seq} of the chain was changed`, {
        ...nameRow(entry.kind, entry.row, text),
        seq: this.seq,
      });
    }
    this.tree.add(entry.digest);
    const c = checkpoints.get(this.seq);
    if (c !== undefined) {
      // Already told at the row where it begins: the chain cannot fit either.
      const fits = this.tree.size === c.last - c.first + 1 && this.tree.root() === c.root;
      if (!fits || this.link !== c.link)
        findings.add(
          'chain',
          `rows ${c.first} to ${c.last} are not those that checkpoint ${c.number} signed`,
          {
            seq: c.first,
          },
        );
      this.tree.clear();
      this.link = c.link;
      checkpoints.delete(this.seq);
    }
    if (this.report.rows % PROGRESS_ROWS === 0)
      this.options.onProgress?.(this.report.day, this.report.rows, this.total);
  }

  private table(kind: ChainedKind): RowsInTable {
    if (this.tables === null) throw new Error('the walk has not begun');
    return this.tables[kind];
  }

  private inserted(kind: ChainedKind, row: number, place: string): void {
    this.findings.add('inserted', `${kind} row ${row} was never chained; it stands ${place}`, {
      ...nameRow(kind, row, this.rows.text(kind, row)),
    });
  }

  private mismatch(m: Mismatch): void {
    if (this.mismatches.length < MAX_MISMATCHES) this.mismatches.push(m);
  }

  /** Events that tell of days that went. */
  private note(row: number): void {
    const event = this.db.prepare('SELECT name, detail FROM event WHERE id = ?').get(row) as {
      name: string;
      detail: string;
    };
    if (event.name !== 'audit.dropped') return;
    const detail = JSON.parse(event.detail) as { day?: unknown; link?: unknown };
    if (typeof detail.day === 'string' && typeof detail.link === 'string')
      this.report.dropped.push({ day: detail.day, link: detail.link });
  }

  private end(left: Map<number, Checkpoint>): void {
    const { findings, report, seal } = this;
    const expected = new Map(this.mismatches.map(m => [m.entry.digest, m]));
    for (const m of this.mismatches) {
      const other = expected.get(m.actual);
      const name = { ...nameRow(m.entry.kind, m.entry.row, m.text), seq: m.seq };
      if (other === undefined)
        findings.add(
          'changed',
          `${m.entry.kind} row ${m.entry.row} is not what it was when it was stored`,
          name,
        );
      else
        findings.add(
          'reordered',
          `${m.entry.kind} row ${m.entry.row} was row ${other.entry.row} when it was stored`,
          name,
        );
    }
    for (const kind of Object.keys(CHAINED) as ChainedKind[])
      this.table(kind).rest((row, place) => this.inserted(kind, row, place));
    for (const c of left.values())
      if (c.last > this.seq)
        findings.add(
          'truncated',
          `checkpoint ${c.number} signed rows up to ${c.last}, the chain ends at ${this.seq}`,
          {
            seq: this.seq + 1,
          },
        );
    report.unsigned = this.tree.size;
    report.end = { seq: this.seq, link: this.link };
    if (seal === null) return;
    if (seal.last !== (report.rows === 0 ? 0 : this.seq) || seal.link !== this.link)
      findings.add(
        seal.last > this.seq ? 'truncated' : 'chain',
        `the seal says that the chain ends with row ${seal.last}, it ends with ${this.seq}`,
        { seq: this.seq },
      );
  }
}
