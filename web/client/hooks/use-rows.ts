/**
 * The rows of a traffic view, history and live tail in one. A new view gets a new feed; the old one stops and its
 * questions are aborted. After a gap in the tail (lost link, too slow) the first page is fetched again, so nothing
 * that the store holds is missing from the list.
 */
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { ExchangeRow, FlowRow, LiveMessages, QueryParams } from '../../contract.ts';
import { addresses, api } from '../api/client.ts';
import { link } from '../api/link.ts';
import { RowsFeed } from '../state/rows-feed.ts';
import type { FeedState } from '../state/rows-feed.ts';
import type { Show } from '../state/view.ts';
import { useEpoch } from './use-ask.ts';

export type TrafficRow = ExchangeRow | FlowRow;
export type TailState = 'off' | 'connecting' | 'following';

/** Text id of a row of either kind. */
export function rowId(row: TrafficRow): string {
  return 'exchange' in row ? row.exchange : row.flow;
}

export interface Rows {
  state: FeedState<TrafficRow>;
  feed: RowsFeed<TrafficRow>;
  tail: TailState;
}

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15_000;

export function useRows(query: QueryParams & { kind: Show }, follow: boolean): Rows {
  const key = JSON.stringify(query);
  const epoch = useEpoch();
  const { feed, born } = useMemo(() => {
    const asked = JSON.parse(key) as QueryParams & { kind: Show };
    return {
      feed: new RowsFeed<TrafficRow>({
        page: (where, signal) => api.search({ ...asked, ...where }, signal),
        idOf: row => ({ id: rowId(row), time: row.time }),
      }),
      born: link.get().epoch,
    };
  }, [key]);

  useEffect(() => {
    void feed.start();
    return () => feed.stop();
  }, [feed]);

  useEffect(() => {
    if (epoch > born) void feed.restart();
  }, [feed, born, epoch]);

  const state = useSyncExternalStore(feed.subscribe, feed.get);
  // A query that the server cannot read has no tail either.
  const readable = state.failure?.code !== 'bad-query';
  const address = follow && readable ? addresses.live({ kind: query.kind, q: query.q ?? '' }) : null;
  const tail = useTail(feed, address, epoch);
  return { state, feed, tail };
}

function useTail(feed: RowsFeed<TrafficRow>, address: string | null, epoch: number): TailState {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (address === null) return;
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pause = FIRST_PAUSE;
    let gap = false;

    const reopen = (): void => {
      source?.close();
      setOpen(false);
      gap = true;
      timer = setTimeout(connect, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    };
    const connect = (): void => {
      source = new EventSource(address);
      source.addEventListener('ready', () => {
        setOpen(true);
        pause = FIRST_PAUSE;
        if (gap) void feed.restart();
        gap = false;
      });
      source.addEventListener('rows', event => {
        const message = read<'rows'>(event);
        if (message === null || message.kind === 'events') return;
        feed.push(message.rows as TrafficRow[], message.dropped);
      });
      source.addEventListener('end', event => {
        if (read<'end'>(event)?.reason === 'signed-out') {
          source?.close();
          setOpen(false);
          api.status().catch(() => undefined); // answers 401, which brings the log-in layer
        } else {
          reopen();
        }
      });
      source.addEventListener('error', () => {
        // The browser tells no reason; any answer of the API does, and reports a lost link or a lost session.
        api.session().then(
          answer => {
            if (answer.state !== 'signed-in') api.status().catch(() => undefined);
          },
          () => undefined,
        );
        reopen();
      });
    };
    connect();
    return () => {
      clearTimeout(timer);
      source?.close();
      setOpen(false);
    };
  }, [feed, address, epoch]);
  return address === null ? 'off' : open ? 'following' : 'connecting';
}

function read<E extends keyof LiveMessages>(event: MessageEvent): LiveMessages[E] | null {
  try {
    return JSON.parse(String(event.data)) as LiveMessages[E];
  } catch {
    return null;
  }
}
