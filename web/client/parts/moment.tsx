/** A point in time in the reader's zone; UTC in the title. Takes ISO 8601; anything else is shown as a dash. */
import { clock, dayShort, fullTime, mediumTime, sameDay, utc } from '../format/time.ts';

export function Moment({ at, form = 'full' }: { at: string; form?: 'row' | 'full' | 'medium' }) {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return <span>–</span>;
  return (
    <time dateTime={at} title={`${fullTime(ms)}\n${utc(ms)}`}>
      {form === 'row' ? rowTime(ms) : form === 'full' ? fullTime(ms) : mediumTime(ms)}
    </time>
  );
}

function rowTime(ms: number): string {
  return sameDay(ms, Date.now()) ? clock(ms) : `${dayShort(ms)} ${clock(ms)}`;
}
