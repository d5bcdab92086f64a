/**
 * The control process' handle on the thread of streams (thread.ts). A thread that dies is started again (kept-thread.ts) and
 * goes on at the cursors in control.db. Its state is at most a second old.
 */
import { isoTime } from '../../audit/export/lines.ts';
import { KeptThread } from '../../audit/kept-thread.ts';
import { startThread } from '../../audit/thread.ts';
import type { StreamsView } from '../../../web/contract.ts';
import type { Sender } from '../../audit/export/facts.ts';
import type { MailServer } from '../alerts/deliver.ts';
import type { StoreSettings } from '../fleet.ts';
import type { StreamsState } from './engine.ts';

export interface StreamsData {
  /** Where the records are that are sent: the day files of this machine, or the store of its fleet. */
  records: StoreSettings;
  /** The document. */
  file: string;
  sender: Sender;
  alerts: {
    /** Networks that webhooks may reach although they are otherwise refused (`egress.allow`). */
    allow: string[];
    /** PEM files of authorities trusted beside the runtime's. */
    caFiles: string[];
    mail: MailServer | null;
  };
}

export type ToStreams = { kind: 'stop' } | { kind: 'test'; ask: number; id: number };
export type FromStreams =
  | { kind: 'state'; state: StreamsState }
  | { kind: 'tested'; ask: number; error: string | null }
  | { kind: 'event'; name: string; detail: Record<string, unknown> };

export interface Streams {
  state(): StreamsState;
  /** Tell a test notice by every way of an alert rule: the first error in words, or null. */
  testAlert(id: number): Promise<string | null>;
  stop(): Promise<void>;
}

/** Tests of alert rules under way at once. */
const MAX_TESTS = 8;
/** A receiver that hangs does not hold up the end of the service: its rows are sent by the next one. */
const PATIENCE_MS = 3000;

export function startStreams(
  data: StreamsData,
  tell: (name: string, detail: Record<string, unknown>) => void,
): Streams {
  let state: StreamsState = { file: data.file, problem: null, streams: [] };
  let asked = 0;
  const asking = new Map<number, (error: string | null) => void>();
  const dismiss = (): void => {
    for (const answer of asking.values()) answer('the thread of alerts has ended; try again');
    asking.clear();
  };

  const thread = new KeptThread<FromStreams, ToStreams>({
    start: () => startThread('./thread', import.meta.url, { workerData: data, name: 'streams' }),
    onMessage: message => {
      if (message.kind === 'state') state = message.state;
      else if (message.kind === 'tested') {
        asking.get(message.ask)?.(message.error);
        asking.delete(message.ask);
      } else tell(message.name, message.detail);
    },
    onDied: error => tell('streams.died', { error: error.message }),
    onEnd: dismiss,
  });

  return {
    state: () => state,
    testAlert: id =>
      new Promise(resolve => {
        if (!thread.running || asking.size >= MAX_TESTS)
          return resolve('alerts are busy or not running; try again');
        const ask = ++asked;
        asking.set(ask, resolve);
        thread.post({ kind: 'test', ask, id });
      }),
    stop: () => thread.stop({ kind: 'stop' }, PATIENCE_MS),
  };
}

/** The state as the console shows it. */
export function streamsView({ file, problem, streams }: StreamsState): StreamsView {
  return {
    file,
    problem,
    streams: streams.map(({ attempts: _attempts, lastSent, nextTry, ...rest }) => ({
      ...rest,
      lastSent: lastSent === null ? null : isoTime(lastSent),
      nextTry: nextTry === null ? null : isoTime(nextTry),
    })),
  };
}
