/**
 * Something the reader does, as opposed to something the page asks: it runs once when told, keeps its outcome until the next
 * time, and an outcome that comes after the component is gone is dropped. What failed is not tried again by itself.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiFailure, unreachable } from '../api/failure.ts';

export interface Act<A extends unknown[], T> {
  run: (...args: A) => void;
  busy: boolean;
  data: T | null;
  failure: ApiFailure | null;
  /** Forget the outcome. */
  clear: () => void;
}

export function useAct<A extends unknown[], T>(
  act: (...args: A) => Promise<T>,
  done?: (data: T) => void,
): Act<A, T> {
  const [state, setState] = useState<{ busy: boolean; data: T | null; failure: ApiFailure | null }>(IDLE);
  const turn = useRef(0);
  const latest = useRef({ act, done });
  useEffect(() => {
    latest.current = { act, done };
  });
  useEffect(
    () => () => {
      turn.current++;
    },
    [],
  );
  const run = useCallback((...args: A): void => {
    const mine = ++turn.current;
    setState({ busy: true, data: null, failure: null });
    latest.current.act(...args).then(
      data => {
        if (turn.current !== mine) return;
        setState({ busy: false, data, failure: null });
        latest.current.done?.(data);
      },
      (error: unknown) => {
        if (turn.current !== mine) return;
        setState({ busy: false, data: null, failure: error instanceof ApiFailure ? error : unreachable() });
      },
    );
  }, []);
  const clear = useCallback(() => {
    turn.current++;
    setState(IDLE);
  }, []);
  return { ...state, run, clear };
}

const IDLE = { busy: false, data: null, failure: null };
