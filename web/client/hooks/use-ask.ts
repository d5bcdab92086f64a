/**
 * Ask the server for one thing and keep the answer. A new key aborts the old question; while the new answer is on its
 * way the old one stays visible (`stale`), so pages do not flicker. When the link comes back after a loss, everything
 * on the page asks again by itself.
 */
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { ApiFailure, unreachable } from '../api/failure.ts';
import { link } from '../api/link.ts';
import { somebodyThere } from './presence.ts';

export interface Asked<T> {
  data: T | null;
  failure: ApiFailure | null;
  /** True until this key's answer or failure is there. */
  loading: boolean;
  /** True while `data` belongs to an earlier key or an earlier try. */
  stale: boolean;
  again: () => void;
}

interface Outcome<T> {
  key: string;
  data: T | null;
  failure: ApiFailure | null;
  settled: string;
}

/**
 * `key` names the question; null asks nothing. `question` must depend on nothing but the key.
 * `every` asks again after that many ms, as long as somebody is there.
 */
export function useAsk<T>(
  key: string | null,
  question: (signal: AbortSignal) => Promise<T>,
  every?: number,
): Asked<T> {
  const [outcome, setOutcome] = useState<Outcome<T> | null>(null);
  const [attempt, setAttempt] = useState(0);
  const ticket = `${attempt}/${useEpoch()}`;

  useEffect(() => {
    if (key === null) return;
    const abort = new AbortController();
    question(abort.signal).then(
      data => {
        if (!abort.signal.aborted) setOutcome({ key, data, failure: null, settled: ticket });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const failure = error instanceof ApiFailure ? error : unreachable();
        // A background refresh that fails keeps what is on screen; the banner tells about the link.
        setOutcome(before => ({
          key,
          data: before?.key === key ? before.data : null,
          failure,
          settled: ticket,
        }));
      },
    );
    return () => abort.abort();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key names the question
  }, [key, ticket]);

  useEffect(() => {
    if (every === undefined || key === null) return;
    const timer = setInterval(() => {
      if (somebodyThere()) setAttempt(n => n + 1);
    }, every);
    return () => clearInterval(timer);
  }, [every, key]);

  const again = useCallback(() => setAttempt(n => n + 1), []);
  const current = outcome !== null && outcome.key === key;
  return {
    data: key === null ? null : (outcome?.data ?? null),
    failure: current ? outcome.failure : null,
    loading: key !== null && !(current && (outcome.data !== null || outcome.settled === ticket)),
    stale: outcome !== null && !current,
    again,
  };
}

/** Grows each time the link to the server came back. */
export function useEpoch(): number {
  return useSyncExternalStore(link.subscribe, () => link.get().epoch);
}
