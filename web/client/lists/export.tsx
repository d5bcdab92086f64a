/** Names of the policy or of traffic in the format of another product: what it can say, a preview, what could not be said. */
import { useState } from 'react';
import type {
  ExportCases,
  ListExportParams,
  ListFormat,
  ListPreview,
  ListSet,
  ListsView,
} from '../../contract.ts';
import { LIST_SETS, TRAFFIC_SETS } from '../../contract.ts';
import { addresses, api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { bytes, count, counted } from '../format/numbers.ts';
import { visible } from '../format/visible.ts';
import { Captured } from '../parts/captured.tsx';
import { Choice } from '../parts/choice.tsx';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Waiting } from '../parts/notes.tsx';
import { ActFailed } from '../parts/problem.tsx';

const SETS: Readonly<Record<ListSet, readonly [label: string, hint: string]>> = {
  deny: ['What the policy refuses', 'Names that rules block, whoever asks and whenever.'],
  allow: ['What the policy inspects', 'Names that rules name for inspection.'],
  passthrough: ['What is never decrypted', 'Names that rules pass on undecrypted.'],
  seen: ['Hosts seen in traffic', 'Every host that was asked for in this time.'],
  learned: ['Hosts that many use', 'Hosts seen by at least five clients in this time and never blocked.'],
  'learned-pinned': [
    'Hosts whose clients pin',
    'Hosts for which clients that accept our certificate elsewhere refused it, and nobody accepted it.',
  ],
  'learned-broken': [
    'Hosts with bad certificates',
    'Hosts whose own certificate could not be verified, and never was.',
  ],
};

interface Form {
  set: ListSet;
  format: string;
  list: string;
  narrow: boolean;
  since: string;
  minClients: string;
  proxy: string;
}

export function ExportForm({ view, list }: { view: ListsView; list: string }) {
  const [form, setForm] = useState<Form>({
    set: 'deny',
    format: 'plain',
    list: view.lists.some(l => l.name === list) ? list : '',
    narrow: false,
    since: '30d',
    minClients: '',
    proxy: '',
  });
  const [made, setMade] = useState<{ params: ListExportParams; turn: number } | null>(null);
  const asked = useAsk(made === null ? null : JSON.stringify(made), signal =>
    made === null ? Promise.reject(new Error('nothing asked')) : api.listPreview(made.params, signal),
  );
  const change = (next: Partial<Form>): void => {
    setForm(now => {
      const changed = { ...now, ...next };
      const fits = view.formats.some(f => f.format === changed.format && f.sets.includes(changed.set));
      return fits ? changed : { ...changed, format: 'plain' };
    });
  };
  const traffic = TRAFFIC_SETS.includes(form.set) && form.list === '';
  const format = view.formats.find(f => f.format === form.format);
  const preview = (): void => {
    setMade(before => ({
      turn: (before?.turn ?? 0) + 1,
      params: {
        set: form.set,
        format: form.format,
        ...(form.list === '' ? {} : { list: form.list }),
        ...(form.narrow ? { narrow: 'yes' as const } : {}),
        ...(traffic ? { since: form.since } : {}),
        ...(traffic && form.minClients !== '' ? { minClients: form.minClients } : {}),
        ...(form.format === 'pac' && form.proxy !== '' ? { proxy: form.proxy } : {}),
      },
    }));
  };
  return (
    <section className="stack">
      <form
        className="card export-form"
        onSubmit={event => {
          event.preventDefault();
          preview();
        }}
      >
        <Choice
          label="Which names"
          value={form.set}
          choose={set => change({ set: LIST_SETS.find(s => s === set) ?? 'deny' })}
          options={LIST_SETS.map(set => ({ value: set, label: SETS[set][0] }))}
          hint={SETS[form.set][1]}
        />
        <Choice
          label="From"
          value={form.list}
          choose={name => change({ list: name })}
          options={[
            { value: '', label: traffic ? 'recorded traffic' : 'all rules of the policy' },
            ...view.lists.map(l => ({ value: l.name, label: `the list ${l.name}` })),
          ]}
          hint={form.list === '' ? undefined : 'The names of this list, whatever rules say about them.'}
        />
        <div className="wide">
          <Choice
            label="Format"
            value={form.format}
            choose={name => change({ format: name })}
            options={view.formats.map(f => ({
              value: f.format,
              label: f.sets.includes(form.set) ? f.format : `${f.format} (cannot say this)`,
              off: !f.sets.includes(form.set),
            }))}
            hint={format === undefined ? undefined : <About format={format} />}
          />
        </div>
        {traffic ? (
          <>
            <Choice
              label="Time"
              value={form.since}
              choose={since => change({ since })}
              options={[
                { value: '24h', label: 'last 24 hours' },
                { value: '7d', label: 'last 7 days' },
                { value: '30d', label: 'last 30 days' },
                { value: '90d', label: 'last 90 days' },
              ]}
            />
            <Field
              label="At least so many clients"
              type="text"
              inputMode="numeric"
              pattern="[0-9]{1,6}"
              placeholder={form.set === 'seen' ? '1' : '5'}
              value={form.minClients}
              onChange={event => change({ minClients: event.target.value })}
            />
          </>
        ) : null}
        {form.format === 'pac' ? (
          <Field
            label="Address of the proxy"
            type="text"
            placeholder="proxy.example.com:8080"
            value={form.proxy}
            onChange={event => change({ proxy: event.target.value })}
          />
        ) : null}
        <label className="check">
          <input
            type="checkbox"
            checked={form.narrow}
            onChange={event => change({ narrow: event.target.checked })}
          />
          Write a smaller form of what the format cannot say, instead of leaving it out
        </label>
        <div className="form-end">
          <button type="submit" className="button button-strong" disabled={made !== null && asked.loading}>
            {made !== null && asked.loading ? 'Making it …' : 'Preview'}
          </button>
        </div>
      </form>
      {made === null ? null : asked.failure !== null ? (
        <ActFailed failure={asked.failure} />
      ) : asked.data === null ? (
        <Waiting what="the export" />
      ) : (
        <div className={asked.stale ? 'stale' : undefined}>
          <Made preview={asked.data} params={made.params} />
        </div>
      )}
    </section>
  );
}

