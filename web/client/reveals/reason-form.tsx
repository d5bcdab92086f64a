/** Why somebody needs to see bodies: one sentence, and the number of a case where there is one. Both land in the trail. */
import { useState } from 'react';
import type { RevealRow } from '../../contract.ts';
import { useAct } from '../hooks/use-act.ts';
import { Field } from '../parts/field.tsx';
import { ActFailed } from '../parts/problem.tsx';

export interface ReasonFormProps {
  yes: string;
  ask: (reason: string, caseNumber: string) => Promise<RevealRow>;
  done: (row: RevealRow) => void;
  close?: () => void;
}

export function ReasonForm({ yes, ask, done, close }: ReasonFormProps) {
  const [reason, setReason] = useState('');
  const [number, setNumber] = useState('');
  const act = useAct(ask, done);
  return (
    <form
      className="stack reason-form"
      onSubmit={event => {
        event.preventDefault();
        if (!act.busy) act.run(reason, number);
      }}
    >
      <Field
        label="Why do you need to see it?"
        type="text"
        required
        minLength={5}
        maxLength={500}
        value={reason}
        hint="One sentence; it stands in the trail beside your name."
        onChange={event => setReason(event.target.value)}
      />
      <Field
        label="Case number, if there is one"
        type="text"
        maxLength={64}
        value={number}
        onChange={event => setNumber(event.target.value)}
      />
      <ActFailed failure={act.failure} />
      <div className="form-end">
        {close === undefined ? null : (
          <button type="button" className="button" onClick={close}>
            Cancel
          </button>
        )}
        <button
          type="submit"
          className="button button-strong"
          disabled={act.busy || reason.trim().length < 5}
        >
          {act.busy ? 'Asking …' : yes}
        </button>
      </div>
    </form>
  );
}
