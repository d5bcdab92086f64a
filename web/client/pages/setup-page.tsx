/**
 * First start: whoever holds the one-time link makes the admin account. The token comes in the fragment, which no server
 * log and no Referer ever sees, and is taken out of the address bar at once.
 */
import { useEffect, useState } from 'react';
import { PASSWORD_MAX, PASSWORD_MIN, USER_NAME_PATTERN } from '../../contract.ts';
import type { Me } from '../../contract.ts';
import { api } from '../api/client.ts';
import { ApiFailure, unreachable } from '../api/failure.ts';
import { passwordStrength } from '../format/strength.ts';
import { Field } from '../parts/field.tsx';
import { FormError, Lobby } from './lobby.tsx';

/** `#TOKEN` as the link has it; `#token=TOKEN` is understood as well. */
function tokenFrom(hash: string): string {
  const text = hash.startsWith('token=') ? hash.slice(6) : hash;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function SetupPage({ token: hash, done }: { token: string; done: (me: Me) => void }) {
  const [token, setToken] = useState(() => tokenFrom(hash));
  const [fromLink] = useState(token !== '');
  const [name, setName] = useState('admin');
  const [password, setPassword] = useState('');
  const [repeat, setRepeat] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const strength = passwordStrength(password, name);
  const differs = repeat !== '' && repeat !== password;

  useEffect(() => {
    if (location.hash !== '') history.replaceState(null, '', '/setup');
  }, []);

  const submit = (): void => {
    setBusy(true);
    api.setup({ token: token.trim(), name: name.trim(), password }).then(
      ({ me }) => done(me),
      (error: unknown) => {
        setFailure(error instanceof ApiFailure ? error : unreachable());
        setBusy(false);
      },
    );
  };

  return (
    <Lobby title="Make the admin account">
      <p>This console has no accounts yet. The first one may do everything, and can add others.</p>
      <form
        onSubmit={event => {
          event.preventDefault();
          if (!busy && !differs) submit();
        }}
      >
        {failure === null ? null : <FormError message={failure.message} hint={failure.hint} />}
        {fromLink && failure?.code !== 'set-up-refused' ? null : (
          <Field
            label="Set-up token"
            hint="The service printed a set-up link when it started. Open it, or paste it here."
            type="text"
            autoComplete="off"
            spellCheck={false}
            required
            value={token}
            onChange={event => setToken(tokenFrom(event.target.value.replace(/^.*#/, '')))}
          />
        )}
        <Field
          label="Name"
          type="text"
          name="username"
          autoComplete="username"
          autoCapitalize="off"
          spellCheck={false}
          required
          pattern={USER_NAME_PATTERN}
          title="Letters, digits, dot, underscore, hyphen, at; beginning with a letter or digit; at most 64"
          value={name}
          onChange={event => setName(event.target.value)}
        />
        <Field
          label="Password"
          hint={strength.words}
          extra={
            <span className={`strength strength-${strength.level}`} aria-hidden="true">
              <span />
              <span />
              <span />
            </span>
          }
          type="password"
          name="new-password"
          autoComplete="new-password"
          autoFocus
          required
          minLength={PASSWORD_MIN}
          maxLength={PASSWORD_MAX}
          value={password}
          onChange={event => setPassword(event.target.value)}
        />
        <Field
          label="Password again"
          hint={differs ? 'The two passwords differ.' : ''}
          type="password"
          name="repeat-password"
          autoComplete="new-password"
          required
          value={repeat}
          onChange={event => setRepeat(event.target.value)}
          aria-invalid={differs}
        />
        <button type="submit" className="button button-strong" disabled={busy || differs}>
          {busy ? 'Making it …' : 'Make the account'}
        </button>
      </form>
    </Lobby>
  );
}
