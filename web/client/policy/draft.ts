/** The candidate that somebody is writing: kept while the console is open, whatever page they look at meanwhile. */
import { useSyncExternalStore } from 'react';

export interface Draft {
  text: string;
  /** Version in force when it was begun. */
  base: string;
}

let draft: Draft | null = null;
const listeners = new Set<() => void>();

export function setDraft(next: Draft | null): void {
  draft = next;
  for (const tell of listeners) tell();
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

/** Null when nothing was changed yet. */
export function useDraft(): Draft | null {
  return useSyncExternalStore(subscribe, () => draft);
}
