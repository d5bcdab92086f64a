/**
 * The control process' handle on the thread of streams (thread.ts). A thread that dies is started again after a second and goes on
 * at the cursors in control.db. Its state is at most a second old.
 */
import { isoTime } from '../../audit/export/lines.ts';
import { startThread } from '../../audit/thread.ts';
import type { StreamsView } from '../../../web/contract.ts';
import type { Worker } from 'node:worker_threads';
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

const RESTART_MS = 1000;
/** Tests of alert rules under way at once. */
const MAX_TESTS = 8;
/** A receiver that hangs does not hold up the end of the service: its rows are sent by the next one. */
const PATIENCE_MS = 3000;

export function startStreams(
  data: StreamsData,
  tell: (name: string, detail: Record<string, unknown>) => void,
): Streams {
  let state: StreamsState = { file: data.file, problem: null, streams: [] };
  let thread: Worker | null = null;
  let ended: Promise<void> = Promise.resolve();
  let restart: NodeJS.Timeout | null = null;
  let stopping = false;
  let asked = 0;
  const asking = new Map<number, (error: string | null) => void>();
  const dismiss = (): void => {
    for (const answer of asking.values()) answer('the thread of alerts has ended; try again');
    asking.clear();
  };

  const start = (): void => {
    const worker = startThread('./thread', import.meta.url, { workerData: data, name: 'streams' });
    thread = worker;
    worker.on('message', (message: FromStreams) => {
      if (message.kind === 'state') state = message.state;
      else if (message.kind === 'tested') {
        asking.get(message.ask)?.(message.error);
        asking.delete(message.ask);
      } else tell(message.name, message.detail);
    });
    worker.on('error', (error: Error) => tell('streams.died', { error: error.message }));
    ended = new Promise(resolve => {
      worker.once('exit', () => {
        thread = null;
        dismiss();
        if (!stopping) restart = setTimeout(start, RESTART_MS);
        resolve();
      });
    });
  };
  start();

  return {
    state: () => state,
    testAlert: id =>
      new Promise(resolve => {
        if (thread === null || asking.size >= MAX_TESTS)
          return resolve('alerts are busy or not running; try again');
        const ask = ++asked;
        asking.set(ask, resolve);
        thread.postMessage({ kind: 'test', ask, id } satisfies ToStreams);
      }),
    async stop() {
      stopping = true;
      if (restart !== null) clearTimeout(restart);
      const worker = thread;
      worker?.postMessage({ kind: 'stop' } satisfies ToStreams);
      const patience = setTimeout(() => void worker?.terminate(), PATIENCE_MS);
      await ended;
      clearTimeout(patience);
    },
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
