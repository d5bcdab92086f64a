/** The top values of each field in the current view. A click shows only rows with that value; the minus hides them. */
import { FACET_FIELDS } from '../../contract.ts';
import type { Facet } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { shortCount } from '../format/numbers.ts';
import { visible } from '../format/visible.ts';
import { Icon } from '../parts/icon.tsx';
import { Failed, Waiting } from '../parts/notes.tsx';
import { useFilter } from '../state/filter.ts';
import { viewParams } from '../state/view.ts';
import type { View } from '../state/view.ts';

const NAMES: Readonly<Record<string, string>> = {
  host: 'Host',
  client: 'Client',
  user: 'User',
  method: 'Method',
  status: 'Status',
  verdict: 'Verdict',
  rule: 'Rule',
  fault: 'Fault',
  type: 'Media type',
  ja4: 'JA4',
  proxy: 'Recorded by',
};

export function Refine({ view }: { view: View }) {
  const query = viewParams(view);
  const asked = useAsk(JSON.stringify(query), signal =>
    api.facets(query, FACET_FIELDS[view.show], 6, signal),
  );
  return (
    <aside className={asked.stale ? 'refine stale' : 'refine'} aria-label="Top values">
      {asked.data === null ? (
        asked.failure === null ? (
          <Waiting what="top values" />
        ) : asked.failure.code === 'bad-query' ? (
          <p className="fine">Top values appear when the query is in order.</p>
        ) : (
          <Failed failure={asked.failure} again={asked.again} />
        )
      ) : (
        asked.data.facets
          .filter(facet => facet.values.length > (facet.field === 'proxy' ? 1 : 0))
          .map(facet => <FacetList key={facet.field} facet={facet} />)
      )}
    </aside>
  );
}

function FacetList({ facet }: { facet: Facet }) {
  const filter = useFilter();
  const most = Math.max(1, ...facet.values.map(entry => entry.count));
  return (
    <section className="facet">
      <h2>{NAMES[facet.field] ?? facet.field}</h2>
      <ul>
        {facet.values.map(({ value, count }) => (
          <li key={value}>
            <span className="facet-bar" style={{ width: `${(count / most) * 100}%` }} aria-hidden="true" />
            <button
              type="button"
              className="facet-value"
              title={`Show only ${facet.field} ${visible(value.slice(0, 200))}`}
              onClick={() => filter?.(facet.field, value, 'in')}
            >
              <bdi>{value === '' ? '(empty)' : visible(value.slice(0, 120))}</bdi>
              <span className="number">
                {facet.exact ? '' : '≥ '}
                {shortCount(count)}
              </span>
            </button>
            <button
              type="button"
              className="icon-button"
              title={`Hide ${facet.field} ${visible(value.slice(0, 200))}`}
              onClick={() => filter?.(facet.field, value, 'out')}
            >
              <Icon name="minus" />
              <span className="visually-hidden">{`Hide ${facet.field} ${visible(value.slice(0, 80))}`}</span>
            </button>
          </li>
        ))}
      </ul>
      {facet.more ? <p className="fine">and more</p> : null}
    </section>
  );
}
