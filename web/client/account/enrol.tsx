/**
 * Setting up a second factor, step by step: the password, the QR code with a first code of the app, the recovery codes. The
 * same in the account page and before anything else where a role demands it.
 */
import { useState } from 'react';
import type { Me, SecondFactorBegun } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Field } from '../parts/field.tsx';
import { ActFailed } from '../parts/problem.tsx';
import { CodeField } from './code-field.tsx';
import { QrCode } from './qr-code.tsx';

export interface EnrolProps {
  /** It is on, and the session is another; the recovery codes are still on screen. */
  confirmed: (me: Me) => void;
  /** The reader has kept the recovery codes. */
  finished: () => void;
}

export function Enrol({ confirmed, finished }: EnrolProps) {
  const [begun, setBegun] = useState<SecondFactorBegun | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  if (codes !== null) return <RecoveryCodesCard codes={codes} done={finished} />;
  if (begun === null) return <Password done={setBegun} />;
  return (
    <Scan
      begun={begun}
      again={() => setBegun(null)}
      done={answer => {
        setCodes(answer.codes);
        confirmed(answer.me);
      }}
    />
  );
}

function Password({ done }: { done: (begun: SecondFactorBegun) => void }) {
  const [password, setPassword] = useState('');
  const begin = useAct((given: string) => api.beginSecondFactor(given), done);
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        if (!begin.busy) begin.run(password);
      }}
    >
      <ActFailed failure={begin.failure} />
      <Field
        label="Your password"
        type="password"
        autoComplete="current-password"
        required
        value={password}
        hint="Once more, so that nobody does this at an unattended screen."
        onChange={event => setPassword(event.target.value)}
      />
      <button type="submit" className="button button-strong" disabled={begin.busy || password === ''}>
        {begin.busy ? 'Checking …' : 'Go on'}
      </button>
    </form>
  );
}

function Scan({
  begun,
  again,
  done,
}: {
  begun: SecondFactorBegun;
  again: () => void;
  done: (answer: { me: Me; codes: string[] }) => void;
}) {
  const [code, setCode] = useState('');
  const confirm = useAct((given: string) => api.confirmSecondFactor(given), done);
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        if (!confirm.busy) confirm.run(code);
      }}
    >
      <p>Scan this with an authenticator app, then type the six digits that it shows.</p>
      <QrCode text={begun.uri} label="QR code of the secret; the same as text is below" />
      <details>
        <summary>The app cannot scan</summary>
        <div className="form-row">
          <code className="mono token">{begun.secret}</code>
          <CopyButton text={begun.secret} label="Copy the secret" />
        </div>
      </details>
      <ActFailed failure={confirm.failure} />
      <CodeField code={code} change={setCode} />
      <div className="form-end">
        <button type="button" className="button" onClick={again}>
          Begin again
        </button>
        <button type="submit" className="button button-strong" disabled={confirm.busy || code === ''}>
          {confirm.busy ? 'Checking …' : 'Switch it on'}
        </button>
      </div>
    </form>
  );
}

/** On screen once; each opens the account once when the app is gone. */
export function RecoveryCodesCard({ codes, done }: { codes: readonly string[]; done: () => void }) {
  return (
    <div className="stack" role="status">
      <p>
        Keep these recovery codes where you find them without your telephone. Each logs in once in place of a
        code of the app. <strong>They are shown this once.</strong>
      </p>
      <ul className="recovery-codes mono" aria-label="Recovery codes">
        {codes.map(code => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="form-row">
        <CopyButton text={codes.join('\n')} label="Copy the recovery codes" words="Copy them" />
        <button type="button" className="button button-strong" onClick={done}>
          I have kept them
        </button>
      </div>
    </div>
  );
}
