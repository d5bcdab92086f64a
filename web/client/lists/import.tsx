/**
 * Taking over a list: drop a file or paste it, see what was understood, what was rejected and what would change, then apply.
 * Nothing is written before the difference was on screen; what is applied is what was shown.
 */
import { useId, useState } from 'react';
import type { ListImportParams, ListsView } from '../../contract.ts';
import { IMPORT_MAX } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { bytes, count } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { Choice } from '../parts/choice.tsx';
import { Confirm } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { ActFailed } from '../parts/problem.tsx';
import { useSession } from '../state/session.tsx';
import { Difference, Done, Plan, Report } from './imported.tsx';

const NAME = '[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}';

interface Form {
  name: string;
  format: string;
  mode: 'replace' | 'add';
  bare: 'exact' | 'both';
  suffixes: boolean;
  category: string;
  exceptions: string;
}

interface ImportFormProps {
  view: ListsView;
  list: string;
  imported: () => void;
}

export function ImportForm({ view, list, imported }: ImportFormProps) {
  const { can } = useSession();
  const [form, setForm] = useState<Form>({
    name: list,
    format: '',
    mode: 'replace',
    bare: 'exact',
    suffixes: false,
    category: '',
    exceptions: '',
  });
  const [file, setFile] = useState<File | null>(null);
  const [pasted, setPasted] = useState('');
  const [asking, setAsking] = useState(false);
  const look = useAct(async (params: ListImportParams, body: Blob) => ({
    params,
    body,
    view: await api.listImport(params, body),
  }));
  const apply = useAct(
    (params: ListImportParams, body: Blob) => api.listImport(params, body),
    () => {
      setAsking(false);
      look.clear();
      imported();
    },
  );
  const change = (next: Partial<Form>): void => {
    look.clear();
    apply.clear();
    setForm(now => ({ ...now, ...next }));
  };
  const take = (next: File | null): void => {
    look.clear();
    apply.clear();
    setFile(next);
  };
  const size = file?.size ?? new Blob([pasted]).size;
  const tooLarge = size > IMPORT_MAX;
  const submit = (): void => {
    const params: ListImportParams = {
      name: form.name,
      file: file?.name ?? 'pasted text',
      mode: form.mode,
      bare: form.bare,
      ...(form.format === '' ? {} : { format: form.format }),
      ...(form.suffixes ? { suffixes: 'yes' as const } : {}),
      ...(form.category === '' ? {} : { category: form.category }),
      ...(form.exceptions === '' ? {} : { exceptions: form.exceptions }),
    };
    apply.clear();
    look.run(params, file ?? new Blob([pasted]));
  };
  const shown = look.data;
  const plan = shown?.view.plan ?? null;
  const others = shown?.view.exceptionsPlan ?? null;
  return (
    <section className="stack">
      <form
        className="card export-form"
        onSubmit={event => {
          event.preventDefault();
          if (size > 0 && !tooLarge) submit();
        }}
      >
        <Source
          file={file}
          take={take}
          pasted={pasted}
          paste={text => {
            look.clear();
            apply.clear();
            setPasted(text);
          }}
        />
        {tooLarge ? (
          <p className="form-error" role="alert">
            The list is larger than {bytes(IMPORT_MAX)}. Use <code>sightglass lists import</code> on the
            machine of the service.
          </p>
        ) : null}
        <Field
          label="Into the list"
          type="text"
          required
          pattern={NAME}
          list="list-names"
          autoCapitalize="off"
          spellCheck={false}
          value={form.name}
          hint="A list of the policy, or a new name; a new list is added to the policy, rules are up to you."
          extra={
            <datalist id="list-names">
              {view.lists
                .filter(l => l.source === 'file')
                .map(l => (
                  <option key={l.name} value={l.name} />
                ))}
            </datalist>
          }
          onChange={event => change({ name: event.target.value })}
        />
        <Choice
          label="Format"
          value={form.format}
          choose={format => change({ format })}
          options={[
            { value: '', label: 'told from the content' },
            ...view.importers.map(i => ({ value: i.format, label: i.format })),
          ]}
          hint={view.importers.find(i => i.format === form.format)?.about}
        />
        <Choice
          label="What the list holds now"
          value={form.mode}
          choose={mode => change({ mode: mode === 'add' ? 'add' : 'replace' })}
          options={[
            { value: 'replace', label: 'is replaced' },
            { value: 'add', label: 'stays, names are added' },
          ]}
        />
        <Choice
          label="A bare name means"
          value={form.bare}
          choose={bare => change({ bare: bare === 'both' ? 'both' : 'exact' })}
          options={[
            { value: 'exact', label: 'that host alone' },
            { value: 'both', label: 'the host and everything below it' },
          ]}
          hint="Where the format does not say it itself."
        />
        <Field
          label="Its exceptions go to"
          type="text"
          pattern={NAME}
          list="list-names"
          autoComplete="off"
          spellCheck={false}
          autoCapitalize="off"
          placeholder="nowhere"
          value={form.exceptions}
          hint="Entries that let through (@@, rpz-passthru, …). Put a rule with that list before the rule with this one."
          onChange={event => change({ exceptions: event.target.value })}
        />
        <label className="check">
          <input
            type="checkbox"
            checked={form.suffixes}
            onChange={event => change({ suffixes: event.target.checked })}
          />
          Accept wildcards over public suffixes, such as *.co.uk
        </label>
        <div className="form-end">
          <button
            type="submit"
            className="button button-strong"
            disabled={look.busy || size === 0 || tooLarge}
          >
            {look.busy ? 'Reading …' : 'Show what would change'}
          </button>
        </div>
      </form>
      <ActFailed failure={look.failure} />
      {apply.data?.written === true ? <Done view={apply.data} /> : null}
      {shown === null ? null : (
        <>
          <Report
            view={shown.view}
            choose={category => {
              setForm(now => ({ ...now, category }));
              look.run({ ...shown.params, category }, shown.body);
            }}
          />
          {others === null ? null : <Difference plan={others} />}
          {plan === null ? null : (
            <Plan
              plan={plan}
              others={others}
              inGit={view.inGit}
              mayApply={can('policy-edit')}
              ask={() => setAsking(true)}
            />
          )}
        </>
      )}
      {asking && shown !== null && plan !== null ? (
        <Confirm
          title={`Write the list ${plan.name}?`}
          yes="Write it"
          busy={apply.busy}
          confirm={comment => apply.run({ ...shown.params, expect: plan.digest, comment }, shown.body)}
          close={() => setAsking(false)}
        >
          <p>
            {count(plan.added)} added, {count(plan.removed)} removed; it then holds {count(plan.after)} names.
          </p>
          {others === null ? null : (
            <p>
              The list {others.name} gets the exceptions: {count(others.added)} added, {count(others.removed)}{' '}
              removed.
            </p>
          )}
          <ActFailed failure={apply.failure} />
        </Confirm>
      ) : null}
    </section>
  );
}

