/** Laying and lifting a hold: a question with a reason, since both stand in the trail. */
import { useState } from 'react';
import type { HoldRow } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { Confirm } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { ActFailed } from '../parts/problem.tsx';

interface Ends {
  done: () => void;
  close: () => void;
}

export function HoldDays({ day, done, close }: Ends & { day: string }) {
  const [first, setFirst] = useState(day);
  const [last, setLast] = useState(day);
  const act = useAct((reason: string) => api.hold({ first, last, reason }), done);
  return (
    <Confirm title="Hold days" yes="Hold them" busy={act.busy} confirm={act.run} close={close}>
      <p>They stay until the hold is released, whatever the limits of age and size say.</p>
      <Field
        label="First day"
        type="date"
        required
        value={first}
        onChange={event => setFirst(event.target.value)}
      />
      <Field
        label="Last day"
        type="date"
        required
        value={last}
        onChange={event => setLast(event.target.value)}
      />
      <ActFailed failure={act.failure} />
    </Confirm>
  );
}

export function ReleaseHold({ hold, done, close }: Ends & { hold: HoldRow }) {
  const act = useAct((reason: string) => api.holdRelease(hold.id, { reason }), done);
  return (
    <Confirm
      title={`Release hold ${hold.id}`}
      yes="Release it"
      busy={act.busy}
      confirm={act.run}
      close={close}
    >
      <p>
        {hold.first} to {hold.last} are then deleted when they reach the limits of age and size, unless
        another hold keeps them.
      </p>
      <ActFailed failure={act.failure} />
    </Confirm>
  );
}
