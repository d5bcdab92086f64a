/**
 * Another document beside the one in force: write or paste it, check it, see what it would have done with recorded traffic,
 * and put it in force with a comment. Where the policy is kept in git the console makes a patch instead. The draft is
 * kept while the console is open.
 */
import { useId, useState } from 'react';
import type { ApplyAnswer, CheckView, PolicyView, RollbackAnswer } from '../../contract.ts';
import { POLICY_MAX } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { Captured } from '../parts/captured.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Confirm } from '../parts/dialog.tsx';
import { Diff } from '../parts/diff.tsx';
import { Icon } from '../parts/icon.tsx';
import { ActFailed, Problems } from '../parts/problem.tsx';
import { Findings } from '../parts/rule-notes.tsx';
import { SaveButton } from '../parts/save-button.tsx';
import { useSession } from '../state/session.tsx';
import { setDraft, useDraft } from './draft.ts';
import { ReplayPanel } from './replay.tsx';

export function Change({ policy, applied }: { policy: PolicyView; applied: () => void }) {
  const draft = useDraft();
  const text = draft?.text ?? policy.text;
  const changed = text !== policy.text;
  const base = draft?.base ?? policy.version;
  const id = useId();
  const [asking, setAsking] = useState(false);
  const check = useAct(async (what: string) => ({ of: what, view: await api.check(what) }));
  const apply = useAct(
    (comment: string) => api.apply({ text, comment, base }),
    answer => {
      setAsking(false);
      if (!answer.written) return;
      setDraft(null);
      check.clear();
      applied();
    },
  );
  const checked = check.data?.of === text ? check.data.view : null;
  const edit = (next: string): void => {
    apply.clear();
    setDraft(next === policy.text ? null : { text: next, base });
  };
  return (
    <section className="stack">
      <p className="lead">
        Change the document, check it, replay recorded traffic through it, and only then put it in force.
      </p>
      {changed && base !== policy.version ? (
        <p className="form-error" role="alert">
          <strong>Another version came into force since you began.</strong> Yours would undo it: copy what you
          need, start over from the document in force, and put your change into that.
        </p>
      ) : null}
      <div className="field">
        <div className="tab-tools">
          <label htmlFor={id}>Candidate document</label>
          <FileButton take={edit} />
          <button type="button" className="button" disabled={!changed} onClick={() => setDraft(null)}>
            Start over
          </button>
        </div>
        <textarea
          id={id}
          className="mono editor"
          value={text}
          rows={18}
          spellCheck={false}
          autoCapitalize="off"
          wrap="off"
          onChange={event => edit(event.target.value)}
        />
      </div>
      <div className="form-row">
        <button
          type="button"
          className="button button-strong"
          disabled={check.busy || text.trim() === ''}
          onClick={() => check.run(text)}
        >
          {check.busy ? 'Checking …' : 'Check'}
        </button>
        <span className="fine">
          {changed
            ? 'Changed; not in force.'
            : 'This is the document in force. Change it, or check it as it is.'}
        </span>
      </div>
      <ActFailed failure={check.failure} />
      <Applied answer={apply.data} />
      {checked === null ? null : <Checked view={checked} ask={() => setAsking(true)} />}
      {asking ? null : <ActFailed failure={apply.failure} />}
      <ReplayPanel text={text} />
      {asking && checked !== null ? (
        <Confirm
          title="Put this document in force?"
          yes="Apply"
          busy={apply.busy}
          confirm={apply.run}
          close={() => setAsking(false)}
        >
          <Changes changes={checked.changes} />
          <p className="fine">
            New connections follow it within two seconds. You can go back under Versions.
          </p>
          <ActFailed failure={apply.failure} />
        </Confirm>
      ) : null}
    </section>
  );
}

function Checked({ view, ask }: { view: CheckView; ask: () => void }) {
  const { can } = useSession();
  if (!view.ok)
    return (
      <section className="fault-note" role="alert">
        <Icon name="fault" />
        <div>
          <h2>This document cannot be used</h2>
          <Problems problems={view.problems} />
        </div>
      </section>
    );
  return (
    <section className="card stack" role="status" aria-label="Check">
      <p className="well">
        <Icon name="check" />
        <span>
          The document is good; it would be version <span className="mono">{view.version}</span>.
        </span>
      </p>
      <Findings findings={view.findings} />
      {view.diff === '' ? (
        <p className="quiet">It is the document in force.</p>
      ) : (
        <>
          <Changes changes={view.changes} />
          <Diff text={view.diff} label="Difference to the document in force" />
          <div className="form-row">
            {view.inGit ? (
              <>
                <SaveButton text={view.diff} name="policy.patch" words="Save the patch" />
                <CopyButton text={view.diff} label="Copy the patch" words="Copy the patch" />
                <span className="fine">
                  The policy is kept in git: commit the patch there, and the service takes it up by itself.
                </span>
              </>
            ) : can('policy-edit') ? (
              <button type="button" className="button button-strong" onClick={ask}>
                Apply …
              </button>
            ) : (
              <span className="fine">A policy author or an admin can apply it.</span>
            )}
          </div>
        </>
      )}
    </section>
  );
}

export function Changes({ changes }: { changes: readonly string[] }) {
  if (changes.length === 0) return <p className="quiet">Nothing but layout and comments changes.</p>;
  return (
    <ul className="changes">
      {changes.slice(0, 50).map((change, at) => (
        <li key={at}>
          <Captured text={change} max={300} />
        </li>
      ))}
      {changes.length > 50 ? <li>and {changes.length - 50} more changes</li> : null}
    </ul>
  );
}

export function Applied({ answer }: { answer: ApplyAnswer | RollbackAnswer | null }) {
  if (answer === null) return null;
  if (answer.problems.length > 0)
    return (
      <section className="fault-note" role="alert">
        <Icon name="fault" />
        <div>
          <h2>Nothing was changed: the document cannot be used</h2>
          <Problems problems={answer.problems} />
        </div>
      </section>
    );
  return (
    <div role="status">
      <p className="well">
        <Icon name="check" />
        {answer.written
          ? `In force now${answer.n === null ? '' : ` as version ${answer.n}`} (${answer.version ?? ''}).`
          : 'The policy file holds this very document already.'}
      </p>
      {'restored' in answer ? <ListsBack answer={answer} /> : null}
    </div>
  );
}

/** What became of the lists in a rollback. */
function ListsBack({ answer: { restored, held, otherLists } }: { answer: RollbackAnswer }) {
  return (
    <>
      {restored.length === 0 ? null : (
        <p>
          Lists as they were then: <Captured text={restored.join(', ')} />
        </p>
      )}
      {held.length === 0 ? null : (
        <p className="warn">
          These are not refreshed until you fetch them, on the page of the lists:{' '}
          <Captured text={held.join(', ')} />
        </p>
      )}
      {otherLists.length === 0 ? null : (
        <p className="warn">
          These lists hold other names now than they did in that version:{' '}
          <Captured text={otherLists.join(', ')} />
        </p>
      )}
    </>
  );
}

function FileButton({ take }: { take: (text: string) => void }) {
  const id = useId();
  return (
    <span className="file-button">
      <input
        id={id}
        type="file"
        className="visually-hidden"
        accept=".yaml,.yml,text/plain"
        onChange={event => {
          const file = event.target.files?.[0];
          event.target.value = '';
          if (file !== undefined && file.size <= POLICY_MAX) void file.text().then(take);
        }}
      />
      <label htmlFor={id} className="button">
        Open a file
      </label>
    </span>
  );
}
