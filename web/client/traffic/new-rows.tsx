/** The pill that says how many new rows wait above, and brings them in. Spoken politely, at most every few seconds. */
import { useEffect, useState } from 'react';
import { counted } from '../format/numbers.ts';
import { Icon } from '../parts/icon.tsx';
import type { Show } from '../state/view.ts';

const SPEAK_EVERY = 5000;

export function NewRows({ waiting, show, bring }: { waiting: number; show: Show; bring: () => void }) {
  const [spoken, setSpoken] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => setSpoken(waiting), waiting === 0 ? 0 : SPEAK_EVERY);
    return () => clearTimeout(timer);
  }, [waiting]);
  const what = show === 'exchanges' ? 'request' : 'connection';
  const words = (n: number): string => counted(n, `new ${what}`);
  return (
    <div className="new-rows">
      <span className="visually-hidden" role="status">
        {spoken > 0 ? words(spoken) : ''}
      </span>
      {waiting > 0 ? (
        <button type="button" className="pill" onClick={bring}>
          <Icon name="up" />
          {words(waiting)}
        </button>
      ) : null}
    </div>
  );
}
