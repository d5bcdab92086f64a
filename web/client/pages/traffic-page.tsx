/**
 * Traffic: live and history in one list, with the panel of what is open beside it. The address bar holds the view, so
 * this page has no state of its own worth keeping.
 */
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { useGoOn } from '../hooks/use-go-on.ts';
import { useKeys } from '../hooks/use-keys.ts';
import { useRows } from '../hooks/use-rows.ts';
import { counted } from '../format/numbers.ts';
import { Panel } from '../detail/panel.tsx';
import { navigate } from '../router.ts';
import { FilterContext } from '../state/filter.ts';
import type { Filter } from '../state/filter.ts';
import { addressOf } from '../state/places.ts';
import type { Opened } from '../state/places.ts';
import { withTerm } from '../state/term.ts';
import { listAddress, readView, viewParams } from '../state/view.ts';
import type { View } from '../state/view.ts';
import { Histogram, total } from '../traffic/histogram.tsx';
import { Legend } from '../traffic/legend.tsx';
import { ListFoot } from '../traffic/list-foot.tsx';
import { Refine } from '../traffic/refine.tsx';
import { RowGrid } from '../traffic/row-grid.tsx';
import { Toolbar } from '../traffic/toolbar.tsx';

const BUCKETS = 120;
const REFRESH = 15_000;
/** `j` held down must not open every row it passes: each one opened is a line in the trail. */
const OPEN_DELAY = 160;

export function TrafficPage({ search, opened }: { search: string; opened: Opened | null }) {
  const view = useMemo(() => readView(search), [search]);
  const full = opened !== null && new URLSearchParams(search).get('full') === '1';
  const recent = view.range.kind === 'recent';

  const change = useCallback(
    (part: Partial<View>, how: 'push' | 'replace' = 'push') => {
      navigate(addressOf({ ...view, ...part }, opened, full), how);
    },
    [view, opened, full],
  );
  const filter = useCallback<Filter>(
    (field, value, how) => change({ q: withTerm(view.q, field, value, how) }),
    [change, view.q],
  );
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const open = useCallback(
    (id: string) => {
      clearTimeout(timer.current);
      const to = addressOf(view, { kind: view.show, id }, full);
      if (opened === null) navigate(to);
      else timer.current = setTimeout(() => navigate(to, 'replace'), OPEN_DELAY);
    },
    [view, opened, full],
  );
  const close = useCallback(() => {
    clearTimeout(timer.current);
    navigate(listAddress(view));
    document.querySelector<HTMLElement>('.grid')?.focus();
  }, [view]);
  useKeys({ Escape: close }, opened !== null);

  const query = viewParams(view);
  const rows = useRows(query, recent);
  const histogram = useAsk(
    JSON.stringify(query),
    signal => api.histogram(query, BUCKETS, signal),
    recent && view.live ? REFRESH : undefined,
  );
  useGoOn(histogram);
  const failure = rows.state.failure?.code === 'bad-query' ? rows.state.failure : null;
  const sum = histogram.data?.buckets.reduce((all, bucket) => all + total(bucket), 0) ?? 0;
  const what = view.show === 'exchanges' ? 'request' : 'connection';

  return (
    <FilterContext.Provider value={filter}>
      <main
        id="main"
        className={`traffic${opened === null ? '' : ' traffic-split'}${full ? ' traffic-full' : ''}`}
      >
        <h1 className="visually-hidden">Traffic</h1>
        <section className="traffic-list" aria-label="List">
          <Toolbar view={view} change={change} failure={failure} tail={rows.tail} />
          <div className="traffic-chart" hidden={failure !== null}>
            {histogram.data === null ? (
              <div className="histogram-blank" />
            ) : (
              <>
                <Legend buckets={histogram.data.buckets}>
                  {`${histogram.data.exact ? '' : 'at least '}${counted(sum, what)}`}
                </Legend>
                <Histogram
                  data={histogram.data}
                  stale={histogram.stale}
                  zoom={(since, until) => change({ range: { kind: 'fixed', since, until } })}
                />
              </>
            )}
          </div>
          <div className="traffic-rows">
            {view.refine ? <Refine view={view} /> : null}
            <RowGrid
              key={view.show}
              show={view.show}
              rows={rows}
              openedId={opened?.kind === view.show ? opened.id : null}
              paused={!view.live}
              open={open}
              foot={<ListFoot rows={rows} view={view} change={change} />}
            />
          </div>
        </section>
        {opened === null ? null : (
          <Panel
            opened={opened}
            full={full}
            close={close}
            toggleFull={() => navigate(addressOf(view, opened, !full), 'replace')}
            go={to => navigate(addressOf(view, to, full))}
            view={view}
          />
        )}
      </main>
    </FilterContext.Provider>
  );
}
