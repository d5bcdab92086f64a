/**
 * Verifies the store of a fleet in PostgreSQL: every day and every row against the chain of the collector that stored it (walk.ts),
 * the days of a chain against each other, and rows that no chain names. Reads only, with a role that may only read, and with
 * public keys alone: those of all collectors that wrote there. A chain of another key is a finding, for nobody here can judge it.
 *
 * It looks at one moment of the store: what is stored behind it meanwhile does not count. A day that is dropped while it looks is
 * left out.
 *
 * Memory holds one window of rows, the entries of some batches, and the findings.
 */
import { CHAINED, ENTRY_BYTES, digestOf } from '../chain.ts';
import { readDrop } from '../drop.ts';
import { CHAIN_MOVED, SET_BACK } from '../last-signed.ts';
import { readSeal } from '../seal.ts';
import { isSignedBy, keyIdOf } from '../statement.ts';
import { placedEntries } from '../store/postgres/chain.ts';
import { FleetRows } from '../store/postgres/chain-rows.ts';
import { EntryHash } from '../store/postgres/sealing.ts';
import { PROGRESS_ROWS } from './day.ts';
import { Findings, insertedRow } from './finding.ts';
import { joinedDays, sealsInOrder } from './store.ts';
import { ChainWalk, freshReport } from './walk.ts';
import type { Client } from 'pg';
import type { KeyObject } from 'node:crypto';
import type { ChainedKind, Entry, Field } from '../chain.ts';
import type { ChainStart, StoredCheckpoint } from '../chain-tail.ts';
import type { Remembered } from '../last-signed.ts';
import type { Seal } from '../seal.ts';
import type { Signed } from '../statement.ts';
import type { ReadRow } from '../store/postgres/chain-rows.ts';
import type { FleetBatch } from '../store/postgres/chain.ts';
import type { VerifyOptions } from './day.ts';
import type { DayStatements, StoreReport } from './store.ts';
import type { DayReport } from './walk.ts';

export interface FleetVerifyOptions extends VerifyOptions {
  /** Only this day; what lies between days is then not looked at. */
  day?: string;
  /** The checkpoint that the collector signed last (last-signed.ts): a store without it was set back. */
  last?: Remembered | null;
}

/** One day of one chain. */
export interface FleetDayReport extends DayReport {
  /** Fingerprint of the key whose chain it is; null for a day without one. */
  chain: string | null;
}

export interface FleetReport extends StoreReport {
  days: FleetDayReport[];
}

interface Head {
  id: number;
  key: string;
  /** Number of its last checkpoint. */
  n: number;
}

interface Start {
  day: string;
  chain: number;
  start: ChainStart;
}

interface Moment {
  top: number;
  chained: number;
  heads: Map<number, Head>;
  starts: Start[];
  days: string[];
}

const BATCHES = 16;

/** Verify a fleet's store. Rejects only when it cannot be read at all. */
export async function verifyFleet(
  client: Pick<Client, 'query'>,
  keys: readonly KeyObject[],
  options: FleetVerifyOptions = {},
): Promise<FleetReport> {
  const between = new Findings('');
  const fleet = new Fleet(
    client,
    new Map(keys.map(key => [keyIdOf(key), key])),
    await moment(client),
    options,
  );
  const days: FleetDayReport[] = [];
  for (const day of fleet.moment.days)
    if (options.day === undefined || options.day === day) days.push(...(await fleet.day(day)));
  if (options.last !== undefined && options.last !== null) await fleet.remembers(options.last, between);
  const waiting = new Set<string>();
  if (options.day === undefined)
    for (const head of fleet.moment.heads.values()) {
      const own = days.filter(d => d.chain === head.key);
      joinedDays(own, await fleet.dropped(head, between), between);
      sealsInOrder(own, between);
      for (const d of own.slice(0, -1)) if (d.seal === null) waiting.add(d.day);
    }
  return { days, findings: between.list, waiting: [...waiting] };
}

/**
 * The checkpoints of the chains of these keys in a fleet's store. A witness is that of one collector: give its key alone, for
 * numbers of two chains may be the same.
 */
