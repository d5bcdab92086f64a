/** The form of an alert rule. The server decides whether it is right; what it refuses is shown with the reason. */
import { useState } from 'react';
import { ALERT_GROUPS, KINDS } from '../../contract.ts';
import type { AlertDelivery, AlertGroup, AlertRow, AlertRule, AlertsView, Kind } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { Choice } from '../parts/choice.tsx';
import { Field } from '../parts/field.tsx';
import { ActFailed } from '../parts/problem.tsx';

const MINUTE = 60_000;
const FIRST: AlertRule = {
  name: '',
  kind: 'exchanges',
  query: '',
  threshold: 10,
  windowMs: 5 * MINUTE,
  groupBy: 'none',
  coolDownMs: 60 * MINUTE,
  deliver: [{ to: 'webhook', url: '' }],
  enabled: true,
};
const KIND_WORDS: Readonly<Record<Kind, string>> = {
  exchanges: 'Requests',
  flows: 'Connections',
  events: 'Events',
};

export interface AlertFormProps {
  row: AlertRow | null;
  view: AlertsView;
  /** With the secret of a rule that was just made. */
  done: (secret: string | null) => void;
  close: () => void;
}

export function AlertForm({ row, view, done, close }: AlertFormProps) {
  const [rule, setRule] = useState<AlertRule>(row?.rule ?? FIRST);
  const set = (change: Partial<AlertRule>): void => setRule(before => ({ ...before, ...change }));
  const save = useAct(
    async () =>
      row === null ? (await api.alertAdd(rule)).secret : (await api.alertChange(row.id, rule), null),
    done,
  );
  const [way = FIRST.deliver[0]] = rule.deliver;
  const setWay = (changed: AlertDelivery): void => set({ deliver: [changed, ...rule.deliver.slice(1)] });
  return (
    <form
      className="card stack"
      onSubmit={event => {
        event.preventDefault();
        if (!save.busy) save.run();
      }}
    >
      <h2>{row === null ? 'A new alert' : 'Change the alert'}</h2>
      <Field
        label="Name"
        type="text"
        required
        maxLength={100}
        value={rule.name}
        onChange={e => set({ name: e.target.value })}
      />
      <div className="form-row">
        <Choice
          label="Look at"
          value={rule.kind}
          choose={kind => set({ kind: kind as Kind, ...(kind === 'events' ? { groupBy: 'none' } : {}) })}
          options={KINDS.map(kind => ({ value: kind, label: KIND_WORDS[kind] }))}
        />
        <Choice
          label="Count for"
          value={rule.groupBy}
          choose={group => set({ groupBy: group as AlertGroup })}
          options={ALERT_GROUPS.map(group => ({
            value: group,
            label: group === 'none' ? 'everything together' : `each ${group}`,
            off: rule.kind === 'events' && group !== 'none',
          }))}
        />
      </div>
      <Field
        label="Search"
        type="text"
        maxLength={2000}
        value={rule.query}
        hint="The same language as in the search box; empty means everything."
        onChange={e => set({ query: e.target.value })}
      />
      <div className="form-row">
        <Field
          label="Rows"
          type="number"
          min={1}
          max={1000}
          required
          value={rule.threshold}
          onChange={e => set({ threshold: Number(e.target.value) })}
        />
        <Field
          label="Within minutes"
          type="number"
          min={1}
          max={1440}
          required
          value={rule.windowMs / MINUTE}
          onChange={e => set({ windowMs: Math.round(Number(e.target.value) * MINUTE) })}
        />
        <Field
          label="Then quiet for minutes"
          type="number"
          min={1}
          max={10080}
          required
          value={rule.coolDownMs / MINUTE}
          onChange={e => set({ coolDownMs: Math.round(Number(e.target.value) * MINUTE) })}
        />
      </div>
      <div className="form-row">
        <Choice
          label="Tell"
          value={way?.to ?? 'webhook'}
          choose={to => setWay(emptyWay(to, view))}
          options={[
            { value: 'webhook', label: 'a webhook' },
            {
              value: 'mail',
              label: view.mail ? 'a mail address' : 'a mail address (no server is set)',
              off: !view.mail,
            },
            {
              value: 'stream',
              label: view.streams.length === 0 ? 'a stream (there is none)' : 'a stream',
              off: view.streams.length === 0,
            },
          ]}
        />
        {way?.to === 'mail' ? (
          <Field
            label="Address"
            type="email"
            required
            value={way.address}
            onChange={e => setWay({ to: 'mail', address: e.target.value })}
          />
        ) : way?.to === 'stream' ? (
          <Choice
            label="Stream"
            value={way.stream}
            choose={stream => setWay({ to: 'stream', stream })}
            options={view.streams.map(name => ({ value: name, label: name }))}
          />
        ) : (
          <Field
            label="URL"
            type="url"
            required
            value={way?.url ?? ''}
            hint="https; signed with a secret of the rule."
            onChange={e => setWay({ to: 'webhook', url: e.target.value })}
          />
        )}
      </div>
      <Choice
        label="State"
        value={rule.enabled ? 'on' : 'off'}
        choose={state => set({ enabled: state === 'on' })}
        options={[
          { value: 'on', label: 'switched on' },
          { value: 'off', label: 'switched off' },
        ]}
      />
      <ActFailed failure={save.failure} />
      <div className="form-end">
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" className="button button-strong" disabled={save.busy}>
          {save.busy ? 'Saving …' : 'Save'}
        </button>
      </div>
    </form>
  );
}

function emptyWay(to: string, view: AlertsView): AlertDelivery {
  if (to === 'mail') return { to, address: '' };
  if (to === 'stream') return { to, stream: view.streams[0] ?? '' };
  return { to: 'webhook', url: '' };
}
