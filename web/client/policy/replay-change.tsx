/** What a replay found to change, as cards: from what to what, how much of it, where, whose, and by which rules. */
import type { ReactNode } from 'react';
import type { AffectedView, CountedValue, MannerView, ReplayChange } from '../../contract.ts';
import { count } from '../format/numbers.ts';
import { visible } from '../format/visible.ts';
import { Captured } from '../parts/captured.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Verdict } from '../parts/verdict.tsx';
import { term } from '../state/term.ts';
import { listAddress } from '../state/view.ts';
import type { Span } from './spans.ts';

interface CardProps {
  span: Span;
  /** What its counts are of; the links lead there. */
  of: 'flows' | 'exchanges';
  /** The heading beside the change. */
  amount: string;
  /** Another list behind the hosts. */
  more?: { title: string; values: readonly CountedValue[] };
}

/** Another verdict. */
export function ChangeCard({ change, ...props }: CardProps & { change: ReplayChange }) {
  return (
    <AffectedCard
      {...props}
      affected={change}
      label={`${change.from} to ${change.to}`}
      was={term('verdict', change.from, 'in')}
      way={<Way from={<Verdict action={change.from} />} to={<Verdict action={change.to} />} />}
    />
  );
}

const MANNER_WORDS: Record<MannerView['what'], string> = {
  capture: 'Records',
  mask: 'Masks',
  tls: 'Offers TLS',
  parent: 'Goes through',
  block: 'Told by',
};

/** The same verdict in another manner. */
export function MannerCard({ manner, ...props }: CardProps & { manner: MannerView }) {
  const { what } = manner;
  const [from, to] = [manner.from, manner.to].map(v => v ?? (what === 'parent' ? 'no parent' : 'none'));
  return (
    <AffectedCard
      {...props}
      affected={manner}
      label={`${MANNER_WORDS[what]} ${visible(from ?? '')} to ${visible(to ?? '')}`}
      was=""
      way={
        <>
          {MANNER_WORDS[what]}{' '}
          <Way from={<Captured text={from ?? ''} max={60} />} to={<Captured text={to ?? ''} max={60} />} />
        </>
      }
    />
  );
}

function Way({ from, to }: { from: ReactNode; to: ReactNode }) {
  return (
    <span className="change-way">
      {from}
      <span aria-hidden="true">→</span>
      <span className="visually-hidden">would become</span>
      {to}
    </span>
  );
}

interface AffectedCardProps extends CardProps {
  affected: AffectedView;
  label: string;
  way: ReactNode;
  /** Query term that the links narrow by, or empty. */
  was: string;
}

function AffectedCard({ affected: change, label, way, was, span, of, amount, more }: AffectedCardProps) {
  const about = change.exact ? '' : 'at least ';
  const link = (...terms: string[]): string =>
    listAddress({
      show: of,
      q: terms.filter(text => text !== '').join(' '),
      range: { kind: 'recent', span },
      live: false,
    });
  const who = change.users === 0 ? 'client' : 'user';
  return (
    <section className="card change-card" aria-label={`${amount}, ${label}`}>
      <header>
        {way}
        <strong>{amount}</strong>
      </header>
      <p className="fine">
        {about}
        {count(change.hosts)} {change.hosts === 1 ? 'host' : 'hosts'}, {count(change.clients)}{' '}
        {change.clients === 1 ? 'client' : 'clients'}
        {change.users === 0 ? '' : `, ${count(change.users)} ${change.users === 1 ? 'user' : 'users'}`}
      </p>
      <Top title="Hosts" values={change.topHosts} link={value => link(term('host', value, 'in'), was)} />
      {more === undefined ? null : <Top title={more.title} values={more.values} />}
      <Top
        title={change.users === 0 ? 'Clients' : 'Users'}
        values={change.users === 0 ? change.topClients : change.topUsers}
        link={value => link(term(who, value, 'in'), was)}
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