export const fleetStatements =
  (client: Pick<Client, 'query'>, keys: readonly KeyObject[]): DayStatements =>
  async day => {
    const { rows } = await client.query<StoredCheckpoint>(
      `SELECT c.n, c.statement FROM checkpoint c JOIN chain_head h ON h.id = c.chain WHERE c.day = $1 AND h.key = ANY ($2::text[])`,
      [day, keys.map(keyIdOf)],
    );
    return rows.length === 0 ? null : new Map(rows.map(row => [row.n, row.statement]));
  };

/** What there is at one moment; collectors may go on writing behind it. */
async function moment(client: Pick<Client, 'query'>): Promise<Moment> {
  const rows = async <R extends object>(sql: string): Promise<R[]> =>
    (await client.query<R & Record<string, unknown>>(sql)).rows;
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const [ledger] = await rows<{ top: number }>('SELECT next - 1 AS top FROM ledger');
  const [meta] = await rows<{ value: string }>(`SELECT value FROM meta WHERE key = 'chained'`);
  const heads = await rows<Head>(
    'SELECT h.id, h.key, coalesce((SELECT max(c.n) FROM checkpoint c WHERE c.chain = h.id), 0) AS n FROM chain_head h ORDER BY h.id',
  );
  const starts = await rows<{ day: string; chain: number; start: string }>(
    'SELECT day, chain, start FROM chain_start ORDER BY day, chain',
  );
  // Whatever lies in a partition is a row of the store, also where no sum and no chain knows of the day.
  const days = await rows<{ day: string }>(
    `SELECT DISTINCT to_char(to_date(right(c.relname, 8), 'YYYYMMDD'), 'YYYY-MM-DD') AS day FROM pg_inherits i
     JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent IN ('exchange'::regclass, 'flow'::regclass, 'event'::regclass) ORDER BY 1`,
  );
  await client.query('COMMIT');
  return {
    top: ledger?.top ?? 0,
    chained: Number(meta?.value ?? 0),
    heads: new Map(heads.map(head => [head.id, head])),
    starts: starts.map(s => ({ ...s, start: JSON.parse(s.start) as ChainStart })),
    days: days.map(d => d.day),
  };
}

class Fleet {
  readonly moment: Moment;
  private readonly client: Pick<Client, 'query'>;
  private readonly keys: ReadonlyMap<string, KeyObject>;
  private readonly options: FleetVerifyOptions;
  private readonly rows: FleetRows;

  constructor(
    client: Pick<Client, 'query'>,
    keys: ReadonlyMap<string, KeyObject>,
    moment: Moment,
    options: FleetVerifyOptions,
  ) {
    this.client = client;
    this.keys = keys;
    this.moment = moment;
    this.options = options;
    this.rows = new FleetRows(client);
  }

  /** Verify a day: one report per chain that has rows in it. */
  async day(day: string): Promise<FleetDayReport[]> {
    const walks = new Map<number, DayWalk>();
    for (const start of this.moment.starts) {
      const head = start.day === day ? this.moment.heads.get(start.chain) : undefined;
      if (head !== undefined) walks.set(head.id, await this.begin(head, start));
    }
    // Rows that nobody vouches for are told with the day's first chain, or by themselves.
    const loose =
      [...walks.values()][0] ?? new DayWalk(null, freshReport(day, null, new Findings(day)), null);
    const inserted = (row: ReadRow, place: string): void => {
      if (row.place < this.moment.chained) loose.report.unchained++;
      else insertedRow(loose.findings, row.kind, row.place, place, row.text, row.machine);
    };
    const total = await this.chainedRows(day);
    let done = -1;
    for await (const batch of this.batches(day)) {
      const walk = walks.get(batch.chain);
      const entries = placedEntries(batch);
      const last = entries?.reduce((max, entry) => Math.max(max, entry.row), 0) ?? 0;
      const found = new Map<string, ReadRow>();
      const named = new Set(entries?.map(nameOf) ?? []);
      for await (const rows of this.rows.windows(day, done, Math.min(last, this.moment.top)))
        for (const row of rows)
          if (named.has(placeOf(row))) found.set(placeOf(row), row);
          else inserted(row, `before row ${entries?.find(entry => entry.row > row.place)?.row ?? last}`);
      walk?.batch(batch, entries, found);
      done = Math.max(done, last);
      const rows = [...walks.values()].reduce((sum, w) => sum + w.report.rows, 0);
      if (rows % PROGRESS_ROWS < (entries?.length ?? 0)) this.options.onProgress?.(day, rows, total);
    }
    for await (const rows of this.rows.windows(day, done, this.moment.top))
      for (const row of rows) inserted(row, 'behind the last one');
    if (walks.size === 0) {
      const report = loose.end();
      return report.unchained + report.findingCount > 0 ? [report] : [];
    }
    const reports = [...walks.values()].map(walk => walk.end());
    // Dropped while it was looked at: nothing can be said of it.
    const { rows: still } = await this.client.query('SELECT 1 FROM chain_start WHERE day = $1', [day]);
    return still.length > 0 ? reports : [];
  }

