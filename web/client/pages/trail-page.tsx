/** What people did in this console, newest first. Pages of a hundred, fetched one after the other. */
import { useState } from 'react';
import type { TrailRow } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { Captured } from '../parts/captured.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Failed, Waiting } from '../parts/notes.tsx';

export function TrailPage() {
  const [earlier, setEarlier] = useState<TrailRow[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const asked = useAsk(`trail ${cursor ?? ''}`, signal => api.trail(cursor, signal));
  const page = asked.stale ? null : asked.data;
  const rows = [...earlier, ...(page?.rows ?? [])];
  return (
    <main id="main" className="page">
      <header className="page-head">
        <h1>Trail</h1>
        <p className="fine">
          Everything people did in this console: log-ins, searches, records and bodies looked at, exports.
        </p>
      </header>
      {rows.length === 0 && page !== null ? (
        <Empty title="Nothing yet">
          <p>The first search or log-in appears here.</p>
        </Empty>
      ) : rows.length === 0 ? null : (
        <div className="table-scroll" tabIndex={0} role="region" aria-label="Trail">
          <table className="table trail">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">User</th>
                <th scope="col">Address</th>
                <th scope="col">Action</th>
                <th scope="col">Detail</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(row => (
                <tr key={row.id}>
                  <td className="nowrap">
                    <Moment at={row.time} form="row" />
                  </td>
                  <td>
                    {row.user === null ? (
                      <span className="nothing">nobody</span>
                    ) : (
                      <Captured text={row.user} />
                    )}
                  </td>
                  <td className="mono nowrap">
                    <Captured text={row.address} />
                  </td>
                  <td className="mono nowrap">
                    <Captured text={row.action} />
                  </td>
                  <td className="mono detail">
                    <Captured text={detailText(row.detail)} max={200} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {asked.failure !== null ? (
        <Failed failure={asked.failure} again={asked.again} />
      ) : page === null ? (
        <Waiting what="the trail" />
      ) : page.next === null ? null : (
        <button
          type="button"
          className="button"
          onClick={() => {
            setEarlier(rows);
            setCursor(page.next);
          }}
        >
          Show older ones
        </button>
      )}
    </main>
  );
}

function detailText(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}
