/**
 * One pass over a day's chain: every row against its entry, every entry against its link, the links and digests against what was
 * signed, and the end against the seal. Pure: a driver of the store feeds it the batches in order with the texts of the rows,
 * and looks for rows that no entry names; it says which row is the first that does not fit and in which way.
 *
 * What came after the last checkpoint is chained but nobody has signed for it: the report says how many rows that are.
 *
 * Memory holds up to `MAX_FINDINGS` findings and `MAX_MISMATCHES` rows that may have changed places.
 */
import { MARK_DIGITS, digestOf, nextLink, readCanonical } from '../chain.ts';
import { checkpointDigest, readCheckpoint } from '../checkpoint.ts';
import { Frontier } from '../merkle.ts';
import { nameRow } from './finding.ts';
import type { Entry, Field } from '../chain.ts';
import type { ChainStart, StoredCheckpoint } from '../chain-tail.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Seal } from '../seal.ts';
import type { Signed } from '../statement.ts';
import type { Finding, Findings } from './finding.ts';

export interface DayReport {
  day: string;
  /** Whether a good seal vouches for the whole day. */
  sealed: boolean;
  /** Digest of its good seal's statement, and of the one that it names as the seal before. */
  seal: { digest: string; previous: string } | null;
  /** Rows that were compared with the chain. */
  rows: number;
  /** Rows from before the day was chained. */
  unchained: number;
  checkpoints: number;
  /** Rows that no signature covers yet. */
  unsigned: number;
  /** Time of the last checkpoint, ms; null without one. */
  signedAt: number | null;
  /** Where the chain begins and ends: what the days around it must agree with. Null without a chain. */
  start: ChainStart | null;
  end: { seq: number; link: string } | null;
  /** Days that event rows of this day say were dropped or moved, with the link their chain ended with. */
  dropped: { day: string; link: string }[];
  findings: Finding[];
  findingCount: number;
}

/** A report of a day that nobody has looked into yet. */
export const freshReport = (
  day: string,
  seal: (Seal & { digest: string }) | null,
  findings: Findings,
): DayReport => ({
  day,
  sealed: seal !== null,
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
});

/** A batch to be walked; `entries` null when they are damaged. */
export interface WalkedBatch {
  seq: number;
  entries: readonly Entry[] | null;
  link: Buffer;
}

export interface WalkOptions {
  report: DayReport;
  findings: Findings;
  seal: Seal | null;
  isSigned: (signed: Signed) => boolean;
  /** The canonical text of a row; null when it, or something it points at, is not there. */
  textOf: (entry: Entry) => string | null;
  /** Number of the machine whose row it is, in a fleet. */
  machineOf?: (entry: Entry) => number | null;
  /** Told of each event row that fits, by its fields. */
  onEvent?: (fields: readonly Field[]) => void;
  /** Told of each entry, in order. */
  onEntry?: (entry: Entry) => void;
}

/** A row that is not what its entry says. */
interface Mismatch {
  seq: number;
  entry: Entry;
  actual: string;
  name: ReturnType<typeof nameRow>;
}
/** Mismatches looked at for rows that changed places. */
const MAX_MISMATCHES = 10_000;

export class ChainWalk {
  private readonly options: WalkOptions;
  private readonly report: DayReport;
  private readonly findings: Findings;
  private readonly mismatches: Mismatch[] = [];
  private readonly tree = new Frontier();
  /** Numbers of the rows with which checkpoints begin. */
  private readonly firsts = new Set<number>();
  /** Good checkpoints by the number of the last row they cover. */
  private readonly left: Map<number, Checkpoint>;
  private seq: number;
  private link: string;

  constructor(start: ChainStart, signed: readonly StoredCheckpoint[], options: WalkOptions) {
    this.options = options;
    this.report = options.report;
    this.findings = options.findings;
    this.report.start = start;
    this.seq = start.seq;
    this.link = start.link;
    this.left = this.checkpoints(start, signed);
  }

  /** The next batch. */
  batch({ seq, entries, link }: WalkedBatch): void {
    const { findings } = this;
    if (seq !== this.seq + 1) {
      findings.add('missing', `the chain has no entries ${this.seq + 1} to ${seq - 1}`, {
        seq: this.seq + 1,
      });
      this.seq = seq - 1;
    }
    if (entries === null) {
      findings.add('unreadable', `the chain's entries from ${seq} on are damaged`, { seq });
      this.link = link.toString('hex');
      return;
    }
    for (const entry of entries) this.entry(entry);
    if (this.link !== link.toString('hex')) {
      findings.add('chain', `the link of entry ${this.seq} is not the one that is stored`, {
        seq: this.seq,
      });
      this.link = link.toString('hex');
    }
  }

  /** Verify the checkpoints; by the number of the last row they cover. */
  private checkpoints(start: ChainStart, signed: readonly StoredCheckpoint[]): Map<number, Checkpoint> {
    const { findings, report } = this;
    const byLast = new Map<number, Checkpoint>();
    let previous: string | null = start.previous;
    let number = start.checkpoint;
    let first: number | null = start.seq + 1;
    for (const row of signed) {
      const c = readCheckpoint(row.statement);
      if (c === null || c.day !== report.day || c.number !== row.n)
        findings.add('unreadable', `checkpoint ${row.n} is damaged`);
      else if (!this.options.isSigned(row))
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

  private entry(entry: Entry): void {
    const { findings, options } = this;
    this.seq++;
    // Where a checkpoint is missing its rows do not count towards the next one.
    if (this.firsts.has(this.seq)) this.tree.clear();
    this.report.rows++;
    const text = options.textOf(entry);
    options.onEntry?.(entry);
    if (text === null)
      findings.add('missing', `${entry.kind} row ${entry.row} is gone, or something it points at`, {
        ...this.nameOf(entry, null),
        seq: this.seq,
      });
    else {
      const actual = digestOf(text);
      if (actual !== entry.digest)
        this.mismatch({ seq: this.seq, entry, actual, name: this.nameOf(entry, text) });
      else if (entry.kind === 'event') options.onEvent?.(readCanonical(text)?.fields ?? []);
    }
    this.link = nextLink(this.link, entry.digest);
    if (this.link.slice(0, MARK_DIGITS) !== entry.mark) {
      findings.add('chain', `entry ${this.seq} of the chain was changed`, {
        ...this.nameOf(entry, text),
        seq: this.seq,
      });
    }
    this.tree.add(entry.digest);
    const c = this.left.get(this.seq);
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
      this.left.delete(this.seq);
    }
  }

  private nameOf(entry: Entry, text: string | null): Mismatch['name'] {
    return nameRow(entry.kind, entry.row, text, this.options.machineOf?.(entry) ?? null);
  }

  private mismatch(m: Mismatch): void {
    if (this.mismatches.length < MAX_MISMATCHES) this.mismatches.push(m);
  }

  /** There are no more batches; rows behind the last named one have been told. */
  end(): void {
    const { findings, report } = this;
    const { seal } = this.options;
    const expected = new Map(this.mismatches.map(m => [m.entry.digest, m]));
    for (const m of this.mismatches) {
      const other = expected.get(m.actual);
      const name = { ...m.name, seq: m.seq };
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
    for (const c of this.left.values())
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
