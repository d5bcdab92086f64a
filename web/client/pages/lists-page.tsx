/** The named lists of the policy: what they hold, handing names to other products, taking lists over from there. */
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { AllLists } from '../lists/all.tsx';
import { Devices } from '../lists/devices.tsx';
import { ExportForm } from '../lists/export.tsx';
import { ImportForm } from '../lists/import.tsx';
import { Failed, Waiting } from '../parts/notes.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { navigate } from '../router.ts';
import { useSession } from '../state/session.tsx';

const TABS = [
  { id: 'all', label: 'Lists' },
  { id: 'export', label: 'Export' },
  { id: 'import', label: 'Import' },
  { id: 'devices', label: 'Devices' },
] as const;

export function ListsPage({ search }: { search: string }) {
  const params = new URLSearchParams(search);
  const { can } = useSession();
  // Who may not make tokens has no use for the page.
  const tabs = TABS.filter(tab => tab.id !== 'devices' || (can('policy-edit') && can('search')));
  const chosen = tabs.find(tab => tab.id === params.get('tab'))?.id ?? 'all';
  const asked = useAsk('lists', signal => api.lists(signal), 30_000);
  const list = params.get('list') ?? '';
  return (
    <main id="main" className="page lists">
      <header className="page-head">
        <h1>Lists</h1>
        <p className="fine">Names that rules refer to, and the way in and out for them.</p>
      </header>
      {asked.data === null ? (
        asked.failure === null ? (
          <Waiting what="the lists" />
        ) : (
          <Failed failure={asked.failure} again={asked.again} />
        )
      ) : (
        <Tabs
          tabs={tabs}
          chosen={chosen}
          label="Parts of the lists"
          choose={id => navigate(id === 'all' ? '/lists' : `/lists?tab=${id}`)}
        >
          <div className="tab-page">
            {chosen === 'all' ? (
              <AllLists view={asked.data} again={asked.again} />
            ) : chosen === 'export' ? (
              <ExportForm key={list} view={asked.data} list={list} />
            ) : chosen === 'devices' ? (
              <Devices view={asked.data} />
            ) : (
              <ImportForm key={list} view={asked.data} list={list} imported={asked.again} />
            )}
          </div>
        </Tabs>
      )}
    </main>
  );
}
