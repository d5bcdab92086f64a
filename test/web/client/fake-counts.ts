/** Histogram and top values over rows in memory, as the contract words them. */
import { FACET_FIELDS } from '../../../web/contract.ts';
import type { ExchangeRow, Facets, FlowRow, Histogram, HistogramBucket } from '../../../web/contract.ts';
import { timeOf } from './fake-api.ts';

type Row = ExchangeRow | FlowRow;

export function histogramOf(rows: Row[], params: URLSearchParams): Histogram {
  const until = timeOf(params.get('until')) ?? Date.now();
  const since = timeOf(params.get('since')) ?? until - 86_400_000;
  const n = Number(params.get('buckets') ?? 120);
  const step = Math.max(1, Math.ceil((until - since) / n));
  const buckets: HistogramBucket[] = Array.from({ length: n }, (_, at) => ({
    time: new Date(since + at * step).toISOString(),
    inspect: 0,
    passthrough: 0,
    block: 0,
    none: 0,
    faults: 0,
  }));
  for (const row of rows) {
    const bucket = buckets[Math.floor((Date.parse(row.time) - since) / step)];
    if (bucket === undefined) continue;
    bucket[row.verdict ?? 'none']++;
    if (row.fault !== null) bucket.faults++;
  }
  return {
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    step,
    buckets,
    exact: true,
  };
}

export function facetsOf(rows: Row[], params: URLSearchParams): Facets {
  const kind = params.get('kind') === 'flows' ? 'flows' : 'exchanges';
  const asked = params.get('fields');
  const top = Number(params.get('top') ?? 10);
  const fields = asked === null ? FACET_FIELDS[kind] : asked.split(',');
  return {
    facets: fields.map(field => {
      const counts = new Map<string, number>();
      for (const row of rows) {
        const columns = row as unknown as Record<string, string | number | null | undefined>;
        const value = columns[field === 'type' ? 'contentType' : field];
        if (value !== null && value !== undefined)
          counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
      }
      const sorted = [...counts].sort((a, b) => b[1] - a[1]);
      return {
        field,
        values: sorted.slice(0, top).map(([value, count]) => ({ value, count })),
        more: sorted.length > top,
        exact: true,
      };
    }),
  };
}
