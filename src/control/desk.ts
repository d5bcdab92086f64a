/**
 * The desk at which the console has long work done: replays, counts, exports and imports run in a thread each, so that
 * neither the console nor the authority beside it waits for them.
 *
 * Bounds: `MAX_THREADS` at a time, further ones are refused; each has a time limit after which it is ended, and a heap of
 * its own. What a thread writes (policy file, list file) is written whole or not at all, so ending it leaves no halves.
 */
import { startThread } from '../audit/thread.ts';
import type { Worker } from 'node:worker_threads';
import type { DeskJob, DeskResult, DeskRefusal, DeskProgress } from '../../web/server/desk.ts';
import { DeskError } from '../../web/server/desk.ts';
import type { StoreSettings } from './fleet.ts';

export type DeskMessage =
  | { kind: 'progress'; progress: DeskProgress }
  | { kind: 'done'; result: unknown }
  | { kind: 'refused'; refusal: DeskRefusal }
  | { kind: 'failed'; message: string };

export interface DeskPlace {
  policyFile: string;
  dataDir: string;
  /** Where the records are. */
  records: StoreSettings;
  /** Folder of the secrets of parents; default `secrets` in the data folder. */
  secrets?: string;
}

const MAX_THREADS = 3;
const HEAP_MB = 1024;

export class Desk {
  readonly #place: DeskPlace;
  readonly #threads = new Set<Worker>();

  constructor(place: DeskPlace) {
    this.#place = place;
  }

  /** Have a job done. Rejects with DeskError when it is refused, runs out of time (`limit`, ms) or is aborted. */
  run<J extends DeskJob>(
    job: J,
    options: { limit: number; signal?: AbortSignal; onProgress?: (progress: DeskProgress) => void },
  ): Promise<DeskResult[J['do']]> {
    if (this.#threads.size >= MAX_THREADS)
      return Promise.reject(
        new DeskError({
          code: 'too-many',
          message: 'Other work on policy and lists is running.',
          hint: 'Try again when it has ended.',
        }),
      );
    return new Promise((resolve, reject) => {
      const worker = startThread('./desk-thread', import.meta.url, {
        workerData: { place: this.#place, job },
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      });
      this.#threads.add(worker);
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', abort);
        this.#threads.delete(worker);
        void worker.terminate();
        settle();
      };
      const refuse = (refusal: DeskRefusal): void => end(() => reject(new DeskError(refusal)));
      const timer = setTimeout(() => {
        refuse({
          code: 'unavailable',
          message: `This took longer than ${Math.round(options.limit / 1000)} seconds and was ended.`,
          hint: 'Choose a shorter time, or use the command line, which has no such limit.',
        });
      }, options.limit);
      const abort = (): void =>
        refuse({ code: 'unavailable', message: 'It was stopped.', hint: 'Start it again when you like.' });
      if (options.signal?.aborted === true) {
        abort();
        return;
      }
      options.signal?.addEventListener('abort', abort);
      worker.on('message', (message: DeskMessage) => {
        switch (message.kind) {
          case 'progress':
            options.onProgress?.(message.progress);
            return;
          case 'done':
            // The thread answers with the result of the very job it was given.
            end(() => resolve(message.result as DeskResult[J['do']]));
            return;
          case 'refused':
            refuse(message.refusal);
            return;
          case 'failed':
            end(() => reject(new Error(message.message)));
        }
      });
      worker.on('error', error => end(() => reject(error)));
      worker.on('exit', code => end(() => reject(new Error(`the thread ended with code ${code}`))));
    });
  }

  /** End whatever still runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#threads].map(worker => worker.terminate()));
  }
}
