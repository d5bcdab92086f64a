/** All that somebody sees whose role demands a second factor and who has none yet. */
import { useState } from 'react';
import type { Me } from '../../contract.ts';
import { Enrol } from '../account/enrol.tsx';
import { Lobby } from './lobby.tsx';

export function EnrolPage({ done, signOut }: { done: (me: Me) => void; signOut: () => void }) {
  const [me, setMe] = useState<Me | null>(null);
  return (
    <Lobby title="Set up a second factor">
      <p>
        Your role demands a code beside the password. It takes a minute and an authenticator app on your
        telephone.
      </p>
      <Enrol
        confirmed={setMe}
        finished={() => {
          if (me !== null) done(me);
        }}
      />
      {me === null ? (
        <p className="lobby-end">
          <button type="button" className="link" onClick={signOut}>
            Not now: log out
          </button>
        </p>
      ) : null}
    </Lobby>
  );
}
