/** Whether the page is as narrow as a phone: cards instead of columns. The same width stands in styles/traffic.css. */
import { useSyncExternalStore } from 'react';

const NARROW = window.matchMedia('(max-width: 40rem)');
const subscribe = (tell: () => void): (() => void) => {
  NARROW.addEventListener('change', tell);
  return () => NARROW.removeEventListener('change', tell);
};

export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => NARROW.matches);
}
