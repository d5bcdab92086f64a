/**
 * A made-up connection and what would become of it. The form's values stand in the address, so an answer can be sent to
 * somebody; nothing is connected and nothing is recorded but the question itself.
 */
import { useState } from 'react';
import type { ExplainParams } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { fromLocalInput, toLocalInput, ZONE } from '../format/time.ts';
import { Captured } from '../parts/captured.tsx';
import { Field } from '../parts/field.tsx';
import { Waiting } from '../parts/notes.tsx';
import { ActFailed } from '../parts/problem.tsx';
import { navigate } from '../router.ts';
import { Explained } from './explained.tsx';

const NAMES = ['sni', 'host', 'port', 'client', 'user', 'group', 'at'] as const;
/** A recorded connection or request: asked about as it was, until the form is sent. */
const ALL = [...NAMES, 'record'] as const;

export function TryIt({ params, version }: { params: URLSearchParams; version: string }) {
  const about: ExplainParams = {};
  for (const name of ALL) {
    const value = params.get(name);
    if (value !== null && value !== '') about[name] = value;
  }
  const ready = about.sni !== undefined || about.host !== undefined;
  const asked = useAsk(ready ? JSON.stringify([about, version]) : null, signal => api.explain(about, signal));
  return (
    <section className="stack">
      <p className="lead">
        Describe a connection and see which rule decides it, and why the ones before it do not.
      </p>
      <Form key={about.record ?? ''} about={about} busy={asked.loading && ready} />
      {about.record === undefined ? null : (
        <p className="fine">
          Decided with everything that was recorded of{' '}
          <span className="mono">
            <Captured text={about.record} max={60} />
          </span>
          , by the policy in force now. Sending the form asks about a made-up connection instead.
        </p>
      )}
      {asked.failure !== null ? (
        <ActFailed failure={asked.failure} />
      ) : asked.data !== null ? (
        <div className={asked.stale ? 'stale' : undefined}>
          <Explained view={asked.data} />
        </div>
      ) : ready ? (
        <Waiting what="the decision" />
      ) : null}
    </section>
  );
}

function Form({ about, busy }: { about: ExplainParams; busy: boolean }) {
  const [form, setForm] = useState<ExplainParams>({ ...about, at: localTime(about.at) });
  const set = (name: keyof ExplainParams, value: string): void => setForm(now => ({ ...now, [name]: value }));
  const submit = (): void => {
    const next = new URLSearchParams({ tab: 'try' });
    for (const name of NAMES) {
      const value = (form[name] ?? '').trim();
      const at = name === 'at' ? fromLocalInput(value) : null;
      if (value !== '') next.set(name, name === 'at' ? new Date(at ?? 0).toISOString() : value);
    }
    navigate(`/policy?${next.toString()}`);
  };
  const field = (name: keyof ExplainParams, label: string, placeholder: string, hint?: string) => (
    <Field
      label={label}
      type={name === 'at' ? 'datetime-local' : 'text'}
      name={name}
      placeholder={placeholder}
      autoComplete="off"
      autoCapitalize="off"
      spellCheck={false}
      required={name === 'sni' && (form.host ?? '') === ''}
      value={form[name] ?? ''}
      {...(hint === undefined ? {} : { hint })}
      onChange={event => set(name, event.target.value)}
    />
  );
  return (
    <form
      className="card try-form"
      onSubmit={event => {
        event.preventDefault();
        submit();
      }}
    >
      {field('sni', 'Server name (SNI)', 'www.example.com', 'The name the client asks for in its TLS hello.')}
      {field('client', 'Client address', '127.0.0.1')}
      {field('user', 'User', 'nobody signed in')}
      {field('at', 'Time', '', `In ${ZONE}; empty means now.`)}
      <details className="try-more">
        <summary>Host, port and groups</summary>
        <div>
          {field('host', 'Host asked of the proxy', 'same as the server name')}
          {field('port', 'Port', '443')}
          {field('group', 'Groups of the user', 'sales, staff')}
        </div>
      </details>
      <div className="form-end">
        <button type="submit" className="button button-strong" disabled={busy}>
          {busy ? 'Deciding …' : 'Explain'}
        </button>
      </div>
    </form>
  );
}

function localTime(at: string | undefined): string {
  const ms = Date.parse(at ?? '');
  return Number.isNaN(ms) ? '' : toLocalInput(ms);
}
