/**
 * Keeps a worker thread of the control process running: one that dies is started again, after a second the first time, then after
 * pauses that double up to a minute. A thread that lived a minute has recovered: its death begins a new series.
 *
 * Deaths are told once per series, since a thread that dies at every start must not fill the store it perhaps cannot write.
 * What was posted to a thread that died is gone: whoever starts one here keeps its state on the disk.
 */
import type { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';

/** What is used of a Worker. */
export type Thread = Pick<EventEmitter, 'on'> & Pick<Worker, 'postMessage' | 'terminate'>;

export interface KeptThreadParts<From> {
  start: () => Thread;
  onMessage: (message: From) => void;
  /** The first death of a series. */
  onDied: (error: Error) => void;
  /** Every end, the asked one included. */
  onEnd?: () => void;
  /** ms of a clock that never steps. */
  now?: () => number;
  /** Calls back after that many ms; the answer calls it off. */
  later?: (call: () => void, ms: number) => () => void;
}

export const FIRST_PAUSE_MS = 1000;
export const LAST_PAUSE_MS = 60_000;
export const STEADY_MS = 60_000;

export class KeptThread<From, To> {
  readonly #parts: Required<KeptThreadParts<From>>;
  #thread: Thread | null = null;
  #startedAt = 0;
  #pause = FIRST_PAUSE_MS;
  #callOff: (() => void) | null = null;
  #stopping = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: KeptThreadParts<From>) {
    this.#parts = { onEnd: () => undefined, now: () => performance.now(), later, ...parts };
    this.#start();
  }

  /** False between a death and the next start, and after the end. */
  get running(): boolean {
    return this.#thread !== null;
  }

  /** Gone when nothing runs now. */
  post(message: To): void {
    this.#thread?.postMessage(message);
  }

  /** Says `message`, which must make the thread end, and resolves when it did; it is not started again. After `patience` ms it is ended by force. */
  async stop(message: To, patience = Infinity): Promise<void> {
    this.#stopping = true;
    this.#callOff?.();
    const thread = this.#thread;
    this.post(message);
    const force = patience === Infinity ? null : this.#parts.later(() => void thread?.terminate(), patience);
    await this.#ended;
    force?.();
  }

  #start(): void {
    const { start, onMessage, now } = this.#parts;
    this.#startedAt = now();
    const thread = start();
    this.#thread = thread;
    let error: Error | null = null;
    thread.on('message', onMessage);
    thread.on('error', (e: Error) => (error = e));
    this.#ended = new Promise(resolve => {
      thread.on('exit', (code: number) => {
        this.#thread = null;
        this.#parts.onEnd();
        if (!this.#stopping) this.#died(error ?? new Error(`the thread ended with exit code ${code}`));
        resolve();
      });
    });
  }

  #died(error: Error): void {
    const { now, onDied, later } = this.#parts;
    if (now() - this.#startedAt >= STEADY_MS) this.#pause = FIRST_PAUSE_MS;
    if (this.#pause === FIRST_PAUSE_MS) onDied(error);
    this.#callOff = later(() => this.#start(), this.#pause);
    this.#pause = Math.min(LAST_PAUSE_MS, this.#pause * 2);
  }
}

function later(call: () => void, ms: number): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}
