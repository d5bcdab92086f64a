/**
 * A router of one screen: the address bar is the state. `useLocation` re-renders on navigation, `navigate` changes it.
 * It does not promise nested routes, loaders or scroll restoration; the console has six pages and needs none of these.
 */
import { useSyncExternalStore } from 'react';

export interface Place {
  path: string;
  /** Query string without the question mark. */
  search: string;
  /** Fragment without the hash sign. */
  hash: string;
}

const listeners = new Set<() => void>();
let place: Place = read();

function read(): Place {
  return {
    path: location.pathname,
    search: location.search.replace(/^\?/, ''),
    hash: location.hash.replace(/^#/, ''),
  };
}

function changed(): void {
  place = read();
  for (const tell of listeners) tell();
}

function subscribe(tell: () => void): () => void {
  if (listeners.size === 0) {
    window.addEventListener('popstate', changed);
    window.addEventListener('hashchange', changed);
  }
  listeners.add(tell);
  return () => {
    listeners.delete(tell);
    if (listeners.size > 0) return;
    window.removeEventListener('popstate', changed);
    window.removeEventListener('hashchange', changed);
  };
}

/** Where the reader is. Re-renders the component on every navigation. */
export function usePlace(): Place {
  return useSyncExternalStore(subscribe, () => place);
}

/** Go to a path of this console (starting with `/`). `replace` keeps the history as long as it was. */
export function navigate(to: string, how: 'push' | 'replace' = 'push'): void {
  // Only ever our own pages: `//elsewhere` or a scheme would leave the console.
  if (!/^\/(?![/\\])/.test(to)) return;
  if (to === location.pathname + location.search + location.hash) return;
  if (how === 'push') history.pushState(null, '', to);
  else history.replaceState(null, '', to);
  changed();
}
