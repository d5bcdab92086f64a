/** A fault in plain words: what happened, on whose side, what to do, and the machine's own words. */
import type { FaultInfo } from '../../contract.ts';
import { Captured } from '../parts/captured.tsx';
import { FilterValue } from '../parts/filter-value.tsx';
import { Icon } from '../parts/icon.tsx';

const SIDES = {
  client: 'On the client’s side',
  origin: 'On the origin’s side',
  us: 'In Sightglass',
} as const;

export function FaultNote({ fault }: { fault: FaultInfo }) {
  return (
    <section className="fault-note" aria-label="Fault">
      <Icon name="fault" />
      <div>
        <h3>{fault.summary}</h3>
        <p>{fault.hint}</p>
        {fault.detail === null ? null : (
          <p className="mono fault-detail">
            <Captured text={fault.detail} />
          </p>
        )}
        <p className="fine">
          {SIDES[fault.side]}, phase {fault.phase}: <FilterValue field="fault" value={fault.code} mono />
        </p>
      </div>
    </section>
  );
}
