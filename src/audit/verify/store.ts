/**
 * Verifies the days of a folder one by one and against each other: each day's chain must go on where the day before ended, and a
 * day that is not there must be explained by an event row that tells of its going. Optionally compares with the copy of
 * checkpoints kept outside (witness.ts), which a rewrite of the whole store cannot follow.
 */
import fs from 'node:fs';
import readline from 'node:readline';
import { GENESIS } from '../chain.ts';
import { readCheckpoint } from '../checkpoint.ts';
import { dropOf, readDrop } from '../drop.ts';
import { sealedDays } from '../seal.ts';
import { isSignedBy } from '../statement.ts';
import { listDays, openDayForReading } from '../store/schema.ts';
import { readWitnessLine } from '../witness.ts';
import { verifyDay } from './day.ts';
import { Findings } from './finding.ts';
import type { KeyObject } from 'node:crypto';
import type { StoredCheckpoint } from '../chain-tail.ts';
import type { VerifyOptions } from './day.ts';
import type { DayReport } from './walk.ts';
import type { Finding } from './finding.ts';

export interface StoreReport {
  days: DayReport[];
  /** What lies between the days, or between store and witness. */
  findings: Finding[];
  /** Days that are over and have no seal yet; the newest of them may be waiting for it. */
  waiting: string[];
}

/** Verify all days of a folder. */
export function verifyStore(dir: string, key: KeyObject, options: VerifyOptions = {}): StoreReport {
  const names = listDays(dir);
  const between = new Findings('');
  for (const day of sealedDays(dir))
    if (!names.includes(day)) between.add('missing', `${day}.seal is there, ${day}.db is not`);
  const days = names.map(day => verifyDay(dir, day, key, options));
  const dropped = droppedDays(dir, key, days, between);
  joinedDays(days, dropped, between);
  sealsInOrder(days, between);
  return {
    days,
    findings: between.list,
    waiting: days
      .slice(0, -1)
      .filter(d => d.seal === null)
      .map(d => d.day),
  };
}

/** The days of a chain must follow each other: `dropped` are those that went for a reason, with the link they ended with. */
export function joinedDays(
  days: readonly DayReport[],
  dropped: ReadonlyMap<string, string>,
  findings: Findings,
): void {
  let before: DayReport | null = null;
  for (const report of days) {
    if (report.start === null) continue;
    joined(report, before, dropped, findings);
    before = report;
  }
}

/** Seals name the one before: a seal that was taken away leaves a gap, unless it was of the newest sealed day. */
export function sealsInOrder(days: readonly DayReport[], findings: Findings): void {
  const known = new Set(days.flatMap(report => report.seal?.digest ?? []));
  const last = days.findLastIndex(report => report.seal !== null);
  for (const [i, report] of days.entries()) {
    if (i < last && report.seal === null && report.findingCount === 0)
      findings.add('signature', `${report.day} has no seal although a later day has one`);
    // The seal before may have gone with its day; then the chain of the day is checked against what was left of it.
    const before = days[i - 1];
    const older = before !== undefined && before.seal !== null && report.start?.day === before.day;
    if (older && report.seal !== null && report.seal.previous !== GENESIS && !known.has(report.seal.previous))
      findings.add('signature', `the seal that ${report.day}.seal names as the one before is not here`);
  }
}

/**
 * Days that went for a reason, with the link their chain ended with: as event rows tell it, and as the signed statements
 * that were left in their place, which last longer than the events.
 */
function droppedDays(
  dir: string,
  key: KeyObject,
  days: readonly DayReport[],
  findings: Findings,
): Map<string, string> {
  const dropped = new Map(days.flatMap(report => report.dropped.map(d => [d.day, d.link] as const)));
  for (const day of days.flatMap(({ start }) => start?.day ?? [])) {
    const signed = dropOf(dir, day);
    const drop = signed === null ? null : readDrop(signed.statement);
    if (signed === null || drop === null) continue;
    if (isSignedBy(signed, key) && drop.day === day) dropped.set(drop.day, drop.link);
    else findings.add('signature', `${day}.dropped is not signed by this key for this day`);
  }
  return dropped;
}

/** Whether a day's chain goes on where it should. */
function joined(
  report: DayReport,
  before: DayReport | null,
  dropped: ReadonlyMap<string, string>,
  findings: Findings,
): void {
  const { start, day } = report;
  if (start === null) return;
  if (start.day === null) {
    if (before !== null)
      findings.add('chain', `the chain of ${day} begins anew although ${before.day} has one`, { seq: 1 });
    return;
  }
  if (before?.day === start.day) {
    const { end } = before;
    if (end !== null && (end.link !== start.link || end.seq !== start.seq))
      findings.add('chain', `${day} does not go on where ${start.day} ends`, { seq: start.seq });
    return;
  }
  // The oldest day that is here follows one that is not: gone by retention, which only a row can say.
  const link = dropped.get(start.day);
  if (link === undefined)
    findings.add('missing', `${day} follows ${start.day}, whose file is not here, and no event tells why`, {
      seq: start.seq,
    });
  else if (link !== start.link && start.link !== GENESIS)
    findings.add('chain', `${start.day} was dropped with another end than ${day} goes on from`, {
      seq: start.seq,
    });
}

/** The checkpoints that a store has of a day by their numbers; null for a day that is not there. */
export type DayStatements = (
  day: string,
) => ReadonlyMap<number, string> | null | Promise<ReadonlyMap<number, string> | null>;

/** Compare the copy outside with a store. Only checkpoints of days that are there can be compared. */
export async function verifyWitness(
  statementsOf: DayStatements,
  file: string,
  keys: readonly KeyObject[],
): Promise<{ compared: number; findings: Finding[] }> {
  const findings = new Findings('witness');
  const known = new Map<string, ReadonlyMap<number, string> | null>();
  const inStore = async (day: string): Promise<ReadonlyMap<number, string> | null> => {
    let map = known.get(day);
    if (map === undefined) known.set(day, (map = await statementsOf(day)));
    return map;
  };
  let compared = 0;
  let number = 0;
  for await (const line of readline.createInterface({
    input: fs.createReadStream(file),
    crlfDelay: Infinity,
  })) {
    number++;
    if (line === '') continue;
    const signed = readWitnessLine(line);
    if (signed === null || !keys.some(key => isSignedBy(signed, key))) {
      findings.add('signature', `line ${number} of the witness is no statement of this key`);
      continue;
    }
    const c = readCheckpoint(signed.statement);
    const statements = c === null ? null : await inStore(c.day);
    if (c === null || statements === null) continue;
    compared++;
    if (statements.get(c.number) !== signed.statement)
      findings.add(
        statements.has(c.number) ? 'chain' : 'truncated',
        `checkpoint ${c.number} of ${c.day} was witnessed; the store has ${statements.has(c.number) ? 'another one' : 'none'}`,
        { seq: c.first },
      );
  }
  return { compared, findings: findings.list };
}

/** The checkpoints of a folder of day files. */
export const dayFileStatements =
  (dir: string): DayStatements =>
  day => {
    const db = listDays(dir).includes(day) ? openDayForReading(dir, day) : null;
    if (db === null) return null;
    try {
      const rows = db.prepare('SELECT n, statement FROM checkpoint').all() as StoredCheckpoint[];
      return new Map(rows.map(row => [row.n, row.statement]));
    } finally {
      db.close();
    }
  };
