/** The frame of the pages before log-in: one card in the middle. */
import type { ReactNode } from 'react';
import { LinkBanner } from '../shell/link-banner.tsx';
import { Mark } from '../shell/mark.tsx';

export function Lobby({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="lobby">
      <LinkBanner />
      <main className="card lobby-card">
        <p className="lobby-brand">
          <Mark />
          <span>Sightglass</span>
        </p>
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}

/** Why a form was refused. */
export function FormError({ message, hint }: { message: string; hint: string }) {
  return (
    <div className="form-error" role="alert">
      <p>
        <strong>{message}</strong>
      </p>
      {hint === '' ? null : <p>{hint}</p>}
    </div>
  );
}
