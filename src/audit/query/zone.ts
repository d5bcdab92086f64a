/**
 * Local times of a named zone as points in time, across summer and winter time. Pure: the zones are those that Node brings (IANA).
 *
 * A local time that does not exist (the hour that is skipped in spring) means the moment the clocks were put forward; one
 * that exists twice (autumn) means the first of the two.
 */

/** A zone as `zone:` names it, in its canonical writing; null when there is none of this name. */
export function zoneNamed(name: string): string | null {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,39}$/.test(name)) return null;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** The moment of a local time, ms since epoch; `local` is that time read as if it were UTC. */
export function momentOf(local: number, zone: string): number {
  if (zone === 'UTC') return local;
  // The offset before and after a change of the clocks; a day is farther than any of them reaches.
  const before = offsetAt(local - DAY, zone);
  const after = offsetAt(local + DAY, zone);
  const first = local - before;
  if (offsetAt(first, zone) === before) return first;
  const second = local - after;
  if (offsetAt(second, zone) === after) return second;
  return changeBetween(second, first, zone);
}

/** What the clocks of a zone show at a moment, read as if it were UTC. */
export const localOf = (moment: number, zone: string): number => moment + offsetAt(moment, zone);

const DAY = 86_400_000;
/** Formats cost a millisecond to make. Bound: the zones of the world. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** How far a zone's clocks are ahead of UTC at a moment, ms. */
function offsetAt(moment: number, zone: string): number {
  if (zone === 'UTC') return 0;
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-u-hc-h23', {
      timeZone: zone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(moment)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000;
}

/** The moment between two at which the clocks are changed. */
function changeBetween(low: number, high: number, zone: string): number {
  const early = offsetAt(low, zone);
  let [from, to] = [low, high];
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2);
    if (offsetAt(middle, zone) === early) from = middle;
    else to = middle;
  }
  return to;
}
