/**
 * The policy: the document in force, what its rules do, why a connection gets its verdict, what another document would
 * change, and the versions there were. Which of these is open stands in the address.
 */
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { Moment } from '../parts/moment.tsx';
import { Failed, Waiting } from '../parts/notes.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Change } from '../policy/change.tsx';
import { PolicyDocument } from '../policy/document.tsx';
import { Rules } from '../policy/rules.tsx';
import { TryIt } from '../policy/try-it.tsx';
import { Versions } from '../policy/versions.tsx';
import { navigate } from '../router.ts';
import type { PolicyView } from '../../contract.ts';

const TABS = [
  { id: 'document', label: 'Document' },
  { id: 'rules', label: 'Rules' },
  { id: 'try', label: 'Try it' },
  { id: 'change', label: 'Change' },
  { id: 'versions', label: 'Versions' },
] as const;
type TabId = (typeof TABS)[number]['id'];

export function PolicyPage({ search, rule }: { search: string; rule: string }) {
  const asked = useAsk('policy', signal => api.policy(signal), 15_000);
  return (
    <main id="main" className="page policy">
      {asked.data !== null ? (
        <Opened policy={asked.data} search={search} rule={decoded(rule)} again={asked.again} />
      ) : asked.failure !== null ? (
        <Failed failure={asked.failure} again={asked.again} />
      ) : (
        <Waiting what="the policy" />
      )}
    </main>
  );
}

interface OpenedProps {
  policy: PolicyView;
  search: string;
  rule: string;
  again: () => void;
}

function Opened({ policy, search, rule, again }: OpenedProps) {
  const params = new URLSearchParams(search);
  const chosen: TabId = TABS.find(tab => tab.id === params.get('tab'))?.id ?? 'document';
  return (
    <>
      <header className="page-head">
        <h1>Policy</h1>
        <p className="fine">
          Version <span className="mono">{policy.version}</span>, in force since{' '}
          <Moment at={policy.applied} form="medium" />
          {policy.inGit === true ? '; kept in git' : ''}
        </p>
      </header>
      <Tabs
        tabs={TABS}
        chosen={chosen}
        label="Parts of the policy"
        choose={id => navigate(id === 'document' ? '/policy' : `/policy?tab=${id}`)}
      >
        <div className="tab-page">
          {chosen === 'document' ? (
            <PolicyDocument policy={policy} rule={rule} />
          ) : chosen === 'rules' ? (
            <Rules version={policy.version} />
          ) : chosen === 'try' ? (
            <TryIt params={params} version={policy.version} />
          ) : chosen === 'change' ? (
            <Change policy={policy} applied={again} />
          ) : (
            <Versions policy={policy} applied={again} />
          )}
        </div>
      </Tabs>
    </>
  );
}

function decoded(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}
