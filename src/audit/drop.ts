/**
 * A day file leaves the store: by retention, or because it was moved away. What stays is `YYYY-MM-DD.dropped`, a signed statement of
 * where its chain ended, so that the day after it still has something to go on from, however long ago that was, and
 * nobody without the key can make a day disappear and explain it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { GENESIS } from './chain.ts';
import { syncFolder } from './producer.ts';
import { readSeal, sealOf, sealPath } from './seal.ts';
import { makeStatement, parseStatement, readSigned, signedText } from './statement.ts';
import { dayPath, openDayForReading } from './store/schema.ts';
import type { Signed, Signer } from './statement.ts';

const TITLE = 'sightglass drop 1';

export const dropPath = (dir: string, day: string): string => path.join(dir, `${day}.dropped`);

/** Where a day's chain ended. */
export interface Tail {
  seq: number;
  link: string;
}

export interface Drop extends Tail {
  day: string;
  /** `age`, `size` or `archived`. */
  why: string;
  key: string;
  /** Key of the chain that ended there. */
  chain: string;
}

/** Sign where the chain of a day ended; `chain` names the key of a chain that is not the signer's own. */
export function makeDrop(
  signer: Signer,
  day: string,
  why: Drop['why'],
  { seq, link }: Tail,
  now: number,
  chain = signer.keyId,
): Signed {
  const other = chain === signer.keyId ? {} : { chain };
  return makeStatement(signer, TITLE, {
    day,
    why,
    last: seq,
    link,
    ...other,
    time: new Date(now).toISOString(),
  });
}

export function readDrop(statement: string): Drop | null {
  const parsed = parseStatement(statement);
  if (parsed?.title !== TITLE) return null;
  const text = (name: string): string => parsed.fields.get(name) ?? '';
  const drop = {
    day: text('day'),
    why: text('why'),
    seq: Number(text('last')),
    link: text('link'),
    key: text('key'),
    chain: text('chain') || text('key'),
  };
  return /^[0-9a-f]{64}$/.test(drop.link) && Number.isSafeInteger(drop.seq) ? drop : null;
}

/** The statement of a day that was dropped; null when there is none that can be read. */
export function dropOf(dir: string, day: string): Signed | null {
  try {
    return readSigned(fs.readFileSync(dropPath(dir, day), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Where a day's chain ends: as its seal says, else as its file does; the beginning when it has none. */
export function tailOf(dir: string, day: string): Tail {
  const signed = sealOf(dir, day);
  const seal = signed === null || signed === 'damaged' ? null : readSeal(signed.statement);
  if (seal !== null) return { seq: seal.last, link: seal.link };
  const none = { seq: 0, link: GENESIS };
  try {
    const db = openDayForReading(dir, day);
    if (db === null) return none;
    try {
      const last = db
        .prepare('SELECT seq + length(entries) / 45 - 1 AS seq, link FROM chain ORDER BY seq DESC LIMIT 1')
        .get() as { seq: number; link: Buffer } | undefined;
      return last === undefined ? none : { seq: last.seq, link: last.link.toString('hex') };
    } finally {
      db.close();
    }
  } catch {
    // A file that cannot be read any more goes all the same; the day after it then says where it thinks it ended.
    return none;
  }
}

/** Bytes of a day: file, log and seal. */
export function dayBytes(dir: string, day: string): number {
  return filesOf(dir, day).reduce(
    (sum, file) => sum + (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

const filesOf = (dir: string, day: string): string[] => [
  sealPath(dir, day),
  ...['-wal', '-shm', ''].map(suffix => dayPath(dir, day) + suffix),
];

/** Leave the statement (when somebody can sign it) and remove the day's files. Readers that have them open keep reading. */
export function dropDay(
  dir: string,
  day: string,
  why: Drop['why'],
  tail: Tail,
  signer: Signer | null,
  now: number,
): void {
  if (signer !== null) {
    const signed = makeDrop(signer, day, why, tail, now);
    fs.writeFileSync(dropPath(dir, day), signedText(signed), { mode: 0o600, flush: true });
  }
  for (const file of filesOf(dir, day)) fs.rmSync(file, { force: true });
  syncFolder(dir);
}
