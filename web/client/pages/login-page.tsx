/** Log-in, as a page of its own and as the layer over a console whose session has ended. */
import { useEffect, useState } from 'react';
import { SSO, SSO_FAILURES } from '../../contract.ts';
import type { Me, SessionAnswer, SsoFailure } from '../../contract.ts';
import { CodeField } from '../account/code-field.tsx';
import { api } from '../api/client.ts';
import { ApiFailure, unreachable } from '../api/failure.ts';
import { Field } from '../parts/field.tsx';
import { FormError, Lobby } from './lobby.tsx';

export interface LoginPageProps {
  done: (me: Me) => void;
  /** A session was there and has ended. */
  again: boolean;
  ways: SessionAnswer['ways'];
  /** Query of the address: what became of single sign-on. */
  search: string;
}

export function LoginPage({ done, again, ways, search }: LoginPageProps) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  /** Null until the server asks for one. */
  const [code, setCode] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const wait = useCountdown(failure);
  const refused = refusedBy(search);
  /** Password forms are out of the way where only one account still uses them. */
  const [local, setLocal] = useState(ways.local);

  const submit = (): void => {
    setBusy(true);
    api.login({ name: name.trim(), password, ...(code === null ? {} : { code }) }).then(
      ({ me }) => done(me),
      (error: unknown) => {
        const told = error instanceof ApiFailure ? error : unreachable();
        setBusy(false);
        const aboutCode = told.code === 'code-needed' || told.code === 'code-refused';
        // That a code is wanted is no failure; it is the next step of the form.
        setFailure(told.code === 'code-needed' ? null : told);
        setCode(aboutCode ? '' : null);
        if (!aboutCode) setPassword('');
      },
    );
  };

  return (
    <div className={again ? 'layer' : undefined}>
      <Lobby title={again ? 'Log in again' : 'Log in'}>
        {again ? <p>Your session has ended. After log-in you are back where you were.</p> : null}
        {ways.sso ? (
          <div className="stack lobby-sso">
            {refused === null ? null : <FormError message={refused.message} hint={refused.hint} />}
            <a className="button button-strong" href={SSO.start}>
              Log in with single sign-on
            </a>
            {local ? (
              <p className="fine">Or with an account of this console:</p>
            ) : (
              <p className="fine">
                Local accounts are switched off.{' '}
                <button type="button" className="link" onClick={() => setLocal(true)}>
                  Emergency account
                </button>
              </p>
            )}
          </div>
        ) : null}
        {ways.sso && !local ? null : (
          <form
            onSubmit={event => {
              event.preventDefault();
              if (!busy && wait === 0) submit();
            }}
          >
            {failure === null ? null : (
              <FormError
                message={failure.message}
                hint={wait > 0 ? `Try again in ${waitWords(wait)}. ${failure.hint}` : failure.hint}
              />
            )}
            <Field
              label="Name"
              type="text"
              name="username"
              autoComplete="username"
              autoCapitalize="off"
              spellCheck={false}
              autoFocus={!ways.sso}
              required
              value={name}
              onChange={event => setName(event.target.value)}
            />
            <Field
              label="Password"
              type="password"
              name="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={event => setPassword(event.target.value)}
            />
            {code === null ? null : (
              <CodeField
                code={code}
                change={setCode}
                hint="This account asks for one: of your app, or a recovery code."
                autoFocus
              />
            )}
            <button type="submit" className="button button-strong" disabled={busy || wait > 0}>
              {busy ? 'Checking …' : 'Log in'}
            </button>
          </form>
        )}
      </Lobby>
    </div>
  );
}

/** Seconds until another try makes sense, counting down; zero when it does. */
function useCountdown(failure: ApiFailure | null): number {
  const [state, setState] = useState<{ of: ApiFailure | null; left: number }>({ of: null, left: 0 });
  if (state.of !== failure) setState({ of: failure, left: failure?.retryAfter ?? 0 });
  const counting = state.left > 0;
  useEffect(() => {
    if (!counting) return;
    const timer = setInterval(() => setState(now => ({ ...now, left: Math.max(0, now.left - 1) })), 1000);
    return () => clearInterval(timer);
  }, [counting]);
  return state.left;
}

/** What the address says about a log-in at the provider that came to nothing. */
function refusedBy(search: string): { message: string; hint: string } | null {
  const word = new URLSearchParams(search).get('sso');
  const failure = SSO_FAILURES.find(known => known === word);
  return failure === undefined ? null : SSO_WORDS[failure];
}

const SSO_WORDS: Readonly<Record<SsoFailure, { message: string; hint: string }>> = {
  away: {
    message: 'The provider of single sign-on does not answer.',
    hint: 'Try again in a minute; if it stays, tell those who run it. Sessions that are open go on.',
  },
  denied: {
    message: 'The log-in was not completed at the provider.',
    hint: 'Try again, or ask those who run it whether you may use this console.',
  },
  failed: {
    message: 'What the provider answered cannot be believed or understood.',
    hint: 'An admin finds the reason in the trail, as login.refused.',
  },
  stale: {
    message: 'The log-in took too long, or began in another browser.',
    hint: 'Begin again here.',
  },
  'no-role': {
    message: 'You are known, but none of your groups opens this console.',
    hint: 'Ask an admin to add you to a group that does.',
  },
  'bad-name': {
    message: 'Your name at the provider cannot be a name here.',
    hint: 'An admin can choose another claim as the name: sso.user-claim.',
  },
  'name-taken': {
    message: 'Somebody else has your name in this console.',
    hint: 'An admin can choose another claim as the name: sso.user-claim.',
  },
  shut: { message: 'Your account here is shut.', hint: 'An admin can open it again.' },
};

function waitWords(seconds: number): string {
  return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}
