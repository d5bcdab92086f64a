/**
 * Points in time as people write them: `now`, `15m`, `-7d` (both ago), `today`, `yesterday`, `2026-11-20`,
 * `2026-11-20T10:00+01:00`. Pure: the clock comes in. Without a zone UTC is meant, so that a saved query says the same
 * everywhere; a query that names its zone says so itself.
 */
import { localOf, momentOf } from './zone.ts';

/** A point with its grain: `2026-11-20` is the whole day, `2026-11-20T10:00` that minute, `7d` an instant. */
export interface Moment {
  /** ms since epoch. */
  from: number;
  /** Exclusive end of the grain; equal to `from` for an instant. */
  to: number;
  relative: boolean;
}

const UNIT: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?)?(Z|[+-]\d\d:?\d\d)?$/i;

/** Null when the text is no time. `now` is ms since epoch; times without a zone of their own are those of `zone`. */
export function parseMoment(text: string, now: number, zone = 'UTC'): Moment | null {
  if (text === 'now') return { from: now, to: now, relative: true };
  if (text === 'today') return dayOf(now, 0, zone);
  if (text === 'yesterday') return dayOf(now, -1, zone);
  const ago = /^-?(\d{1,6})([smhdw])$/.exec(text);
  if (ago !== null) {
    const at = now - Number(ago[1]) * (UNIT[ago[2] ?? ''] ?? 0);
    return { from: at, to: at, relative: true };
  }
  const m = ISO.exec(text);
  if (m === null) return null;
  const [, year, month, day, hour, minute, second, fraction, offset] = m;
  const local = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
    Number((fraction ?? '').padEnd(3, '0')),
  );
  // Date.UTC rolls 31 February over into March: a date that does not come back is none.
  const back = new Date(local);
  if (back.getUTCMonth() !== Number(month) - 1 || back.getUTCDate() !== Number(day)) return null;
  if (Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59 || Number(second ?? 0) > 59) return null;
  const at = (wall: number): number =>
    offset === undefined ? momentOf(wall, zone) : wall - zoneOffset(offset);
  const from = at(local);
  // A day ends where the next one begins, after 23 or 25 hours when the clocks are changed in it.
  if (hour === undefined) return { from, to: at(local + DAY), relative: false };
  const grain = second === undefined ? 60_000 : fraction === undefined ? 1000 : 1;
  return { from, to: from + grain, relative: false };
}

const DAY = 86_400_000;

/** The whole day that is `days` after today, by the clocks of a zone. */
function dayOf(now: number, days: number, zone: string): Moment {
  const midnight = (Math.floor(localOf(now, zone) / DAY) + days) * DAY;
  return { from: momentOf(midnight, zone), to: momentOf(midnight + DAY, zone), relative: false };
}

function zoneOffset(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith('-') ? -1 : 1) * minutes * 60_000;
}

/** A time argument (`--since`, `--until`) as ms since epoch: the start of what it names. Null when it is no time. */
export function parseTime(text: string, now: number): number | null {
  return parseMoment(text.trim(), now)?.from ?? null;
}

/** What a time argument may look like, for error messages. */
export const TIME_HINT =
  'A time is relative (15m, 2h, 7d, 2w, now, today, yesterday) or absolute (2026-11-20, 2026-11-20T10:00Z, 2026-11-20T10:00+01:00).';
