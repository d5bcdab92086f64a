/** The days that are kept, and the legal holds: which stay whatever the retention says, who laid them and why. */
import { useState } from 'react';
import type { HoldRow } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { Empty, Failed, Waiting } from '../parts/notes.tsx';
import { Days } from '../records/days.tsx';
import { HoldDays, ReleaseHold } from '../records/hold-form.tsx';
import { Holds } from '../records/holds.tsx';
import { useSession } from '../state/session.tsx';

export function RecordsPage() {
  const { can } = useSession();
  const asked = useAsk('records', signal => api.records(signal));
  const [open, setOpen] = useState<{ day: string } | { hold: HoldRow } | null>(null);
  const view = asked.data;
  const done = (): void => {
    setOpen(null);
    asked.again();
  };
  const close = (): void => setOpen(null);
  return (
    <main id="main" className="page">
      <header className="page-head">
        <h1>Records</h1>
        <p className="fine">
          Days in UTC, each kept or deleted as a whole. A held day is not deleted, however old it gets.
        </p>
      </header>
      {view === null ? (
        asked.failure === null ? (
          <Waiting what="the records" />
        ) : (
          <Failed failure={asked.failure} again={asked.again} />
        )
      ) : view.days === null ? (
        <Empty title="No records are kept here">
          <p>This machine ships its records; the console of the collector shows their days and holds.</p>
        </Empty>
      ) : (
        <>
          <Days
            days={view.days}
            holds={view.holds}
            {...(can('hold') ? { hold: (day: string) => setOpen({ day }) } : {})}
          />
          <Holds
            holds={view.holds}
            {...(can('hold') ? { release: (hold: HoldRow) => setOpen({ hold }) } : {})}
          />
        </>
      )}
      {open === null ? null : 'day' in open ? (
        <HoldDays day={open.day} done={done} close={close} />
      ) : (
        <ReleaseHold hold={open.hold} done={done} close={close} />
      )}
    </main>
  );
}
