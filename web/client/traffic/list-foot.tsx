/** What stands under or in place of the rows: loading, nothing found, failed, the end, or the bound of the window. */
import type { Rows } from '../hooks/use-rows.ts';
import { count } from '../format/numbers.ts';
import { Moment } from '../parts/moment.tsx';
import { Empty, Failed } from '../parts/notes.tsx';
import { MAX_ROWS } from '../state/rows-feed.ts';
import type { View } from '../state/view.ts';
import { NoRows } from './empty.tsx';

export interface ListFootProps {
  rows: Rows;
  view: View;
  change: (change: Partial<View>) => void;
}

export function ListFoot({ rows, view, change }: ListFootProps) {
  const { state, feed } = rows;
  if (state.failure !== null && state.failure.code !== 'bad-query' && state.rows.length === 0)
    return (
      <div className="grid-cover">
        <Failed failure={state.failure} again={() => void feed.start()} />
      </div>
    );
  if (state.loading)
    return (
      <div className="grid-cover grid-skeleton" role="status">
        <span className="visually-hidden">Loading rows …</span>
        {Array.from({ length: 12 }, (_, at) => (
          <span key={at} aria-hidden="true" />
        ))}
      </div>
    );
  if (state.rows.length === 0 && state.reached !== null && state.failure === null)
    return (
      <div className="grid-cover" role="status">
        <Empty title="Nothing found yet">
          <p>
            Searched back to <Moment at={state.reached} form="medium" />, going on …
          </p>
        </Empty>
      </div>
    );
  if (state.rows.length === 0)
    return (
      <div className="grid-cover">
        {state.failure === null ? <NoRows view={view} change={change} /> : <Unreadable />}
      </div>
    );
  return (
    <div className="list-foot">
      <span>
        {count(state.rows.length)} loaded
        {state.ended ? ', that is all' : ''}
        {state.loadingMore && state.reached === null ? ', loading more …' : ''}
        {state.reached === null ? null : (
          <>
            , searched back to <Moment at={state.reached} form="medium" />
            {state.loadingMore ? ', going on …' : ''}
          </>
        )}
        {state.skipped > 0 ? `; ${count(state.skipped)} came too fast to show live, reload to see them` : ''}
      </span>
      {state.full ? (
        <span>
          The list holds {count(MAX_ROWS)} rows at once.{' '}
          <button type="button" className="link" onClick={() => change({ range: older(rows, view) })}>
            Go on from the oldest one
          </button>
        </span>
      ) : null}
      {state.failure === null || state.failure.code === 'bad-query' ? null : (
        <span role="alert">
          {state.failure.message}{' '}
          <button type="button" className="link" onClick={() => void feed.more()}>
            Try again
          </button>
        </span>
      )}
    </div>
  );
}

/** The query has an error, which stands under the search box. */
function Unreadable() {
  return (
    <Empty title="This search cannot be read yet">
      <p>
        The place is marked above. <kbd>?</kbd> shows fields and examples.
      </p>
    </Empty>
  );
}

/** The same view before the oldest row that is loaded. */
function older(rows: Rows, view: View): View['range'] {
  const last = rows.state.rows.at(-1);
  if (last === undefined) return view.range;
  const until = Date.parse(last.time) + 1;
  const since = view.range.kind === 'fixed' ? view.range.since : until - 30 * 86_400_000;
  return { kind: 'fixed', since, until };
}
