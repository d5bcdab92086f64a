/**
 * Keeps the store within its limits by dropping whole days, oldest first: days older than the age limit, then as many more as the
 * size limit asks for. Never the newest, which the recorder may be writing; never a day under legal hold; never one that
 * was attached to be read again. Nothing is rewritten or vacuumed, so nothing has to wait.
 *
 * Every drop is told before it happens, with where the day's chain ended: a crash between leaves a row too many, never a
 * gap without a reason.
 */
import fs from 'node:fs';
import path from 'node:path';
import { dayBytes, dropDay, tailOf } from './drop.ts';
import { dayOf, listDays } from './store/schema.ts';
import type { Signer } from './statement.ts';

export interface RetentionOptions {
  /** Folder of the day files. */
  dir: string;
  /** Whole days to keep besides today. */
  days: number;
  /** Bytes that all day files may have together; no limit when left out. */
  maxBytes?: number;
  /** Whether a legal hold keeps a day. */
  held?: (day: string) => boolean;
  /** Signs what stays of a dropped day. */
  signer?: Signer | null;
  /** Told of each drop, before it. */
  onDrop?: (drop: Dropped) => void;
  /** ms since epoch. */
  now: number;
  /** Only tell what would go. */
  dryRun?: boolean;
}

export interface Dropped {
  day: string;
  why: 'age' | 'size';
  bytes: number;
  /** Number and link of the last row of its chain. */
  seq: number;
  link: string;
}

export interface Retention {
  removed: string[];
  kept: string[];
  /** Days that would have gone but for a hold. */
  held: string[];
  /** Bytes of the removed files. */
  bytes: number;
  /** Bytes that stay. */
  left: number;
}

const DAY_MS = 86_400_000;

/** Marks a day that was attached (archive.ts). */
export const attachedMark = (dir: string, day: string): string => path.join(dir, `${day}.attached`);
export const isAttached = (dir: string, day: string): boolean => fs.existsSync(attachedMark(dir, day));

/** Apply the limits. Throws when a file cannot be deleted; what was deleted before stays deleted. */
export function retain(options: RetentionOptions): Retention {
  const { dir, now, held = () => false, signer = null } = options;
  const oldestKept = dayOf(now - options.days * DAY_MS);
  const days = listDays(dir);
  const newest = days.at(-1);
  const sizes = new Map(days.map(day => [day, dayBytes(dir, day)]));
  const result: Retention = { removed: [], kept: [], held: [], bytes: 0, left: 0 };
  for (const [day, bytes] of sizes) if (!isAttached(dir, day)) result.left += bytes;
  for (const day of days) {
    const why = day < oldestKept ? 'age' : result.left > (options.maxBytes ?? Infinity) ? 'size' : null;
    if (why === null || day === newest || isAttached(dir, day)) {
      result.kept.push(day);
      continue;
    }
    if (held(day)) {
      result.kept.push(day);
      result.held.push(day);
      continue;
    }
    const bytes = sizes.get(day) ?? 0;
    if (options.dryRun !== true) {
      const tail = tailOf(dir, day);
      options.onDrop?.({ day, why, bytes, ...tail });
      dropDay(dir, day, why, tail, signer, now);
    }
    result.removed.push(day);
    result.bytes += bytes;
    result.left -= bytes;
  }
  return result;
}
