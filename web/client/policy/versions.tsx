/** The versions that were in force: who, when, why, what changed; the difference between two, and the way back to one. */
import { useState } from 'react';
import type { PolicyView, VersionRow } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { count } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { Choice } from '../parts/choice.tsx';
import { Confirm } from '../parts/dialog.tsx';
import { Diff } from '../parts/diff.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Failed, Waiting } from '../parts/notes.tsx';
import { ActFailed } from '../parts/problem.tsx';
import { SaveButton } from '../parts/save-button.tsx';
import { useSession } from '../state/session.tsx';
import { Applied, Changes } from './change.tsx';

const ORIGIN: Readonly<Record<VersionRow['origin'], string>> = {
  first: 'First version',
  file: 'File edited',
  rollback: 'Rolled back',
  apply: 'Applied on the command line',
  console: 'Changed in the console',
};

export function Versions({ policy, applied }: { policy: PolicyView; applied: () => void }) {
  const { can } = useSession();
  const asked = useAsk(`versions ${policy.version}`, signal => api.versions(signal));
  const [pair, setPair] = useState<{ from: number; to: number } | null>(null);
  const [back, setBack] = useState<number | null>(null);
  const [keepLists, setKeepLists] = useState(false);
  const rollback = useAct(
    (n: number, comment: string) =>
      api.rollback({ n, comment, base: policy.version, ...(keepLists ? { lists: 'keep' as const } : {}) }),
    () => {
      setBack(null);
      applied();
      asked.again();
    },
  );
  const versions = asked.data?.versions ?? [];
  const current = asked.data?.current ?? null;
  const newest = versions[0];
  if (asked.data === null)
    return asked.failure === null ? (
      <Waiting what="the versions" />
    ) : (
      <Failed failure={asked.failure} again={asked.again} />
    );
  if (newest === undefined)
    return (
      <Empty title="No versions yet">
        <p>Every policy that comes into force is kept here.</p>
      </Empty>
    );
  const mayGoBack = can('policy-edit') && policy.inGit !== true;
  return (
    <section className="stack">
      <Applied answer={rollback.data} />
      {pair === null ? null : (
        <Compare versions={versions} pair={pair} choose={setPair} close={() => setPair(null)} />
      )}
      <ol className="versions">
        {versions.map((version, at) => {
          const before = versions[at + 1];
          return (
            <li
              key={version.n}
              className="card version"
              aria-current={version.n === current ? 'true' : undefined}
            >
              <header>
                <h2>
                  Version {version.n}{' '}
                  {version.n === current ? <span className="tag tag-on">in force</span> : null}
                </h2>
                <span className="fine">
                  <Moment at={version.time} form="medium" /> · {ORIGIN[version.origin]}
                  {version.author === null ? null : (
                    <>
                      {' '}
                      by <Captured text={version.author} max={80} />
                    </>
                  )}{' '}
                  · <span className="mono">{version.version}</span>
                </span>
              </header>
              {version.comment === null ? null : (
                <p className="version-comment">
                  <Captured text={version.comment} max={200} />
                </p>
              )}
              {version.changes.length === 0 ? null : <Few changes={version.changes} />}
              <div className="form-row">
                {before === undefined ? null : (
                  <button
                    type="button"
                    className="button"
                    onClick={() => {
                      setPair({ from: before.n, to: version.n });
                      window.scrollTo({ top: 0 });
                    }}
                  >
                    What changed<span className="visually-hidden"> in version {version.n}</span>
                  </button>
                )}
                {version.n === newest.n ? null : (
                  <button
                    type="button"
                    className="button"
                    onClick={() => {
                      setPair({ from: version.n, to: newest.n });
                      window.scrollTo({ top: 0 });
                    }}
                  >
                    Compare with now<span className="visually-hidden">: version {version.n}</span>
                  </button>
                )}
                {policy.inGit === true && version.n !== current ? (
                  <button
                    type="button"
                    className="button"
                    onClick={() => {
                      setPair({ from: newest.n, to: version.n });
                      window.scrollTo({ top: 0 });
                    }}
                  >
                    Patch back to this …<span className="visually-hidden"> version {version.n}</span>
                  </button>
                ) : null}
                {mayGoBack && version.n !== current ? (
                  <button type="button" className="button" onClick={() => setBack(version.n)}>
                    Go back to this …<span className="visually-hidden"> version {version.n}</span>
                  </button>
                ) : null}
              </div>
            </li>
          );
        })}
      </ol>
      {policy.inGit === true ? (
        <p className="fine">
          The policy is kept in git: to go back, revert the commit there, or save the patch back to a version
          and commit that.
        </p>
      ) : null}
      {back === null ? null : (
        <Confirm
          title={`Go back to version ${back}?`}
          yes={`Go back to version ${back}`}
          busy={rollback.busy}
          confirm={comment => rollback.run(back, comment)}
          close={() => {
            setBack(null);
            rollback.clear();
          }}
        >
          <BackChanges from={newest.n} to={back} />
          <label className="check">
            <input
              type="checkbox"
              checked={keepLists}
              onChange={event => setKeepLists(event.target.checked)}
            />
            Bring back the document alone and leave the lists as they are now
          </label>
          <ActFailed failure={rollback.failure} />
        </Confirm>
      )}
    </section>
  );
}

