/** The reader's own account. */
import { SecondFactor } from '../account/second-factor.tsx';
import { api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { Failed, Waiting } from '../parts/notes.tsx';
import { useSession } from '../state/session.tsx';

export function AccountPage() {
  const { me, renew } = useSession();
  const asked = useAsk('second-factor', signal => api.secondFactor(signal));
  return (
    <main id="main" className="page">
      <header className="page-head">
        <h1>Your account</h1>
        <p className="fine">
          {me.name}, {me.roles.join(', ')}
        </p>
      </header>
      {asked.data !== null ? (
        <SecondFactor view={asked.data} renew={renew} changed={asked.again} />
      ) : asked.failure === null ? (
        <Waiting what="your account" />
      ) : (
        <Failed failure={asked.failure} again={asked.again} />
      )}
    </main>
  );
}
