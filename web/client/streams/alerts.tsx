/** The alert rules: what each looks for, when it fired, what failed; made, changed, tested and deleted here. */
import { useState } from 'react';
import type { AlertRow } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { count, duration } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Failed, Waiting } from '../parts/notes.tsx';
import { ActFailed } from '../parts/problem.tsx';
import { AlertForm } from './alert-form.tsx';

export function Alerts() {
  const asked = useAsk('alerts', signal => api.alerts(signal), 15_000);
  const [editing, setEditing] = useState<AlertRow | 'new' | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  if (asked.data === null)
    return asked.failure === null ? (
      <Waiting what="the alerts" />
    ) : (
      <Failed failure={asked.failure} again={asked.again} />
    );
  const { alerts } = asked.data;
  const done = (told: string | null): void => {
    setEditing(null);
    setSecret(told);
    asked.again();
  };
  if (editing !== null)
    return (
      <AlertForm
        row={editing === 'new' ? null : editing}
        view={asked.data}
        done={done}
        close={() => setEditing(null)}
      />
    );
  return (
    <section className="stack">
      {secret === null ? null : (
        <p role="status">
          Its webhooks are signed with this secret, which is shown this once:{' '}
          <span className="mono">{secret}</span>
        </p>
      )}
      {alerts.length === 0 ? (
        <Empty title="No alerts yet">
          <p>An alert tells a webhook, a mail address or a stream when a search is met too often.</p>
          <div className="note-actions">
            <button type="button" className="button button-strong" onClick={() => setEditing('new')}>
              Make an alert
            </button>
          </div>
        </Empty>
      ) : (
        <>
          <div className="form-end">
            <button type="button" className="button button-strong" onClick={() => setEditing('new')}>
              Make an alert
            </button>
          </div>
          <ul className="versions">
            {alerts.map(alert => (
              <li key={alert.id} className="card version">
                <Alert alert={alert} edit={() => setEditing(alert)} changed={asked.again} />
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Alert({ alert, edit, changed }: { alert: AlertRow; edit: () => void; changed: () => void }) {
  const { rule } = alert;
  const test = useAct(() => api.alertTest(alert.id));
  const remove = useAct(() => api.alertRemove(alert.id), changed);
  const [sure, setSure] = useState(false);
  const busy = test.busy || remove.busy;
  return (
    <>
      <header>
        <h2>
          <Captured text={rule.name} max={100} />
        </h2>
        <span className="fine">
          {rule.enabled ? '' : 'switched off · '}
          {count(rule.threshold)} {rule.kind} in {duration(rule.windowMs)}
          {rule.groupBy === 'none' ? '' : `, for each ${rule.groupBy}`}
        </span>
      </header>
      <p className="mono">
        <Captured text={rule.query === '' ? 'everything' : rule.query} max={300} />
      </p>
      <p className="fine">
        {alert.lastFired === null ? (
          'Never fired'
        ) : (
          <>
            Fired {count(alert.fired)} times, last <Moment at={alert.lastFired} form="medium" />
          </>
        )}
        {alert.pending === 0 ? '' : ` · ${count(alert.pending)} on their way`}
        {alert.failed === 0 ? '' : ` · ${count(alert.failed)} given up`}
      </p>
      {alert.lastError === null ? null : (
        <p className="form-error" role="alert">
          <Captured text={alert.lastError} max={400} />
        </p>
      )}
      <ActFailed failure={test.failure ?? remove.failure} />
      {test.data === null ? null : (
        <p role="status">
          {test.data.error === null ? (
            'Every receiver took the test.'
          ) : (
            <Captured text={test.data.error} max={400} />
          )}
        </p>
      )}
      <div className="form-end">
        <button type="button" className="button" disabled={busy} onClick={() => test.run()}>
          {test.busy ? 'Sending …' : 'Send a test'}
        </button>
        <button type="button" className="button" disabled={busy} onClick={edit}>
          Change
        </button>
        <button
          type="button"
          className="button"
          disabled={busy}
          onClick={() => (sure ? remove.run() : setSure(true))}
        >
          {sure ? 'Yes, delete it' : 'Delete'}
        </button>
      </div>
    </>
  );
}
