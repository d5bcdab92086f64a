/** Log-in, as a page of its own and as the layer over a console whose session has ended. */
import { useEffect, useState } from 'react';
import type { Me } from '../../contract.ts';
import { CodeField } from '../account/code-field.tsx';
import { api } from '../api/client.ts';
import { ApiFailure, unreachable } from '../api/failure.ts';
import { Field } from '../parts/field.tsx';
import { FormError, Lobby } from './lobby.tsx';

export interface LoginPageProps {
  done: (me: Me) => void;
  /** A session was there and has ended. */
  again: boolean;
}

export function LoginPage({ done, again }: LoginPageProps) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  /** Null until the server asks for one. */
  const [code, setCode] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const wait = useCountdown(failure);

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
            autoFocus
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

function waitWords(seconds: number): string {
  return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}
