/**
 * The `time` of a condition: weekdays, a window of the day and the zone they are meant in. The zone is required, because a
 * window without one means something else on every machine; summer time is followed by the zone's own rules.
 */
import type { Condition } from './rule.ts';
import type { Place, YamlReader } from './yaml-reader.ts';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Read one window of time; null when it had problems. */
export function readTime(reader: YamlReader, place: Place): Condition | null {
  const entries = reader.mapping(place, ['days', 'window', 'zone']);
  if (entries === null) return null;
  const daysAt = entries.get('days');
  const windowAt = entries.get('window');
  const zoneAt = entries.get('zone');
  if (zoneAt === undefined) {
    reader.problem(place, `${place.path} has no zone`, 'Name a time zone: zone: Europe/Berlin, or UTC.');
    return null;
  }
  const zone = reader.text(zoneAt);
  if (zone !== null && !isZone(zone))
    reader.problem(
      zoneAt,
      `"${zone}" is no time zone`,
      'Use an IANA name such as Europe/Berlin, America/New_York or UTC.',
    );
  const days = daysAt === undefined ? [0, 1, 2, 3, 4, 5, 6] : readDays(reader, daysAt);
  const window = windowAt === undefined ? { from: 0, to: 1440 } : readWindow(reader, windowAt);
  if (zone === null || days === null || window === null) return null;
  return { test: 'time', days, ...window, zone };
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function readDays(reader: YamlReader, place: Place): number[] | null {
  const days = new Set<number>();
  for (const item of reader.items(place)) {
    const text = reader.text(item)?.toLowerCase();
    if (text === undefined) return null;
    const [first, last] = text.split('-', 2);
    const from = DAYS.indexOf(first ?? '');
    const to = last === undefined ? from : DAYS.indexOf(last);
    if (from < 0 || to < 0) {
      reader.problem(
        item,
        `"${text}" is no weekday`,
        `Valid: ${DAYS.join(', ')}, and ranges such as mon-fri.`,
      );
      return null;
    }
    for (let d = from; ; d = (d + 1) % 7) {
      days.add(d);
      if (d === to) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

function readWindow(reader: YamlReader, place: Place): { from: number; to: number } | null {
  const text = reader.text(place);
  if (text === null) return null;
  const m = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/.exec(text);
  const from = m === null ? NaN : Number(m[1]) * 60 + Number(m[2]);
  const to = m === null ? NaN : Number(m[3]) * 60 + Number(m[4]);
  const valid =
    m !== null && Number(m[2]) < 60 && Number(m[4]) < 60 && from < 1440 && to <= 1440 && from !== to;
  if (!valid) {
    reader.problem(
      place,
      `"${text}" is no window of the day`,
      'Write 08:00-18:00; 22:00-06:00 runs over midnight.',
    );
    return null;
  }
  return { from, to };
}
