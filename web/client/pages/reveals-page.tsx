/** Who wants to see bodies and why: requests of others that wait for a decision, and the reader's own. */
import type { RevealRow, RevealsView } from '../../contract.ts';
import { addresses, api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { Captured } from '../parts/captured.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Moment } from '../parts/moment.tsx';
import { Failed, Waiting } from '../parts/notes.tsx';
import { ActFailed } from '../parts/problem.tsx';
import { pathOf } from '../state/places.ts';

export function RevealsPage() {
  const asked = useAsk('reveals', signal => api.reveals(signal), 10_000);
  return (
    <main id="main" className="page">
      <header className="page-head">
        <h1>Reveals</h1>
        <p className="fine">Who wanted to see what people sent and got, and why.</p>
      </header>
      {asked.data !== null ? (
        <Reveals view={asked.data} again={asked.again} />
      ) : asked.failure === null ? (
        <Waiting what="the requests" />
      ) : (
        <Failed failure={asked.failure} again={asked.again} />
      )}
    </main>
  );
}

function Reveals({ view, again }: { view: RevealsView; again: () => void }) {
  return (
    <>
      {view.secondPerson ? (
        <section className="stack" aria-labelledby="reveals-waiting">
          <h2 id="reveals-waiting">Waiting for you or another one</h2>
          {view.waiting.length === 0 ? (
            <p className="quiet">Nothing waits. A request of somebody else appears here by itself.</p>
          ) : (
            <ul className="versions">
              {view.waiting.map(row => (
                <li key={row.id} className="card version">
                  <Request row={row} />
                  <Decide row={row} decided={again} />
                </li>
              ))}
            </ul>
          )}
        </section>
      ) : (
        <p className="lead">
          A stated reason opens a body for a while. That a second person agrees is wanted with the setting
          reveal.second-person.
        </p>
      )}
      <section className="stack" aria-labelledby="reveals-own">
        <h2 id="reveals-own">Yours</h2>
        {view.own.length === 0 ? (
          <p className="quiet">You have not asked for a body lately.</p>
        ) : (
          <ul className="versions">
            {view.own.map(row => (
              <li key={row.id} className="card version">
                <Request row={row} />
                <p>
                  <State row={row} />
                </p>
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

const SIDES = { req: 'request body', res: 'response body', both: 'both bodies' } as const;

function Request({ row }: { row: RevealRow }) {
  const { what } = row;
  return (
    <>
      <header>
        <h3>
          <Captured text={row.user} max={64} />:{' '}
          {'q' in what ? (
            <>
              export with bodies of <Captured text={what.q === '' ? 'everything' : what.q} max={120} />
            </>
          ) : (
            <>
              {SIDES[what.side]} of{' '}
              <LinkTo to={pathOf({ kind: 'exchanges', id: what.exchange })}>
                a request to <Captured text={what.host} max={80} />
              </LinkTo>
            </>
          )}
        </h3>
        <span className="fine">
          <Moment at={row.created} form="medium" />
        </span>
      </header>
      <p>
        <Captured text={row.reason} max={500} />
        {row.case === '' ? null : (
          <span className="fine">
            {' '}
            Case <Captured text={row.case} max={64} />
          </span>
        )}
      </p>
    </>
  );
}

function State({ row }: { row: RevealRow }) {
  const by = row.decidedBy === null ? '' : ` by ${row.decidedBy}`;
  if (row.state === 'denied') return <span className="warn">Refused{by}.</span>;
  if (row.state === 'ended') return <span className="quiet">Over{by === '' ? '' : `; agreed${by}`}.</span>;
  if (row.state === 'waiting')
    return (
      <>
        Waits until <Moment at={row.until} form="medium" />.
      </>
    );
  return (
    <>
      Open{by === '' ? '' : `, agreed${by}`}, until <Moment at={row.until} form="medium" />.{' '}
      {'q' in row.what ? (
        <a href={addresses.revealedExport(row.id)} download>
          Download the HAR file
        </a>
      ) : null}
    </>
  );
}

function Decide({ row, decided }: { row: RevealRow; decided: () => void }) {
  const act = useAct((decision: 'approve' | 'deny') => api.decideReveal(row.id, { decision }), decided);
  return (
    <>
      <div className="form-row">
        <button
          type="button"
          className="button button-strong"
          disabled={act.busy}
          onClick={() => act.run('approve')}
        >
          Agree<span className="visually-hidden"> to request {row.id}</span>
        </button>
        <button type="button" className="button" disabled={act.busy} onClick={() => act.run('deny')}>
          Refuse<span className="visually-hidden"> request {row.id}</span>
        </button>
        <span className="fine">
          Waits until <Moment at={row.until} form="medium" />
        </span>
      </div>
      <ActFailed failure={act.failure} />
    </>
  );
}
