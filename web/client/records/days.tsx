/** Each day with its rows, its size, whether it is sealed, and which holds keep it. */
import type { DayRow, HoldRow } from '../../contract.ts';
import { bytes, count } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { Empty } from '../parts/notes.tsx';

export interface DaysProps {
  days: readonly DayRow[];
  holds: readonly HoldRow[];
  /** Asks for a hold from this day; left out when the reader may not. */
  hold?: (day: string) => void;
}

export function Days({ days, holds, hold }: DaysProps) {
  if (days.length === 0)
    return (
      <Empty title="No days yet">
        <p>The first day appears with the first recorded connection.</p>
      </Empty>
    );
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Days">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col" className="number">
              Requests
            </th>
            <th scope="col" className="number">
              Connections
            </th>
            <th scope="col" className="number">
              Events
            </th>
            <th scope="col" className="number">
              Size
            </th>
            <th scope="col">State</th>
            <th scope="col">Held</th>
            {hold === undefined ? null : (
              <th scope="col">
                <span className="visually-hidden">Hold</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {days.map(day => (
            <tr key={day.day}>
              <td className="nowrap mono">{day.day}</td>
              <td className="number">{count(day.exchanges)}</td>
              <td className="number">{count(day.flows)}</td>
              <td className="number">{count(day.events)}</td>
              <td className="number nowrap">{bytes(day.bytes)}</td>
              <td className="nowrap">
                {day.sealed ? 'sealed' : 'open'}
                {day.attached ? ', attached' : ''}
              </td>
              <td className="detail">
                <HeldBy holds={holds.filter(one => day.holds.includes(one.id))} />
              </td>
              {hold === undefined ? null : (
                <td className="nowrap">
                  <button
                    type="button"
                    className="button"
                    aria-label={`Hold ${day.day}`}
                    onClick={() => hold(day.day)}
                  >
                    Hold …
                  </button>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function HeldBy({ holds }: { holds: readonly HoldRow[] }) {
  if (holds.length === 0) return <span className="nothing">no</span>;
  return holds.map(hold => (
    <div key={hold.id}>
      <Captured text={hold.by} max={60} />: <Captured text={hold.reason} max={120} />
    </div>
  ));
}
