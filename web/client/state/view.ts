/**
 * The traffic view as a value, and its one-to-one form in the address bar: a link reproduces what its sender saw.
 * Pure. Whatever stands in an address by mistake or malice falls back to the default of that field.
 */
import type { QueryParams } from '../../contract.ts';

export type Show = 'exchanges' | 'flows';

/** A span that ends now, or one between two instants (ms since epoch). */
export type Range = { kind: 'recent'; span: string } | { kind: 'fixed'; since: number; until: number };

export interface View {
  show: Show;
  q: string;
  range: Range;
  /** Follow new traffic as it comes. Only meaningful while the range ends now. */
  live: boolean;
  /** The panel with the top values of each field. */
  refine: boolean;
}

/** Spans a reader may choose; `span` is what the API takes as `since`. */
export const SPANS = [
  { span: '15m', label: '15 min', ms: 15 * 60_000 },
  { span: '1h', label: '1 hour', ms: 3_600_000 },
  { span: '24h', label: '24 hours', ms: 86_400_000 },
  { span: '7d', label: '7 days', ms: 7 * 86_400_000 },
  { span: '30d', label: '30 days', ms: 30 * 86_400_000 },
] as const;

export const DEFAULT_VIEW: View = {
  show: 'exchanges',
  q: '',
  range: { kind: 'recent', span: '1h' },
  live: true,
  refine: false,
};

const LONGEST_QUERY = 4000;

/** Read a view from the query string of an address. */
export function readView(search: string): View {
  const params = new URLSearchParams(search);
  return {
    show: params.get('show') === 'connections' ? 'flows' : 'exchanges',
    q: (params.get('q') ?? '').slice(0, LONGEST_QUERY),
    range: readRange(params),
    live: params.get('live') !== 'off',
    refine: params.get('refine') === 'on',
  };
}

function readRange(params: URLSearchParams): Range {
  const since = Date.parse(params.get('since') ?? '');
  const until = Date.parse(params.get('until') ?? '');
  if (since < until) return { kind: 'fixed', since, until };
  const span = params.get('range');
  return SPANS.some(s => s.span === span) && span !== null ? { kind: 'recent', span } : DEFAULT_VIEW.range;
}

/** The query string of a view, defaults left out; empty for the default view. */
export function writeView(view: View): string {
  const params = new URLSearchParams();
  if (view.show === 'flows') params.set('show', 'connections');
  if (view.q !== '') params.set('q', view.q);
  if (view.range.kind === 'fixed') {
    params.set('since', new Date(view.range.since).toISOString());
    params.set('until', new Date(view.range.until).toISOString());
  } else if (JSON.stringify(view.range) !== JSON.stringify(DEFAULT_VIEW.range)) {
    params.set('range', view.range.span);
  }
  if (!view.live) params.set('live', 'off');
  if (view.refine) params.set('refine', 'on');
  return params.toString();
}

/** Address of the list a view shows. */
export function listAddress(view: Partial<View>): string {
  const search = writeView({ ...DEFAULT_VIEW, ...view });
  return search === '' ? '/traffic' : `/traffic?${search}`;
}

/** What the API calls this view. */
export function viewParams(view: View): QueryParams & { kind: Show } {
  return {
    kind: view.show,
    ...(view.q === '' ? {} : { q: view.q }),
    ...(view.range.kind === 'recent'
      ? { since: view.range.span }
      : {
          since: new Date(view.range.since).toISOString(),
          until: new Date(view.range.until).toISOString(),
        }),
  };
}
