/** What leaves the store: streams to other systems and how far they are, and alert rules. */
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { Failed, Waiting } from '../parts/notes.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { navigate } from '../router.ts';
import { useSession } from '../state/session.tsx';
import { Alerts } from '../streams/alerts.tsx';
import { AllStreams } from '../streams/all.tsx';

const TABS = [
  { id: 'all', label: 'Streams' },
  { id: 'alerts', label: 'Alerts' },
] as const;

export function StreamsPage({ search }: { search: string }) {
  const { can } = useSession();
  const alerts = can('export') && new URLSearchParams(search).get('tab') === 'alerts';
  return (
    <main id="main" className="page lists">
      <header className="page-head">
        <h1>Streams</h1>
        <p className="fine">
          Where records go besides the store, and who is told when something is met too often.
        </p>
      </header>
      <Tabs
        tabs={can('export') ? TABS : TABS.slice(0, 1)}
        chosen={alerts ? 'alerts' : 'all'}
        label="Parts of the streams"
        choose={id => navigate(id === 'all' ? '/streams' : `/streams?tab=${id}`)}
      >
        <div className="tab-page">{alerts ? <Alerts /> : <Streams />}</div>
      </Tabs>
    </main>
  );
}

function Streams() {
  const asked = useAsk('streams', signal => api.streams(signal), 5000);
  if (asked.data !== null) return <AllStreams view={asked.data} />;
  return asked.failure === null ? (
    <Waiting what="the streams" />
  ) : (
    <Failed failure={asked.failure} again={asked.again} />
  );
}
