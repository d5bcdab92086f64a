/**
 * What an owner asks first: how much was inspected, passed, blocked, and what failed in the last day; is the service
 * well. Every number is a link to the list it counts.
 */
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { Failed, Waiting } from '../parts/notes.tsx';
import { ZONE } from '../format/time.ts';
import { AuthorityCard } from '../overview/authority-card.tsx';
import { DayNumbers } from '../overview/day-numbers.tsx';
import { ServiceCard } from '../overview/service-card.tsx';
import { TopList } from '../overview/top-list.tsx';
import { useSession } from '../state/session.tsx';

const REFRESH = 15_000;

export function OverviewPage() {
  const { can } = useSession();
  const status = useAsk('status', signal => api.status(signal), REFRESH);
  return (
    <main id="main" className="page overview">
      <header className="page-head">
        <h1>Overview</h1>
        <p className="fine">Last 24 hours, times in {ZONE}</p>
      </header>
      {can('search') ? (
        <>
          <DayNumbers />
          <div className="tops">
            <TopList title="Top hosts" q="" show="flows" field="host" />
            <TopList title="Blocked hosts" q="verdict:block" show="flows" field="host" />
            <TopList
              title="What went wrong"
              q="fault:* -fault:blocked-by-policy"
              show="flows"
              field="fault"
            />
          </div>
        </>
      ) : null}
      {status.data !== null ? (
        <div className="cards">
          <ServiceCard status={status.data} />
          <AuthorityCard status={status.data} />
        </div>
      ) : status.failure !== null ? (
        <Failed failure={status.failure} again={status.again} />
      ) : (
        <Waiting what="the state of the service" />
      )}
    </main>
  );
}
