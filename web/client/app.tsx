/** Which page an address is, and who may see it. Before anybody is known, only set-up and log-in exist. */
import { useCallback, useEffect, useState } from 'react';
import type { Me, SessionAnswer } from '../contract.ts';
import { api, onSignedOut, setToken } from './api/client.ts';
import { link } from './api/link.ts';
import { useAsk } from './hooks/use-ask.ts';
import { documentAt } from './manual/documents.ts';
import { AccountPage } from './pages/account-page.tsx';
import { DeployPage } from './pages/deploy-page.tsx';
import { EnrolPage } from './pages/enrol-page.tsx';
import { ListsPage } from './pages/lists-page.tsx';
import { LoginPage } from './pages/login-page.tsx';
import { ManualPage } from './pages/manual-page.tsx';
import { NotFound } from './pages/not-found.tsx';
import { OverviewPage } from './pages/overview-page.tsx';
import { PeoplePage } from './pages/people-page.tsx';
import { PolicyPage } from './pages/policy-page.tsx';
import { RecordsPage } from './pages/records-page.tsx';
import { RevealsPage } from './pages/reveals-page.tsx';
import { SetupPage } from './pages/setup-page.tsx';
import { StreamsPage } from './pages/streams-page.tsx';
import { TrafficPage } from './pages/traffic-page.tsx';
import { TrailPage } from './pages/trail-page.tsx';
import { Failed, Waiting } from './parts/notes.tsx';
import { navigate, usePlace } from './router.ts';
import type { Place } from './router.ts';
import { Shell } from './shell/shell.tsx';
import { openedBy } from './state/places.ts';
import { SessionContext } from './state/session.tsx';
import type { Session } from './state/session.tsx';

export function App() {
  const asked = useAsk('session', signal => api.session(signal));
  if (asked.data !== null) return <Gate first={asked.data} />;
  return (
    <div className="lobby">
      {asked.failure === null ? (
        <Waiting what="the console" />
      ) : (
        <Failed failure={asked.failure} again={asked.again} />
      )}
    </div>
  );
}

/** Set-up, log-in or the console. A session that ends leaves the console mounted under the log-in layer. */
function Gate({ first }: { first: SessionAnswer }) {
  const [state, setState] = useState(first.state);
  const [me, setMe] = useState<Me | null>(first.me);
  const [expired, setExpired] = useState(false);
  const place = usePlace();

  useEffect(() => {
    setToken(me?.csrf ?? null);
    onSignedOut(() => {
      setToken(null);
      setExpired(true);
    });
    return () => onSignedOut(() => undefined);
  }, [me]);

  const enter = useCallback((next: Me) => {
    setToken(next.csrf);
    setMe(next);
    setExpired(false);
    setState('signed-in');
    link.renewed();
    if (location.pathname === '/setup' || location.pathname === '/login') navigate('/', 'replace');
  }, []);
  const signOut = useCallback(() => {
    const leave = (provider: string | null): void => {
      setMe(null);
      setState('signed-out');
      setToken(null);
      // Who came by single sign-on is logged in there still, and would come back without being asked.
      if (provider === null) navigate('/login');
      else location.assign(provider);
    };
    api.logout().then(
      ({ provider }) => leave(provider),
      () => leave(null),
    );
  }, []);

  if (state === 'set-up-needed') return <SetupPage token={place.hash} done={enter} />;
  if (me === null) return <LoginPage done={enter} again={false} ways={first.ways} search={place.search} />;
  if (me.enrol && !expired) return <EnrolPage done={enter} signOut={signOut} />;
  const session: Session = {
    me,
    version: first.product.version,
    can: permission => me.can.includes(permission),
    renew: enter,
    signOut,
  };
  return (
    <>
      <div className={expired ? 'behind' : undefined} inert={expired}>
        <SessionContext.Provider key={me.name} value={session}>
          <Shell place={place}>
            <Page place={place} session={session} />
          </Shell>
        </SessionContext.Provider>
      </div>
      {expired ? <LoginPage done={enter} again ways={first.ways} search="" /> : null}
    </>
  );
}

function Page({ place, session }: { place: Place; session: Session }) {
  const { path, search, hash } = place;
  const opened = openedBy(path);
  const manual = documentAt(path);
  if (path === '/' || path === '/traffic' || path === '/login' || path === '/setup')
    return <TrafficPage search={search} opened={null} />;
  if (opened !== null) return <TrafficPage search={search} opened={opened} />;
  if (path === '/overview' && session.can('status')) return <OverviewPage />;
  if (path === '/policy' && session.can('policy')) return <PolicyPage search={search} rule={hash} />;
  if (path === '/lists' && session.can('policy')) return <ListsPage search={search} />;
  if (path === '/deploy') return <DeployPage />;
  if (path === '/streams' && session.can('status')) return <StreamsPage search={search} />;
  if (path === '/records' && session.can('trail')) return <RecordsPage />;
  if (path === '/reveals' && session.can('body')) return <RevealsPage />;
  if (path === '/people' && session.can('people')) return <PeoplePage />;
  if (path === '/account') return <AccountPage />;
  if (path === '/trail' && session.can('trail')) return <TrailPage />;
  if (manual !== null) return <ManualPage of={manual} section={hash} />;
  return <NotFound path={path} />;
}