  private async chainedRows(day: string): Promise<number> {
    const { rows } = await this.client.query<{ n: number }>(
      'SELECT coalesce(sum(length(entries)), 0)::bigint AS n FROM chain WHERE day = $1',
      [day],
    );
    return (rows[0]?.n ?? 0) / ENTRY_BYTES;
  }

  private async begin(head: Head, { day, start }: Start): Promise<DayWalk> {
    const findings = new Findings(day);
    const key = this.keys.get(head.key);
    if (key === undefined)
      findings.add(
        'signature',
        `rows of this day are in the chain of key ${head.key}, whose public key was not given`,
      );
    const seal = await this.seal(head, day, findings);
    const { rows } = await this.client.query<StoredCheckpoint>(
      'SELECT n, statement, signature FROM checkpoint WHERE chain = $1 AND day = $2 AND n <= $3 ORDER BY n',
      [head.id, day, head.n],
    );
    const report = freshReport(day, seal, findings);
    const known = new Map<string, ReadRow>();
    const chain = new ChainWalk(start, rows, {
      report,
      findings,
      seal,
      isSigned: signed => key === undefined || isSignedBy(signed, key),
      textOf: entry => known.get(nameOf(entry))?.text ?? null,
      machineOf: entry => known.get(nameOf(entry))?.machine ?? null,
      onEvent: fields => setBack(fields, findings),
    });
    return new DayWalk({ head, chain, rows: known }, report, seal, findings);
  }

  /** The seal of a day when it is good; a bad one is a finding. */
  private async seal(
    head: Head,
    day: string,
    findings: Findings,
  ): Promise<(Seal & { digest: string }) | null> {
    const { rows } = await this.client.query<Signed>(
      'SELECT statement, signature FROM seal WHERE chain = $1 AND day = $2',
      [head.id, day],
    );
    const [signed] = rows;
    if (signed === undefined) return null;
    const seal = readSeal(signed.statement);
    const key = this.keys.get(head.key);
    if (seal === null) findings.add('unreadable', `the seal of ${day} is damaged`);
    else if (key !== undefined && (!isSignedBy(signed, key) || seal.day !== day))
      findings.add(
        'signature',
        `the seal of ${day} is not signed by this key for this day (it names key ${seal.key})`,
      );
    else return { ...seal, digest: digestOf(signed.statement) };
    return null;
  }

  private async *batches(day: string): AsyncGenerator<FleetBatch & { chain: number }> {
    let after = -1;
    for (;;) {
      const { rows } = await this.client.query<FleetBatch & { chain: number }>(
        'SELECT chain, seq, base, entries, link FROM chain WHERE day = $1 AND base > $2 AND base <= $3 ORDER BY base, seq LIMIT $4',
        [day, after, this.moment.top, BATCHES],
      );
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.base;
    }
  }

