/** One change that a replay found, as a card: from what to what, how much of it, where, whose, and by which rules. */
import type { CountedValue, ReplayChange } from '../../contract.ts';
import { count } from '../format/numbers.ts';
import { visible } from '../format/visible.ts';
import { Captured } from '../parts/captured.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Verdict } from '../parts/verdict.tsx';
import { term } from '../state/term.ts';
import { listAddress } from '../state/view.ts';
import type { Span } from './spans.ts';

export interface ChangeCardProps {
  change: ReplayChange;
  span: Span;
  /** What its counts are of; the links lead there. */
  of: 'flows' | 'exchanges';
  /** The heading beside the change. */
  amount: string;
  /** Another list behind the hosts. */
  more?: { title: string; values: readonly CountedValue[] };
}

export function ChangeCard({ change, span, of, amount, more }: ChangeCardProps) {
  const about = change.exact ? '' : 'at least ';
  const link = (q: string): string =>
    listAddress({ show: of, q, range: { kind: 'recent', span }, live: false });
  return (
    <section className="card change-card" aria-label={`${amount}, ${change.from} to ${change.to}`}>
      <header>
        <span className="change-way">
          <Verdict action={change.from} />
          <span aria-hidden="true">→</span>
          <span className="visually-hidden">would become</span>
          <Verdict action={change.to} />
        </span>
        <strong>{amount}</strong>
      </header>
      <p className="fine">
        {about}
        {count(change.hosts)} {change.hosts === 1 ? 'host' : 'hosts'}, {count(change.clients)}{' '}
        {change.clients === 1 ? 'client' : 'clients'}
        {change.users === 0 ? '' : `, ${count(change.users)} ${change.users === 1 ? 'user' : 'users'}`}
      </p>
      <Top
        title="Hosts"
        values={change.topHosts}
        link={value => link(`${term('host', value, 'in')} ${term('verdict', change.from, 'in')}`)}
      />
      {more === undefined ? null : <Top title={more.title} values={more.values} />}
      <Top
        title={change.users === 0 ? 'Clients' : 'Users'}
        values={change.users === 0 ? change.topClients : change.topUsers}
        link={value =>
          link(
            `${term(change.users === 0 ? 'client' : 'user', value, 'in')} ${term('verdict', change.from, 'in')}`,
          )
        }
      />
      <h3>Rules</h3>
      <ul className="rule-moves">
        {change.topRules.slice(0, 6).map(move => (
          <li key={`${move.from}\n${move.to}`}>
            <LinkTo to={link(term('rule', move.from, 'in'))} title="See what it decided">
              <Captured text={move.from} max={60} />
            </LinkTo>{' '}
            → <Captured text={move.to} max={60} />
            <span className="number">{count(move.flows)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Top({
  title,
  values,
  link,
}: {
  title: string;
  values: readonly CountedValue[];
  /** Where a value leads; without it values are told only. */
  link?: (value: string) => string;
}) {
  const most = Math.max(1, ...values.map(entry => entry.flows));
  return (
    <div className="top-card">
      <h3>{title}</h3>
      <ul>
        {values.slice(0, 7).map(entry => (
          <li key={entry.value}>
            {link === undefined ? (
              <span className="top-plain">
                <Bar entry={entry} most={most} />
              </span>
            ) : (
              <LinkTo to={link(entry.value)}>
                <Bar entry={entry} most={most} />
              </LinkTo>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Bar({ entry, most }: { entry: CountedValue; most: number }) {
  return (
    <>
      <span className="facet-bar" style={{ width: `${(entry.flows / most) * 100}%` }} aria-hidden="true" />
      <bdi className="top-value" title={visible(entry.value.slice(0, 500))}>
        {visible(entry.value.slice(0, 200))}
      </bdi>
      <span className="number">{count(entry.flows)}</span>
    </>
  );
}
