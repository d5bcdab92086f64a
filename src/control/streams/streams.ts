/**
 * The control process' handle on the thread of streams (thread.ts). A thread that dies is started again after a second and goes on
 * at the cursors in control.db. Its state is at most a second old.
 */
import { startThread } from '../../audit/thread.ts';
import type { Worker } from 'node:worker_threads';
import type { Sender } from '../../audit/export/facts.ts';
import type { StreamsState } from './engine.ts';

export interface StreamsData {
  dataDir: string;
  auditDir: string;
  /** The document. */
  file: string;
  sender: Sender;
}

export type FromStreams =
  { kind: 'state'; state: StreamsState } | { kind: 'event'; name: string; detail: Record<string, unknown> };

export interface Streams {
  state(): StreamsState;
  stop(): Promise<void>;
}

const RESTART_MS = 1000;
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

  const start = (): void => {
    const worker = startThread('./thread', import.meta.url, { workerData: data, name: 'streams' });
    thread = worker;
    worker.on('message', (message: FromStreams) => {
      if (message.kind === 'state') state = message.state;
      else tell(message.name, message.detail);
    });
    worker.on('error', (error: Error) => tell('streams.died', { error: error.message }));
    ended = new Promise(resolve => {
      worker.once('exit', () => {
        thread = null;
        if (!stopping) restart = setTimeout(start, RESTART_MS);
        resolve();
      });
    });
  };
  start();

  return {
    state: () => state,
    async stop() {
      stopping = true;
      if (restart !== null) clearTimeout(restart);
      const worker = thread;
      worker?.postMessage('stop');
      const patience = setTimeout(() => void worker?.terminate(), PATIENCE_MS);
      await ended;
      clearTimeout(patience);
    },
  };
}
