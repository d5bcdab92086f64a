/**
 * Questions as the console asks them: an answer that was cut short by its time is gone on with until it is whole. A busy machine
 * cuts any answer short.
 */
import type { Facets, Histogram, Kind, RowOf, SearchPage } from '../../../web/contract.ts';

type Get = <T>(path: string) => Promise<T>;

/** All rows of a search, page by page. */
export async function searched<K extends Kind>(get: Get, path: string): Promise<RowOf[K][]> {
  const rows: RowOf[K][] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: SearchPage<K> = await get(path + more);
    rows.push(...page.rows);
    cursor = page.next;
  }
  return rows;
}

export async function charted(get: Get, path: string): Promise<Histogram> {
  for (;;) {
    const chart = await get<Histogram>(path);
    if (chart.exact) return chart;
  }
}

export async function faceted(get: Get, path: string): Promise<Facets['facets']> {
  for (;;) {
    const { facets } = await get<Facets>(path);
    if (facets.every(facet => facet.exact)) return facets;
  }
}
