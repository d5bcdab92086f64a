/** The most frequent values of one field in the last day; each is a link to its rows. */
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { count } from '../format/numbers.ts';
import { visible } from '../format/visible.ts';
import { LinkTo } from '../parts/link-to.tsx';
import { Failed } from '../parts/notes.tsx';
import { term } from '../state/term.ts';
import { listAddress } from '../state/view.ts';
import type { Show } from '../state/view.ts';

export interface TopListProps {
  title: string;
  /** Query that the counted rows match. */
  q: string;
  show: Show;
  field: string;
}

const TOP = 7;

export function TopList({ title, q, show, field }: TopListProps) {
  const asked = useAsk(
    JSON.stringify([q, show, field]),
    signal => api.facets({ kind: show, q, since: '24h' }, [field], TOP, signal),
    60_000,
  );
  const facet = asked.data?.facets.find(entry => entry.field === field);
  const values = facet?.values ?? [];
  const most = Math.max(1, ...values.map(entry => entry.count));
  return (
    <section className="card top-card" aria-busy={asked.loading}>
      <h2>{title}</h2>
      {asked.failure !== null && asked.data === null ? (
        <Failed failure={asked.failure} again={asked.again} />
      ) : asked.data === null ? (
        <p className="quiet">…</p>
      ) : values.length === 0 ? (
        <p className="quiet">Nothing in the last 24 hours.</p>
      ) : (
        <ul>
          {values.map(entry => (
            <li key={entry.value}>
              <LinkTo
                to={listAddress({
                  show,
                  q: `${q} ${term(field, entry.value, 'in')}`.trim(),
                  range: { kind: 'recent', span: '24h' },
                })}
              >
                <span
                  className="facet-bar"
                  style={{ width: `${(entry.count / most) * 100}%` }}
                  aria-hidden="true"
                />
                <bdi className="top-value" title={visible(entry.value.slice(0, 500))}>
                  {visible(entry.value.slice(0, 200))}
                </bdi>
                <span className="number">
                  {facet?.exact === false ? '≥ ' : ''}
                  {count(entry.count)}
                </span>
              </LinkTo>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
