/** Times in the reader's zone; UTC stands in the title of every one of them. Input is ms since epoch. */

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const CLOCK_SHORT = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const FULL = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});
const MEDIUM = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const DATE = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });

/** Name of the reader's zone, `Europe/Berlin`. */
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const clock = (ms: number): string => CLOCK.format(ms);
export const clockShort = (ms: number): string => CLOCK_SHORT.format(ms);
export const dayShort = (ms: number): string => DAY.format(ms);
export const fullTime = (ms: number): string => FULL.format(ms);
export const mediumTime = (ms: number): string => MEDIUM.format(ms);
export const dateOnly = (ms: number): string => DATE.format(ms);

/** `2026-11-20 12:34:56.789 UTC`; text that is no time comes back as `–`. */
export function utc(ms: number): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return '–';
  return `${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** Whether two instants lie on one calendar day of the reader. */
export function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** The value of an `<input type="datetime-local">` for an instant, in the reader's zone, to the second. */
export function toLocalInput(ms: number): string {
  const d = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** Inverse of toLocalInput; null when the text is no time. */
export function fromLocalInput(text: string): number | null {
  const ms = text === '' ? NaN : new Date(text).getTime();
  return Number.isNaN(ms) ? null : ms;
}
