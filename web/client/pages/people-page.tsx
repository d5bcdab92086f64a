/** Who may open this console: roles, last log-in, second factor. Accounts are made on the command line. */
import { useState } from 'react';
import type { PeopleView, PersonRow } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { Captured } from '../parts/captured.tsx';
import { Moment } from '../parts/moment.tsx';
import { Failed, Waiting } from '../parts/notes.tsx';
import { ActFailed } from '../parts/problem.tsx';
import { useSession } from '../state/session.tsx';

export function PeoplePage() {
  const asked = useAsk('people', signal => api.people(signal));
  return (
    <main id="main" className="page">
      <header className="page-head">
        <h1>People</h1>
        <p className="fine">
          Accounts are made and shut with <code>sightglass user</code> on the machine of the service.
        </p>
      </header>
      {asked.data !== null ? (
        <People view={asked.data} again={asked.again} />
      ) : asked.failure === null ? (
        <Waiting what="the people" />
      ) : (
        <Failed failure={asked.failure} again={asked.again} />
      )}
    </main>
  );
}

function People({ view, again }: { view: PeopleView; again: () => void }) {
  return (
    <>
      <p className="lead">
        {view.demand.length === 0
          ? 'No role demands a second factor: name roles in the setting console.second-factor.'
          : `A second factor is demanded of: ${view.demand.join(', ')}.`}
      </p>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="People">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Roles</th>
              <th scope="col">Groups</th>
              <th scope="col">State</th>
              <th scope="col">Last log-in</th>
              <th scope="col">Second factor</th>
            </tr>
          </thead>
          <tbody>
            {view.people.map(person => (
              <Person key={person.name} person={person} demand={view.demand} again={again} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Person({
  person,
  demand,
  again,
}: {
  person: PersonRow;
  demand: PeopleView['demand'];
  again: () => void;
}) {
  const { me } = useSession();
  const [sure, setSure] = useState(false);
  const reset = useAct(
    () => api.resetSecondFactor(person.name),
    () => {
      setSure(false);
      again();
    },
  );
  return (
    <tr>
      <th scope="row">
        <Captured text={person.name} max={64} />
      </th>
      <td>{person.roles.join(', ')}</td>
      <td>{person.groups.length === 0 ? <span className="nothing">none</span> : person.groups.join(', ')}</td>
      <td>{person.disabled ? <span className="warn">shut</span> : 'open'}</td>
      <td className="nowrap">
        {person.lastLogin === null ? (
          <span className="nothing">never</span>
        ) : (
          <Moment at={person.lastLogin} form="medium" />
        )}
      </td>
      <td>
        {person.secondFactor === null ? (
          person.sso ? (
            'single sign-on'
          ) : person.roles.some(role => demand.includes(role)) ? (
            <span className="warn">due at the next log-in</span>
          ) : (
            <span className="nothing">off</span>
          )
        ) : (
          <div className="form-row">
            <span>
              on since <Moment at={person.secondFactor} form="medium" />
            </span>
            {person.name === me.name ? null : sure ? (
              <>
                <button
                  type="button"
                  className="button button-strong"
                  disabled={reset.busy}
                  onClick={() => reset.run()}
                >
                  Take it away<span className="visually-hidden"> from {person.name}</span>
                </button>
                <button type="button" className="button" onClick={() => setSure(false)}>
                  Keep it<span className="visually-hidden"> for {person.name}</span>
                </button>
              </>
            ) : (
              <button type="button" className="button" onClick={() => setSure(true)}>
                Reset …<span className="visually-hidden"> the second factor of {person.name}</span>
              </button>
            )}
          </div>
        )}
        <ActFailed failure={reset.failure} />
      </td>
    </tr>
  );
}
