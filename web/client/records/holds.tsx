/** All holds, those that were lifted too: from when to when, by whom, why. */
import type { HoldRow } from '../../contract.ts';
import { Captured } from '../parts/captured.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty } from '../parts/notes.tsx';

export function Holds({ holds, release }: { holds: readonly HoldRow[]; release?: (hold: HoldRow) => void }) {
  if (holds.length === 0)
    return (
      <Empty title="No legal holds">
        <p>
          Days are deleted when they are older or larger than the settings allow. A hold keeps them for a case
          {release === undefined ? '; an admin lays it.' : ': choose Hold beside its first day.'}
        </p>
      </Empty>
    );
  return (
    <section className="stack" aria-labelledby="holds">
      <h2 id="holds">Legal holds</h2>
      <ul className="versions">
        {holds.map(hold => (
          <li key={hold.id} className="card version">
            <header>
              <h3>{hold.first === hold.last ? hold.first : `${hold.first} to ${hold.last}`}</h3>
              <span className="fine">
                {hold.lifted === null ? 'holds' : 'lifted'} · number {hold.id}
              </span>
            </header>
            <p>
              <Captured text={hold.reason} max={1000} />
            </p>
            <p className="fine">
              Laid by <Captured text={hold.by} max={60} />, <Moment at={hold.created} form="medium" />
              {hold.lifted === null ? null : (
                <>
                  {' '}
                  · lifted by <Captured text={hold.liftedBy ?? 'nobody'} max={60} />,{' '}
                  <Moment at={hold.lifted} form="medium" />
                </>
              )}
            </p>
            {hold.lifted !== null || release === undefined ? null : (
              <div className="form-end">
                <button
                  type="button"
                  className="button"
                  aria-label={`Release hold ${hold.id}`}
                  onClick={() => release(hold)}
                >
                  Release …
                </button>
              </div>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