  /** Days of a chain that went, with the link their chain ended with, as the signed statements in their place tell it. */
  async dropped(head: Head, findings: Findings): Promise<Map<string, string>> {
    const { rows } = await this.client.query<Signed & { day: string }>(
      'SELECT day, statement, signature FROM dropped WHERE chain = $1',
      [head.id],
    );
    const dropped = new Map<string, string>();
    for (const row of rows) {
      const drop = readDrop(row.statement);
      const key = drop === null ? undefined : this.keys.get(drop.key);
      if (
        drop !== null &&
        key !== undefined &&
        isSignedBy(row, key) &&
        drop.day === row.day &&
        drop.chain === head.key
      )
        dropped.set(drop.day, drop.link);
      else
        findings.add(
          'signature',
          `what tells that ${row.day} was dropped is not signed by a key that was given`,
        );
    }
    return dropped;
  }

  /** Whether the store has the checkpoint that a collector remembers. */
  async remembers(last: Remembered, findings: Findings): Promise<void> {
    const { number, first, day, key } = last.checkpoint;
    const head = [...this.moment.heads.values()].find(h => h.key === key);
    const { rows } = await this.client.query<{ statement: string }>(
      'SELECT statement FROM checkpoint WHERE chain = $1 AND n = $2',
      [head?.id ?? 0, number],
    );
    const [found] = rows;
    if (found?.statement === last.statement) return;
    // Its day may have been dropped since.
    if (found === undefined && head !== undefined && head.n > number) return;
    findings.add(
      found === undefined ? 'truncated' : 'chain',
      `this machine signed checkpoint ${number} of ${day}; the store has ${found === undefined ? `none of that number, its last is ${head?.n ?? 0}` : 'another one'}`,
      { seq: first },
    );
  }
}

/** A walk over one chain's part of a day; over none, where rows lie that no chain names. */
class DayWalk {
  readonly report: DayReport;
  readonly findings: Findings;
  private readonly of: { head: Head; chain: ChainWalk; rows: Map<string, ReadRow> } | null;
  private readonly seal: Seal | null;
  private readonly hash = new EntryHash();
  private readonly counts: Record<ChainedKind, number> = { exchange: 0, flow: 0, event: 0 };

  constructor(of: DayWalk['of'], report: DayReport, seal: Seal | null, findings = new Findings(report.day)) {
    this.of = of;
    this.findings = findings;
    report.findings = findings.list;
    this.report = report;
    this.seal = seal;
  }

  batch(batch: FleetBatch, entries: Entry[] | null, rows: ReadonlyMap<string, ReadRow>): void {
    if (this.of === null) return;
    for (const [name, row] of rows) this.of.rows.set(name, row);
    this.of.chain.batch({ seq: batch.seq, entries, link: batch.link });
    this.of.rows.clear();
    this.hash.add(batch);
    for (const entry of entries ?? []) this.counts[entry.kind]++;
  }

  end(): FleetDayReport {
    const { of, report, seal } = this;
    of?.chain.end();
    const { size, sha256 } = this.hash.end();
    const { exchange, flow, event } = this.counts;
    if (of !== null && seal !== null) {
      const same =
        seal.size === size &&
        seal.sha256 === sha256 &&
        seal.exchanges === exchange &&
        seal.flows === flow &&
        seal.events === event;
      if (!same) report.sealed = false;
      if (!same && this.findings.count === 0)
        this.findings.add('chain', `the entries of ${report.day} are not those that were sealed`);
    }
    report.findingCount = this.findings.count;
    return { ...report, chain: of?.head.key ?? null };
  }
}

const nameOf = (entry: Entry): string => `${CHAINED[entry.kind]} ${entry.row}`;
const placeOf = (row: ReadRow): string => `${CHAINED[row.kind]} ${row.place}`;

/** Events by which a collector told that the store was not as it left it. */
function setBack([time, name, detail]: readonly Field[], findings: Findings): void {
  if ((name !== SET_BACK && name !== CHAIN_MOVED) || typeof time !== 'number' || typeof detail !== 'string')
    return;
  const [problem, what] =
    name === SET_BACK
      ? (['truncated', 'found the store set back to an older state'] as const)
      : (['chain', 'found its chain continued by somebody else'] as const);
  findings.add(problem, `a collector ${what}: ${detail}`, { kind: 'event', time });
}
