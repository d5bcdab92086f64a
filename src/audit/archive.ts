/**
 * Sealed days go out of the store and come back: `archiveDay` copies or moves one with its seal, `attachDay` puts one into the store
 * to be searched again, after its signature and every byte were verified, and `detachDay` takes it out again. Copies are
 * complete and on the disk before anything is said or removed; nothing is ever overwritten, and what is given up leaves nothing.
 *
 * A day may be many gigabytes: files are read and copied piece by piece, with a turn for others after each.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { dayBytes, dropDay, tailOf } from './drop.ts';
import { syncFolder } from './producer.ts';
import { attachedMark, isAttached } from './retention.ts';
import { readSeal, sealOf, sealPath } from './seal.ts';
import { isSignedBy } from './statement.ts';
import { dayPath, listDays } from './store/schema.ts';
import type { KeyObject } from 'node:crypto';
import type { Dropped } from './retention.ts';
import type { Seal } from './seal.ts';
import type { Signer } from './statement.ts';

/** What cannot be done, with what to do about it. */
export class ArchiveError extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** How a long piece of work is told of, and given up. */
export interface ArchiveTurns {
  /** After every piece: what is done with which file, bytes so far, bytes of the file. */
  onProgress?: ((what: 'verifying' | 'copying', bytes: number, of: number) => void) | undefined;
  /** Ends the work; it rejects with the reason. */
  signal?: AbortSignal | undefined;
}

/** The seal of a day in `dir`, its signature and its file verified. Rejects with ArchiveError when anything does not fit. */
async function verifiedSeal(dir: string, day: string, key: KeyObject, turns: ArchiveTurns): Promise<Seal> {
  const signed = sealOf(dir, day);
  if (signed === null)
    throw new ArchiveError(`${day} is not sealed.`, 'A day is sealed by the recorder soon after it is over.');
  const seal = signed === 'damaged' ? null : readSeal(signed.statement);
  if (signed === 'damaged' || seal === null || seal.day !== day || !isSignedBy(signed, key))
    throw new ArchiveError(
      `${sealPath(dir, day)} is not signed by this key for this day.`,
      'Name the public key of the installation that recorded it with --key.',
    );
  const hash = createHash('sha256');
  await eachPiece(dayPath(dir, day), 'verifying', turns, piece => hash.update(piece));
  if (hash.digest('hex') !== seal.sha256)
    throw new ArchiveError(
      `${dayPath(dir, day)} is not the file that was sealed.`,
      'Copy it again from where it was intact; `sightglass audit verify --dir` tells what was changed.',
    );
  return seal;
}

/**
 * Copy a sealed day into a folder; with `move` it then leaves the store, which `onDrop` is told of first.
 * @returns bytes of the copy.
 */
export async function archiveDay(options: {
  dir: string;
  day: string;
  out: string;
  key: KeyObject;
  move?: { signer: Signer | null; now: number; onDrop: (drop: Omit<Dropped, 'why'>) => void };
  turns?: ArchiveTurns;
}): Promise<number> {
  const { dir, day, out, key, move, turns = {} } = options;
  if (move !== undefined && listDays(dir).at(-1) === day)
    throw new ArchiveError(`${day} is the newest day and stays.`, 'Wait until the next day has begun.');
  await verifiedSeal(dir, day, key, turns);
  fs.mkdirSync(out, { recursive: true, mode: 0o700 });
  await copiedWhole(dir, out, day, key, turns);
  const bytes = dayBytes(dir, day);
  if (move !== undefined) {
    const tail = tailOf(dir, day);
    move.onDrop({ day, bytes, ...tail });
    dropDay(dir, day, 'archived', tail, move.signer, move.now);
    fs.rmSync(attachedMark(dir, day), { force: true });
  }
  return bytes;
}

