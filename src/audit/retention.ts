/**
 * Keeps the store within its limits by dropping whole days, oldest first: days older than the age limit, then as many more as the
 * size limit asks for. Never the newest, which the recorder may be writing; never a day under legal hold; never one that
 * was attached to be read again. Nothing is rewritten or vacuumed, so nothing has to wait. What goes is decided here for
 * every store (`planRetention`); how a day goes is told here for day files and in store/postgres/days.ts for partitions.
 *
 * Every drop is told before it happens, with where the day's chain ended: a crash between leaves a row too many, never a
 * gap without a reason.
 */
import fs from 'node:fs';
import path from 'node:path';
import { dayBytes, dropDay, tailOf } from './drop.ts';
import { dayOf, listDays } from './store/schema.ts';
import type { Signer } from './statement.ts';

export interface RetentionLimits {
  /** Whole days to keep besides today. */
  days: number;
  /** Bytes that all days may have together; no limit when left out. */
  maxBytes?: number;
}

export interface RetentionOptions extends RetentionLimits {
  /** Folder of the day files. */
  dir: string;
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

/** A day that goes. */
export interface Dropping {
  day: string;
  why: 'age' | 'size';
  bytes: number;
}

export interface Dropped extends Dropping {
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

/** A day as the plan sees it. */
export interface StandingDay {
  day: string;
  bytes: number;
  /** Came from an archive: it stays, and its bytes do not count. */
  attached: boolean;
}

/** What the limits ask for, of all days, oldest first. `held`: whether a legal hold keeps a day. */
export function planRetention(
  days: readonly StandingDay[],
  limits: RetentionLimits & { now: number },
  held: (day: string) => boolean,
): { drops: Dropping[]; result: Retention } {
  const oldestKept = dayOf(limits.now - limits.days * DAY_MS);
  const newest = days.at(-1)?.day;
  const drops: Dropping[] = [];
  const result: Retention = { removed: [], kept: [], held: [], bytes: 0, left: 0 };
  for (const { attached, bytes } of days) if (!attached) result.left += bytes;
  for (const { day, bytes, attached } of days) {
    const why = day < oldestKept ? 'age' : result.left > (limits.maxBytes ?? Infinity) ? 'size' : null;
    if (why === null || day === newest || attached) {
      result.kept.push(day);
      continue;
    }
    if (held(day)) {
      result.kept.push(day);
      result.held.push(day);
      continue;
    }
    drops.push({ day, why, bytes });
    result.removed.push(day);
    result.bytes += bytes;
    result.left -= bytes;
  }
  return { drops, result };
}

/** Apply the limits. Throws when a file cannot be deleted; what was deleted before stays deleted. */
export function retain(options: RetentionOptions): Retention {
  const { dir, now, held = () => false, signer = null } = options;
  const days = listDays(dir).map(day => ({ day, bytes: dayBytes(dir, day), attached: isAttached(dir, day) }));
  const { drops, result } = planRetention(days, options, held);
  if (options.dryRun === true) return result;
  for (const drop of drops) {
    const tail = tailOf(dir, drop.day);
    options.onDrop?.({ ...drop, ...tail });
    dropDay(dir, drop.day, drop.why, tail, signer, now);
  }
  return result;
}
