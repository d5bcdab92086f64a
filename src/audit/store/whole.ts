/**
 * Puts counts, charts and facets together out of what single days answer. Pure but for the asking. When the time is over or
 * nobody waits any more, the days that were not asked yet are left out and the answer says so: `exact` is false and
 * `reached` is the time from which on everything was counted. Asked again it goes on, since whole days are remembered
 * (thread-store.ts).
 */
import { AbandonedError } from './pool.ts';
import type { Bucket, Count, Facets, Histogram, HistogramOptions } from './store.ts';

/** What one day answers. */
export interface DayPart<T> {
  value: T;
  exact: boolean;
}
export type FacetTotals = [value: string | number | null, count: number, bytes: number][];

/** Ask all days, newest first; null stands for a day that cannot be read yet. */
export async function overDays<T>(
  days: readonly string[],
  ask: (day: string) => Promise<DayPart<T> | null>,
): Promise<{ parts: T[]; told: { exact: boolean; reached?: number | null } }> {
  const answers = await Promise.all(
    days.map(day =>
      ask(day).catch((error: unknown) => {
        if (error instanceof AbandonedError) return 'late' as const;
        throw error;
      }),
    ),
  );
  const parts: T[] = [];
  let reached: number | null = null;
  let exact = true;
  for (const [i, answer] of answers.entries()) {
    if (answer === null) continue;
    if (answer === 'late' || !answer.exact) {
      if (exact) reached = i === 0 ? null : Date.parse(days[i - 1] ?? '');
      exact = false;
    }
    if (answer !== 'late') parts.push(answer.value);
  }
  return { parts, told: exact ? { exact } : { exact, reached } };
}

export async function countDays(
  days: readonly string[],
  ask: (day: string) => Promise<DayPart<number> | null>,
): Promise<Count> {
  const { parts, told } = await overDays(days, ask);
  return { count: parts.reduce((a, b) => a + b, 0), ...told };
}

/** Empty bars of a chart; none when the range is empty. */
export function emptyBuckets(options: HistogramOptions): Bucket[] {
  const n = Math.min(1000, Math.max(1, Math.trunc(options.buckets)));
  const width = (options.until - options.since) / n;
  if (!(width > 0)) return [];
  return Array.from({ length: n }, (_, i) => ({
    time: options.since + i * width,
    inspect: 0,
    passthrough: 0,
    block: 0,
    none: 0,
    faults: 0,
  }));
}

export async function chartDays(
  days: readonly string[],
  options: HistogramOptions,
  ask: (day: string) => Promise<DayPart<Bucket[]> | null>,
): Promise<Histogram> {
  const buckets = emptyBuckets(options);
  if (buckets.length === 0) return { buckets, exact: true };
  const { parts, told } = await overDays(days, ask);
  for (const part of parts)
    for (const [i, bar] of part.entries()) {
      const sum = buckets[i];
      if (sum === undefined) continue;
      sum.inspect += bar.inspect;
      sum.passthrough += bar.passthrough;
      sum.block += bar.block;
      sum.none += bar.none;
      sum.faults += bar.faults;
    }
  return { buckets, ...told };
}

export async function facetDays(
  days: readonly string[],
  limit: number | undefined,
  ask: (day: string) => Promise<DayPart<FacetTotals> | null>,
): Promise<Facets> {
  const { parts, told } = await overDays(days, ask);
  const totals = new Map<string | number | null, { count: number; bytes: number }>();
  for (const part of parts)
    for (const [value, count, bytes] of part) {
      const known = totals.get(value);
      if (known === undefined) totals.set(value, { count, bytes });
      else {
        known.count += count;
        known.bytes += bytes;
      }
    }
  const values = [...totals]
    .map(([value, total]) => ({ value, ...total }))
    .sort((a, b) => b.count - a.count || String(a.value).localeCompare(String(b.value)))
    .slice(0, Math.min(1000, Math.max(1, limit ?? 20)));
  return { values, ...told };
}
