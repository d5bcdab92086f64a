/**
 * First start: whoever holds the one-time link makes the admin account. The token comes in the fragment, which no server
 * log and no Referer ever sees, and is taken out of the address bar at once.
 */
import { useEffect, useId, useState } from 'react';
import { PASSWORD_MAX, PASSWORD_MIN, USER_NAME_PATTERN } from '../../contract.ts';
import type { Me } from '../../contract.ts';
import { api } from '../api/client.ts';
import { ApiFailure, unreachable } from '../api/failure.ts';
import { passwordStrength } from '../format/strength.ts';
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
  const id = useId();
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
          <label>
            Set-up token
            <input
              type="text"
              autoComplete="off"
              spellCheck={false}
              required
              value={token}
              onChange={event => setToken(tokenFrom(event.target.value.replace(/^.*#/, '')))}
              aria-describedby={`${id}-token`}
            />
            <span id={`${id}-token`} className="fine">
              The service printed a set-up link when it started. Open it, or paste it here.
            </span>
          </label>
        )}
        <label>
          Name
          <input
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
        </label>
        <label>
          Password
          <input
            type="password"
            name="new-password"
            autoComplete="new-password"
            autoFocus
            required
            minLength={PASSWORD_MIN}
            maxLength={PASSWORD_MAX}
            value={password}
            onChange={event => setPassword(event.target.value)}
            aria-describedby={`${id}-strength`}
          />
          <span className={`strength strength-${strength.level}`} aria-hidden="true">
            <span />
            <span />
            <span />
          </span>
          <span id={`${id}-strength`} className="fine">
            {strength.words}
          </span>
        </label>
        <label>
          Password again
          <input
            type="password"
            name="repeat-password"
            autoComplete="new-password"
            required
            value={repeat}
            onChange={event => setRepeat(event.target.value)}
            aria-invalid={differs}
            aria-describedby={`${id}-repeat`}
          />
          <span id={`${id}-repeat`} className="fine">
            {differs ? 'The two passwords differ.' : ''}
          </span>
        </label>
        <button type="submit" className="button button-strong" disabled={busy || differs}>
          {busy ? 'Making it …' : 'Make the account'}
        </button>
      </form>
    </Lobby>
  );
}