/** Put an archived day file (with its seal beside it) into the store. Resolves with its day. */
export async function attachDay(
  dir: string,
  file: string,
  key: KeyObject,
  turns: ArchiveTurns = {},
): Promise<string> {
  const day = /^(\d{4}-\d\d-\d\d)\.db$/.exec(path.basename(file))?.[1];
  if (day === undefined)
    throw new ArchiveError(
      `${file} is no day file.`,
      'Name a file such as 2026-11-20.db, its .seal beside it.',
    );
  const from = path.dirname(path.resolve(file));
  const days = listDays(dir);
  if (days.includes(day))
    throw new ArchiveError(`The store has ${day} already.`, 'Detach it first if it is to be replaced.');
  const newest = days.at(-1);
  if (newest === undefined || day > newest)
    throw new ArchiveError(
      `${day} is newer than every day of the store, which would go on writing into it.`,
      'Read it in a data directory of its own, or verify it where it is with `sightglass audit verify --dir`.',
    );
  await verifiedSeal(from, day, key, turns);
  // The mark first: a day without it would be subject to retention.
  fs.writeFileSync(attachedMark(dir, day), `${path.resolve(file)}\n`, { mode: 0o600, flush: true });
  try {
    await copiedWhole(from, dir, day, key, turns);
  } catch (error) {
    detachDay(dir, day);
    throw error;
  }
  return day;
}

/** Take an attached day out of the store again; the archive keeps its own. */
export function detachDay(dir: string, day: string): void {
  if (!isAttached(dir, day))
    throw new ArchiveError(
      `${day} was not attached.`,
      'Only days that came by `audit attach` can be detached.',
    );
  for (const suffix of ['-wal', '-shm', '']) fs.rmSync(dayPath(dir, day) + suffix, { force: true });
  fs.rmSync(sealPath(dir, day), { force: true });
  fs.rmSync(attachedMark(dir, day), { force: true });
  syncFolder(dir);
}

/** Copy a day with its seal, which may be there already, and verify the copy. What was copied goes again when that fails. */
async function copiedWhole(
  from: string,
  to: string,
  day: string,
  key: KeyObject,
  turns: ArchiveTurns,
): Promise<void> {
  const made: string[] = [];
  try {
    for (const place of [dayPath, sealPath]) {
      const target = place(to, day);
      if (place === sealPath && fs.existsSync(target)) continue;
      await copyNew(place(from, day), target, turns);
      made.push(target);
    }
    syncFolder(to);
    await verifiedSeal(to, day, key, turns);
  } catch (error) {
    for (const file of made) fs.rmSync(file, { force: true });
    throw error;
  }
}

/** Copy to a name that is not taken, under another name until it is whole and on the disk. */
async function copyNew(from: string, to: string, turns: ArchiveTurns): Promise<void> {
  if (fs.existsSync(to))
    throw new ArchiveError(`${to} is there already.`, 'Nothing is overwritten; move it away.');
  const part = `${to}.part`;
  fs.rmSync(part, { force: true });
  try {
    const fd = fs.openSync(part, 'wx', 0o400);
    try {
      await eachPiece(from, 'copying', turns, piece => {
        for (let at = 0; at < piece.length;) at += fs.writeSync(fd, piece, at);
      });
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(part, to);
  } catch (error) {
    fs.rmSync(part, { force: true });
    throw error;
  }
}

/** Read a file piece by piece. A piece is valid only during the call. */
async function eachPiece(
  file: string,
  what: 'verifying' | 'copying',
  { onProgress, signal }: ArchiveTurns,
  take: (piece: Buffer) => void,
): Promise<void> {
  const chunk = Buffer.allocUnsafe(4 * 1024 * 1024);
  const fd = fs.openSync(file, 'r');
  try {
    const { size } = fs.fstatSync(fd);
    let done = 0;
    for (let n = -1; n !== 0; done += n) {
      signal?.throwIfAborted();
      n = fs.readSync(fd, chunk, 0, chunk.length, null);
      take(chunk.subarray(0, n));
      onProgress?.(what, done + n, size);
      await setImmediate();
    }
  } finally {
    fs.closeSync(fd);
  }
}
