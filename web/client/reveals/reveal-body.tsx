/** In place of a body that is not open to the reader: the form, then the wait for somebody else where one is wanted. */
import { useEffect, useState } from 'react';
import type { RevealRow } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { Moment } from '../parts/moment.tsx';
import { ReasonForm } from './reason-form.tsx';

export interface RevealBodyProps {
  id: string;
  side: 'req' | 'res';
  /** It is open now. */
  opened: () => void;
}

export function RevealBody({ id, side, opened }: RevealBodyProps) {
  const [asked, setAsked] = useState<RevealRow | null>(null);
  if (asked !== null) return <Waits row={asked} opened={opened} again={() => setAsked(null)} />;
  return (
    <div className="stack">
      <p className="quiet">What people sent and got is shown to who says why.</p>
      <ReasonForm
        yes="Show the body"
        ask={(reason, number) => api.reveal({ exchange: id, side, reason, case: number })}
        done={row => (row.state === 'open' ? opened() : setAsked(row))}
      />
    </div>
  );
}

function Waits({ row, opened, again }: { row: RevealRow; opened: () => void; again: () => void }) {
  const asked = useAsk('reveals', signal => api.reveals(signal), 5_000);
  const now = asked.data?.own.find(own => own.id === row.id) ?? row;
  const open = now.state === 'open';
  useEffect(() => {
    if (open) opened();
  }, [open, opened]);
  if (now.state === 'waiting')
    return (
      <p className="quiet" role="status">
        Somebody else has to agree, on the page Reveals. This waits until{' '}
        <Moment at={now.until} form="medium" />, and opens here by itself.
      </p>
    );
  return (
    <p className="warn" role="status">
      {now.state === 'denied' ? `${now.decidedBy ?? 'Somebody'} refused.` : 'Nobody agreed in time.'}{' '}
      <button type="button" className="link" onClick={again}>
        Ask again
      </button>
    </p>
  );
}
