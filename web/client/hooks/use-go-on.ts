/**
 * Asks again for a count that was cut short: the server remembers whole days, so each answer reaches farther back than the
 * one before. Stops when it is exact, when an answer got no farther, or when the question changes.
 */
import { useEffect, useRef } from 'react';
import type { Asked } from './use-ask.ts';

const PAUSE = 250;

export function useGoOn(asked: Asked<{ exact: boolean; reached?: string }>): void {
  const { data, stale, again } = asked;
  const last = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (stale || data === null) return;
    const { exact, reached } = data;
    const farther = !exact && reached !== undefined && reached !== last.current;
    last.current = exact ? undefined : reached;
    if (!farther) return;
    const timer = setTimeout(again, PAUSE);
    return () => clearTimeout(timer);
  }, [data, stale, again]);
}
