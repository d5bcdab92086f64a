/** The reader's own second factor: on or off, how many recovery codes are left, and what can be done about it. */
import { useState } from 'react';
import type { Me, SecondFactorView } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { count } from '../format/numbers.ts';
import { Moment } from '../parts/moment.tsx';
import { ActFailed } from '../parts/problem.tsx';
import { CodeField } from './code-field.tsx';
import { Enrol, RecoveryCodesCard } from './enrol.tsx';

export interface SecondFactorProps {
  view: SecondFactorView;
  /** The session is another one now. */
  renew: (me: Me) => void;
  changed: () => void;
}

export function SecondFactor({ view, renew, changed }: SecondFactorProps) {
  const [enrolling, setEnrolling] = useState(false);
  return (
    <section className="card stack account-card" aria-labelledby="second-factor">
      <h2 id="second-factor">Second factor</h2>
      {enrolling ? (
        <Enrol
          confirmed={renew}
          finished={() => {
            setEnrolling(false);
            changed();
          }}
        />
      ) : view.sso ? (
        <p>You come by single sign-on: what is asked beside your password is decided at its provider.</p>
      ) : view.since === null ? (
        <>
          <p>
            Off: the password alone logs in. With a second factor the console also asks for a code that
            changes every 30 seconds, made by an authenticator app on your telephone.
          </p>
          <div className="form-row">
            <button type="button" className="button button-strong" onClick={() => setEnrolling(true)}>
              Set it up
            </button>
          </div>
        </>
      ) : (
        <On view={view} since={view.since} renew={renew} changed={changed} />
      )}
    </section>
  );
}

function On({ view, since, renew, changed }: SecondFactorProps & { since: string }) {
  const [doing, setDoing] = useState<'recovery' | 'remove' | null>(null);
  const [code, setCode] = useState('');
  const [codes, setCodes] = useState<string[] | null>(null);
  const close = (): void => {
    setDoing(null);
    setCode('');
  };
  const recovery = useAct(
    (given: string) => api.renewRecoveryCodes(given),
    answer => {
      close();
      setCodes(answer.codes);
    },
  );
  const remove = useAct(
    (given: string) => api.removeSecondFactor(given),
    ({ me }) => {
      renew(me);
      changed();
    },
  );
  const act = doing === 'remove' ? remove : recovery;
  if (codes !== null)
    return (
      <RecoveryCodesCard
        codes={codes}
        done={() => {
          setCodes(null);
          changed();
        }}
      />
    );
  return (
    <>
      <p>
        On since <Moment at={since} form="medium" />. {count(view.recoveryLeft)} recovery{' '}
        {view.recoveryLeft === 1 ? 'code is' : 'codes are'} left.
        {view.demanded ? ' Your role demands it.' : ''}
      </p>
      {view.recoveryLeft < 3 ? (
        <p className="warn">Make other recovery codes before the last one is used.</p>
      ) : null}
      {doing === null ? (
        <div className="form-row">
          <button type="button" className="button" onClick={() => setDoing('recovery')}>
            Other recovery codes …
          </button>
          <button type="button" className="button" onClick={() => setDoing('remove')}>
            Take it away …
          </button>
        </div>
      ) : (
        <form
          className="stack"
          onSubmit={event => {
            event.preventDefault();
            if (!act.busy) act.run(code);
          }}
        >
          <p>
            {doing === 'recovery'
              ? 'You get ten other recovery codes; those before are void.'
              : view.demanded
                ? 'You will have to set up another one at once, for example on another telephone.'
                : 'The password alone logs in afterwards. Your other sessions end.'}
          </p>
          <ActFailed failure={act.failure} />
          <CodeField code={code} change={setCode} hint="Of your app, or a recovery code." autoFocus />
          <div className="form-end">
            <button type="button" className="button" onClick={close}>
              Cancel
            </button>
            <button type="submit" className="button button-strong" disabled={act.busy || code === ''}>
              {act.busy ? 'Checking …' : doing === 'recovery' ? 'Make other codes' : 'Take it away'}
            </button>
          </div>
        </form>
      )}
    </>
  );
}
