/** A list of named facts. Facts that are null are left out, so records of every shape read well. */
import type { ReactNode } from 'react';
import { FilterValue } from '../parts/filter-value.tsx';

export type Fact = readonly [name: string, value: ReactNode];

export function Facts({ facts }: { facts: readonly Fact[] }) {
  const told = facts.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return (
    <dl className="facts">
      {told.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Machine that recorded a row, where several may have: ids of a fleet's store begin with its number. */
export const recordedBy = (row: { flow: string; proxy: string | null }): ReactNode =>
  row.proxy === null || row.flow.split('-').length < 3 ? null : (
    <FilterValue field="proxy" value={row.proxy} />
  );

export function Section({
  title,
  extra,
  children,
}: {
  title: string;
  extra?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="section">
      <div className="section-head">
        <h3>{title}</h3>
        {extra}
      </div>
      {children}
    </section>
  );
}
