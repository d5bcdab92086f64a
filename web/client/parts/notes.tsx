/** The three states a page can be in when it has nothing to show: waiting, failed, empty. Each says what to do next. */
import type { ReactNode } from 'react';
import type { ApiFailure } from '../api/failure.ts';
import { Icon } from './icon.tsx';

export function Waiting({ what }: { what: string }) {
  return (
    <div className="note note-waiting" role="status">
      <span className="spinner" aria-hidden="true" />
      <p>Loading {what} …</p>
    </div>
  );
}

export function Failed({ failure, again }: { failure: ApiFailure; again: () => void }) {
  return (
    <div className="note note-failed" role="alert">
      <Icon name="fault" />
      <h2>{failure.message}</h2>
      {failure.hint === '' ? null : <p>{failure.hint}</p>}
      <button type="button" className="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="note note-empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
