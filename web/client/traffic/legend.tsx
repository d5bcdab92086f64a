/** What the colours of the histogram mean, with the sum of each. */
import type { ReactNode } from 'react';
import type { HistogramBucket } from '../../contract.ts';
import { shortCount } from '../format/numbers.ts';
import { ZONE } from '../format/time.ts';

const SERIES = [
  ['inspect', 'inspect'],
  ['passthrough', 'passthrough'],
  ['block', 'block'],
  ['none', 'no verdict'],
  ['faults', 'with a fault'],
] as const;

export function Legend({ buckets, children }: { buckets: readonly HistogramBucket[]; children: ReactNode }) {
  return (
    <div className="legend">
      <strong>{children}</strong>
      <ul>
        {SERIES.map(([name, label]) => {
          const sum = buckets.reduce((all, bucket) => all + bucket[name], 0);
          return sum === 0 ? null : (
            <li key={name}>
              <span className={`swatch swatch-${name}`} aria-hidden="true" />
              {label} <span className="number">{shortCount(sum)}</span>
            </li>
          );
        })}
      </ul>
      <span className="fine">times in {ZONE}</span>
    </div>
  );
}