interface SourceProps {
  file: File | null;
  take: (file: File | null) => void;
  pasted: string;
  paste: (text: string) => void;
}

function Source({ file, take, pasted, paste }: SourceProps) {
  const id = useId();
  const [over, setOver] = useState(false);
  return (
    <div
      className={over ? 'drop drop-over' : 'drop'}
      onDragOver={event => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={event => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files[0] ?? null);
      }}
    >
      <div className="form-row">
        <span className="file-button">
          <input
            id={id}
            type="file"
            className="visually-hidden"
            onChange={event => {
              take(event.target.files?.[0] ?? null);
              event.target.value = '';
            }}
          />
          <label htmlFor={id} className="button">
            Choose a file
          </label>
        </span>
        {file === null ? (
          <span className="fine">
            or drop one here, or paste a list below. Text, gzip, or a tar.gz of categories.
          </span>
        ) : (
          <>
            <span>
              <Captured text={file.name} max={120} /> <span className="fine">{bytes(file.size)}</span>
            </span>
            <button
              type="button"
              className="icon-button"
              title="Take the file away"
              onClick={() => take(null)}
            >
              <Icon name="close" />
              <span className="visually-hidden">Take the file away</span>
            </button>
          </>
        )}
      </div>
      {file === null ? (
        <textarea
          className="mono"
          aria-label="List as text"
          rows={5}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          placeholder={'ads.example.com\n*.tracker.example'}
          value={pasted}
          onChange={event => paste(event.target.value)}
        />
      ) : null}
    </div>
  );
}
