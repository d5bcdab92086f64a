/** How clients come to trust the authority and to use the proxy: the roots, the choice of the way, the kit, the steps. */
import { useState } from 'react';
import type { DeployParams, DeployView } from '../../contract.ts';
import { api } from '../api/client.ts';
import { Choose } from '../deploy/choose.tsx';
import { Guides } from '../deploy/guides.tsx';
import { Roots } from '../deploy/roots.tsx';
import { useAsk } from '../hooks/use-ask.ts';
import { Failed, Waiting } from '../parts/notes.tsx';
import { ActFailed } from '../parts/problem.tsx';

export function DeployPage() {
  const [params, setParams] = useState<DeployParams>({});
  const asked = useAsk(JSON.stringify(params), signal => api.deploy(params, signal));
  // A refused choice keeps the page that was there, so that the form can be mended.
  const [good, setGood] = useState<DeployView | null>(null);
  if (asked.data !== null && asked.data !== good) setGood(asked.data);
  const view = asked.data ?? good;
  return (
    <main id="main" className="page deploy">
      <header className="page-head">
        <h1>Deploy</h1>
        <p className="fine">What machines need so that they trust this proxy and use it.</p>
      </header>
      {view === null ? (
        asked.failure === null ? (
          <Waiting what="the steps" />
        ) : (
          <Failed failure={asked.failure} again={asked.again} />
        )
      ) : (
        <div className="stack">
          <Roots view={view} />
          <Choose suggestions={view.suggestions} params={params} choose={setParams} />
          {asked.failure === null ? null : <ActFailed failure={asked.failure} />}
          <Guides guides={view.guides} />
        </div>
      )}
    </main>
  );
}
