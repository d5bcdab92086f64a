/**
 * The volatile values of a header block (headers.ts) as an exchange's own row keeps them: HTTP dates in a third of their length,
 * everything else as it is. `unpackVolatile` is the exact inverse of `packVolatile` for every string that splitHead makes.
 * Pure but for remembering the last date.
 */
const EOL = '\r\n';
/** Begins a packed date. A value as it came begins with the colon behind its name. */
const DATE = '\u0004';
/** `: ` and an IMF-fixdate (RFC 9110 §5.6.7). */
const LENGTH = 31;
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec';

/** Null when there is nothing to keep. */
export function packVolatile(volatile: string): string | null {
  if (volatile === '') return null;
  return volatile.length < LENGTH ? volatile : volatile.split(EOL).map(packLine).join(EOL);
}

export function unpackVolatile(packed: string): string {
  if (!packed.includes(DATE)) return packed;
  return packed
    .split(EOL)
    .map(line => (line.startsWith(DATE) ? `: ${dateText(parseInt(line.slice(1), 36))}` : line))
    .join(EOL);
}

/** The line packed last: at full rate many a response is of the same second. */
let last = { line: '', packed: '' };

function packLine(line: string): string {
  if (line.length !== LENGTH || !line.endsWith(' GMT')) return line;
  if (last.line !== line) last = { line, packed: packDate(line) };
  return last.packed;
}

function packDate(line: string): string {
  const number = (from: number, to: number): number => Number(line.slice(from, to));
  const month = MONTHS.indexOf(line.slice(10, 13)) / 4;
  const seconds =
    Date.UTC(number(14, 18), month, number(7, 9), number(19, 21), number(22, 24), number(25, 27)) / 1000;
  // Whatever else has this length (another weekday, 31 February) does not come back the same.
  return seconds >= 0 && `: ${dateText(seconds)}` === line ? DATE + seconds.toString(36) : line;
}

const dateText = (seconds: number): string => new Date(seconds * 1000).toUTCString();