function Few({ changes }: { changes: readonly string[] }) {
  const rest = changes.length - 4;
  return (
    <ul className="changes">
      {changes.slice(0, 4).map((change, at) => (
        <li key={at}>
          <Captured text={change} max={200} />
        </li>
      ))}
      {rest > 0 ? <li className="quiet">and {count(rest)} more</li> : null}
    </ul>
  );
}

function BackChanges({ from, to }: { from: number; to: number }) {
  const asked = useAsk(`${from} ${to}`, signal => api.diff(from, to, signal));
  if (asked.data === null) return <p className="quiet">{asked.failure?.message ?? 'Comparing …'}</p>;
  return <Changes changes={asked.data.changes} />;
}

interface CompareProps {
  versions: readonly VersionRow[];
  pair: { from: number; to: number };
  choose: (pair: { from: number; to: number }) => void;
  close: () => void;
}

function Compare({ versions, pair, choose, close }: CompareProps) {
  const asked = useAsk(`${pair.from} ${pair.to}`, signal => api.diff(pair.from, pair.to, signal));
  const options = versions.map(v => ({ value: String(v.n), label: `Version ${v.n} (${v.version})` }));
  return (
    <section className="card stack" aria-label="Difference">
      <div className="form-row compare">
        <Choice
          label="From"
          value={String(pair.from)}
          options={options}
          choose={n => choose({ ...pair, from: Number(n) })}
        />
        <Choice
          label="To"
          value={String(pair.to)}
          options={options}
          choose={n => choose({ ...pair, to: Number(n) })}
        />
        <span className="toolbar-gap" />
        <button type="button" className="button" onClick={close}>
          Close
        </button>
      </div>
      {asked.data === null ? (
        asked.failure === null ? (
          <Waiting what="the difference" />
        ) : (
          <Failed failure={asked.failure} again={asked.again} />
        )
      ) : asked.data.diff === '' ? (
        <>
          <p className="quiet">The documents are equal.</p>
          {asked.data.changes.length === 0 ? null : <Changes changes={asked.data.changes} />}
        </>
      ) : (
        <>
          <Changes changes={asked.data.changes} />
          <Diff text={asked.data.diff} label={`Version ${pair.from} to version ${pair.to}`} />
          <div className="form-row">
            <SaveButton
              text={asked.data.diff}
              name={`policy-${pair.from}-${pair.to}.patch`}
              words="Save as a patch"
            />
          </div>
        </>
      )}
    </section>
  );
}
