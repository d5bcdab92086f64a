/**
 * Deletes whole days of records by age. A day goes when its last possible row is older than the limit; the newest file is
 * never deleted, the recorder may be writing it. Readers that have a deleted file open keep reading it until they let go.
 */
import fs from 'node:fs';
import { dayOf, dayPath, listDays } from './store/schema.ts';
import { syncFolder } from './producer.ts';

export interface RetentionOptions {
  /** Folder of the day files. */
  dir: string;
  /** Whole days to keep besides today. */
  days: number;
  /** ms since epoch. */
  now: number;
  /** Only tell what would go. */
  dryRun?: boolean;
}

export interface Retention {
  removed: string[];
  kept: string[];
  /** Bytes of the removed files. */
  bytes: number;
}

const DAY_MS = 86_400_000;

/** Apply the limit. Throws when a file cannot be deleted; what was deleted before stays deleted. */
export function retain(options: RetentionOptions): Retention {
  const oldestKept = dayOf(options.now - options.days * DAY_MS);
  const days = listDays(options.dir);
  const newest = days.at(-1);
  const removed: string[] = [];
  const kept: string[] = [];
  let bytes = 0;
  for (const day of days) {
    if (day >= oldestKept || day === newest) {
      kept.push(day);
      continue;
    }
    for (const suffix of ['-wal', '-shm', '']) {
      const file = dayPath(options.dir, day) + suffix;
      bytes += fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      if (options.dryRun !== true) fs.rmSync(file, { force: true });
    }
    removed.push(day);
  }
  if (removed.length > 0 && options.dryRun !== true) syncFolder(options.dir);
  return { removed, kept, bytes };
}
