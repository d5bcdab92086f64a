/** Connections of the last 24 hours by verdict, and those with a fault, with the shape of the day behind each number. */
import type { Histogram, HistogramBucket } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { count, percent } from '../format/numbers.ts';
import { Icon } from '../parts/icon.tsx';
import type { IconName } from '../parts/icon.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Failed } from '../parts/notes.tsx';
import { listAddress } from '../state/view.ts';

const DAY = { kind: 'recent', span: '24h' } as const;

const NUMBERS: readonly {
  key: 'inspect' | 'passthrough' | 'block' | 'faults';
  label: string;
  sub: string;
  q: string;
  icon: IconName;
}[] = [
  {
    key: 'inspect',
    label: 'Inspected',
    sub: 'decrypted and recorded',
    q: 'verdict:inspect',
    icon: 'inspect',
  },
  {
    key: 'passthrough',
    label: 'Passed through',
    sub: 'never decrypted',
    q: 'verdict:passthrough',
    icon: 'passthrough',
  },
  { key: 'block', label: 'Blocked', sub: 'refused by policy', q: 'verdict:block', icon: 'block' },
  { key: 'faults', label: 'With a fault', sub: 'blocked ones included', q: 'fault:*', icon: 'fault' },
];

export function DayNumbers() {
  const asked = useAsk('day', signal => api.histogram({ kind: 'flows', since: '24h' }, 48, signal), 30_000);
  if (asked.data === null && asked.failure !== null)
    return <Failed failure={asked.failure} again={asked.again} />;
  const buckets = asked.data?.buckets ?? [];
  const all =
    sum(buckets, 'inspect') + sum(buckets, 'passthrough') + sum(buckets, 'block') + sum(buckets, 'none');
  const least = asked.data?.exact === false ? '≥ ' : '';
  return (
    <section className="numbers-row" aria-label="Connections of the last 24 hours" aria-busy={asked.loading}>
      <LinkTo to={listAddress({ show: 'flows', range: DAY })} className="number-card number-all">
        <span className="number-label">Connections</span>
        <strong>{asked.data === null ? '…' : `${least}${count(all)}`}</strong>
        <span className="fine">in 24 hours, every one recorded</span>
      </LinkTo>
      {NUMBERS.map(({ key, label, sub, q, icon }) => (
        <LinkTo
          key={key}
          to={listAddress({ show: 'flows', q, range: DAY })}
          className={`number-card number-${key}`}
        >
          <span className="number-label">
            <Icon name={icon} />
            {label}
          </span>
          <strong>{asked.data === null ? '…' : `${least}${count(sum(buckets, key))}`}</strong>
          <span className="fine">{percent(sum(buckets, key), all) ?? sub}</span>
          <Spark data={asked.data} of={key} />
        </LinkTo>
      ))}
    </section>
  );
}

const sum = (buckets: readonly HistogramBucket[], key: keyof HistogramBucket): number =>
  buckets.reduce((all, bucket) => all + Number(bucket[key]), 0);

/** The day as 48 little bars. */
function Spark({ data, of }: { data: Histogram | null; of: 'inspect' | 'passthrough' | 'block' | 'faults' }) {
  const values = data?.buckets.map(bucket => bucket[of]) ?? [];
  const most = Math.max(1, ...values);
  return (
    <svg
      className="spark"
      viewBox={`0 0 ${Math.max(1, values.length) * 4} 24`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {values.map((value, at) => {
        const height = value === 0 ? 0 : Math.max(1, (value / most) * 24);
        return <rect key={at} x={at * 4} width={3} y={24 - height} height={height} />;
      })}
    </svg>
  );
}
