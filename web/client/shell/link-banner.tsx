/** Says that the server does not answer, when it is asked next, and lets the reader ask now. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { link } from '../api/link.ts';
import { Icon } from '../parts/icon.tsx';

export function LinkBanner() {
  const state = useSyncExternalStore(link.subscribe, link.get);
  if (!state.lost) return null;
  return (
    <div className="banner" role="alert">
      <Icon name="fault" />
      <p>
        <strong>The console server does not answer.</strong> What is on screen stays; nothing you typed is
        lost.
      </p>
      <Countdown to={state.nextProbe} />
      <button type="button" className="button" onClick={() => link.tryNow()}>
        Try now
      </button>
    </div>
  );
}

function Countdown({ to }: { to: number | null }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = to === null ? 0 : Math.max(0, Math.ceil((to - now) / 1000));
  return (
    <span className="fine" aria-hidden="true">
      {to === null || seconds === 0 ? 'asking …' : `next try in ${seconds} s`}
    </span>
  );
}
