/** How far others are with the store, read from the day files: segments of the spool, and the copy of the checkpoints outside. */
import fs from 'node:fs';
import path from 'node:path';
import { listSegments } from './producer.ts';
import { isDamage, listDays, openDayForReading } from './store/schema.ts';
import type { Signed } from './statement.ts';
import type { SpoolLag } from './store/store.ts';

export interface Cursor {
  /** Bytes of the segment that are in the store. */
  offset: number;
  /** The segment was read to its end and may be removed. */
  done: boolean;
  /** It had damaged places and is to be kept aside. */
  bad: boolean;
}

/** Cursors of the segments that exist: the furthest that any day file knows. */
export function readCursors(spoolDir: string, auditDir: string): Map<string, Cursor> {
  const cursors = new Map<string, Cursor>();
  const segments = listSegments(spoolDir);
  if (segments.length === 0) return cursors;
  const days = listDays(auditDir);
  for (const day of days) {
    const db = openSound(auditDir, day, day === days.at(-1));
    if (db === null) continue;
    try {
      const find = db.prepare('SELECT offset, done, bad FROM cursor WHERE segment = ?');
      for (const { name } of segments) {
        const row = find.get(name) as { offset: number; done: number; bad: number } | undefined;
        const known = cursors.get(name);
        if (row !== undefined && row.offset >= (known?.offset ?? -1))
          cursors.set(name, {
            offset: row.offset,
            done: row.done === 1 || known?.done === true,
            bad: row.bad === 1 || known?.bad === true,
          });
      }
    } finally {
      db.close();
    }
  }
  return cursors;
}

/** A damaged file of a day gone by must not keep the recorder from going on; the newest one is the recorder's business. */
function openSound(dir: string, day: string, newest: boolean): ReturnType<typeof openDayForReading> {
  try {
    return openDayForReading(dir, day);
  } catch (error) {
    if (newest || !isDamage(error)) throw error;
    return null;
  }
}

/** What waits in the spool for the store. */
export function spoolLag(spoolDir: string, auditDir: string): SpoolLag {
  const cursors = readCursors(spoolDir, auditDir);
  return lagBehind(spoolDir, listSegments(spoolDir), segment => cursors.get(segment)?.offset ?? 0);
}

/** The lag of segments of which `taken` bytes each are in the store. */
export function lagBehind(
  spoolDir: string,
  segments: readonly { name: string }[],
  taken: (segment: string) => number,
): SpoolLag {
  let bytes = 0;
  let lagBytes = 0;
  for (const { name } of segments) {
    const size = fs.statSync(path.join(spoolDir, name), { throwIfNoEntry: false })?.size ?? 0;
    bytes += size;
    lagBytes += Math.max(0, size - taken(name));
  }
  return { segments: segments.length, bytes, lagBytes };
}

/** Checkpoints with a number above `number`, oldest first; those of the newest days, since what is missing is the end. */
export function checkpointsAfter(auditDir: string, number: number): Signed[] {
  const found: Signed[][] = [];
  if (!Number.isFinite(number)) return [];
  for (const day of listDays(auditDir).reverse()) {
    const db = openDayForReading(auditDir, day);
    if (db === null) continue;
    try {
      const part = db
        .prepare('SELECT statement, signature FROM checkpoint WHERE n > ? ORDER BY n')
        .all(number);
      found.unshift(part as Signed[]);
      const known = db.prepare('SELECT count(*) FROM checkpoint').pluck().get() as number;
      if (known > part.length) break;
    } finally {
      db.close();
    }
  }
  return found.flat();
}