function About({ format }: { format: ListFormat }) {
  return (
    <>
      {upper(format.about)}. It can say: {format.says}. {format.exceptions} {format.precedence}
    </>
  );
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function Made({ preview, params }: { preview: ListPreview; params: ListExportParams }) {
  const left = preview.duplicates + preview.covered;
  return (
    <section className="stack" aria-label="Preview" role="status">
      <p className="replay-sentence">
        <strong>{count(preview.written)}</strong> {preview.written === 1 ? 'name' : 'names'} written
        {preview.exceptions === 0 ? '' : `, with ${count(preview.exceptions)} exceptions`}
        {left === 0 ? '' : `; ${counted(left, 'duplicate')} or covered by wider names left out`}.
      </p>
      <Cases title="could not be said and are left out" cases={preview.withheld} />
      <Cases title="are written in a smaller form" cases={preview.narrowed} />
      {preview.notes.length === 0 ? null : (
        <ul className="changes">
          {preview.notes.map((note, at) => (
            <li key={at}>
              <Captured text={note} max={300} />
            </li>
          ))}
        </ul>
      )}
      {preview.files.map(file => (
        <div key={file.name} className="card stack">
          <div className="tab-tools">
            <h2 className="mono">
              <Captured text={file.name} max={120} />
            </h2>
            <span className="fine">
              {count(file.lines)} lines, {bytes(file.bytes)}
            </span>
            <a
              className="button button-strong"
              href={addresses.listExport({ ...params, file: file.name })}
              download
            >
              <Icon name="download" />
              Download
            </a>
          </div>
          <pre
            className="document preview mono"
            tabIndex={0}
            role="region"
            aria-label={`First lines of ${file.name}`}
          >
            {file.head.map(line => `${visible(line)}\n`).join('')}
            {file.lines > file.head.length ? `… ${count(file.lines - file.head.length)} more lines` : ''}
          </pre>
        </div>
      ))}
    </section>
  );
}

function Cases({ title, cases }: { title: string; cases: ExportCases }) {
  if (cases.total === 0) return null;
  return (
    <div className="troubles">
      <p>
        <strong>{count(cases.total)}</strong> {title}:
      </p>
      <ul>
        {cases.reasons.slice(0, 10).map(({ reason, count: n }) => (
          <li key={reason}>
            <span>
              {count(n)}: <Captured text={reason} />
            </span>
          </li>
        ))}
      </ul>
      <details>
        <summary>The first of them</summary>
        <p className="mono">
          <Captured text={cases.first.map(c => c.pattern).join(', ')} max={600} />
        </p>
      </details>
    </div>
  );
}
