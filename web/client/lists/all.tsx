/** All lists of the policy in force with their source, size and age, and a look inside. */
import { useState } from 'react';
import type { ListRow, ListsView } from '../../contract.ts';
import { api } from '../api/client.ts';
import { ruleAddress } from '../detail/sentence.tsx';
import { useAct } from '../hooks/use-act.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { bytes, count, duration } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { Field } from '../parts/field.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Failed, Waiting } from '../parts/notes.tsx';
import { Notes } from '../parts/rule-notes.tsx';
import { ActFailed, Problems } from '../parts/problem.tsx';
import { useSession } from '../state/session.tsx';

const SOURCE: Readonly<Record<string, string>> = {
  file: 'file',
  inline: 'in the policy',
  url: 'subscription',
  learned: 'learned from traffic',
};

export function AllLists({ view, again }: { view: ListsView; again: () => void }) {
  const { can } = useSession();
  const [open, setOpen] = useState<string | null>(null);
  if (view.lists.length === 0)
    return (
      <Empty title="No lists yet">
        <p>A list holds names that rules refer to. Import one, or write it into the policy.</p>
        <div className="note-actions">
          <LinkTo to="/lists?tab=import" className="button button-strong">
            Import a list
          </LinkTo>
        </div>
      </Empty>
    );
  return (
    <section className="stack">
      <ul className="versions">
        {view.lists.map(list => (
          <li key={list.name} className="card version">
            <header>
              <h2>
                <Captured text={list.name} max={64} />
              </h2>
              <span className="fine">
                {count(list.entries)} {list.entries === 1 ? 'name' : 'names'} ·{' '}
                {SOURCE[list.source] ?? list.source}
                {list.file === null ? null : (
                  <>
                    {' '}
                    <span className="mono">
                      <Captured text={list.file} max={120} />
                    </span>
                  </>
                )}
                {list.signed ? ' · must be signed' : ''}
                {list.bytes === null ? '' : ` · ${bytes(list.bytes)}`}
                {list.modified === null ? null : (
                  <>
                    {' '}
                    · changed <Moment at={list.modified} form="medium" />
                  </>
                )}
              </span>
            </header>
            <Uses list={list} />
            <Copy list={list} />
            {list.problems.length === 0 ? null : (
              <div className="troubles" role="alert">
                <p>The newest contents were refused; the names above stay in force.</p>
                <Problems problems={list.problems} />
              </div>
            )}
            <div className="form-row">
              <button
                type="button"
                className="button"
                aria-expanded={open === list.name}
                onClick={() => setOpen(open === list.name ? null : list.name)}
              >
                {open === list.name ? 'Close' : 'Look inside'}
                <span className="visually-hidden"> {list.name}</span>
              </button>
              <LinkTo to={`/lists?tab=export&list=${encodeURIComponent(list.name)}`} className="button">
                Export<span className="visually-hidden"> {list.name}</span>
              </LinkTo>
              {list.copy !== null && can('policy-edit') ? <FetchNow list={list} fetched={again} /> : null}
              {list.source === 'file' && !list.signed ? (
                <LinkTo to={`/lists?tab=import&list=${encodeURIComponent(list.name)}`} className="button">
                  Import into it<span className="visually-hidden">: {list.name}</span>
                </LinkTo>
              ) : null}
            </div>
            {open === list.name ? <Inside name={list.name} version={view.version} /> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Uses({ list }: { list: ListRow }) {
  if (list.rules.length === 0) return <p className="warn">No rule uses it.</p>;
  return (
    <p className="fine">
      Used by{' '}
      {list.rules.slice(0, 10).map((rule, at) => (
        <span key={rule}>
          {at === 0 ? '' : ', '}
          <LinkTo to={ruleAddress(rule)}>
            <Captured text={rule} max={60} />
          </LinkTo>
        </span>
      ))}
      {list.rules.length > 10 ? ` and ${list.rules.length - 10} more rules` : ''}
    </p>
  );
}

/** How the copy of a fetched or learned list is. An age beyond two pauses is told loudly. */
function Copy({ list }: { list: ListRow }) {
  const { copy } = list;
  const others = list.notes.filter(note => note.kind !== 'unused-list');
  if (copy === null) return <Notes notes={others} />;
  const since = copy.checked ?? copy.fetched;
  const old = copy.overdue;
  return (
    <>
      {copy.untrusted ? (
        <div className="troubles" role="alert">
          <p>What its publisher serves now is not trusted. The last good copy stays in force.</p>
        </div>
      ) : null}
      {copy.held === null ? null : (
        <p className="warn">
          Held at what it was in version {copy.held.n} since the rollback of{' '}
          <Moment at={copy.held.since} form="medium" />; it is not refreshed until you fetch it.
        </p>
      )}
      <p className={old || copy.failed !== null ? 'warn' : 'fine'}>
        {since === null ? (
          'Nothing came yet.'
        ) : (
          <>
            Last looked at <Moment at={since} form="medium" />, every {duration(copy.refresh)}
            {old ? '; that is overdue' : ''}.
          </>
        )}
        {copy.failed === null ? null : (
          <>
            {' '}
            The last try failed (<Moment at={copy.failed.time} form="medium" />
            ): <Captured text={copy.failed.message} max={300} /> The last good copy counts on.
          </>
        )}
      </p>
      {copy.signature === null ? null : (
        <p className="fine">
          Signed with <span className="mono">{copy.signature.key}</span>:{' '}
          <Captured text={copy.signature.comment} max={200} />
        </p>
      )}
      <Notes notes={others} />
    </>
  );
}

/** Looks at its source now; a held list goes on with it. */
function FetchNow({ list, fetched }: { list: ListRow; fetched: () => void }) {
  const act = useAct(() => api.listFetch(list.name), fetched);
  return (
    <>
      <button type="button" className="button" disabled={act.busy} onClick={() => act.run()}>
        {act.busy ? 'Looking …' : list.source === 'url' ? 'Fetch now' : 'Learn now'}
        <span className="visually-hidden"> {list.name}</span>
      </button>
      <ActFailed failure={act.failure} />
    </>
  );
}

function Inside({ name, version }: { name: string; version: string }) {
  const [find, setFind] = useState('');
  const asked = useAsk(`${version} ${name} ${find}`, signal => api.listEntries(name, find, signal));
  return (
    <div className="stack">
      <Field
        label="Find a name"
        type="text"
        value={find}
        maxLength={100}
        spellCheck={false}
        autoCapitalize="off"
        onChange={event => setFind(event.target.value)}
      />
      {asked.data === null ? (
        asked.failure === null ? (
          <Waiting what="the names" />
        ) : (
          <Failed failure={asked.failure} again={asked.again} />
        )
      ) : (
        <>
          <p className="fine" role="status">
            {asked.data.found > asked.data.entries.length
              ? `The first ${count(asked.data.entries.length)} of ${count(asked.data.found)}`
              : `${count(asked.data.found)} of ${count(asked.data.total)} names`}
          </p>
          {asked.data.entries.length === 0 ? null : (
            <ul className="names mono" tabIndex={0} aria-label={`Names of ${name}`}>
              {asked.data.entries.map(entry => (
                <li key={entry}>
                  <Captured text={entry} />
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </div>
  );
}
