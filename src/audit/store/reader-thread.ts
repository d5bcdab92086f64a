/** Entry of a thread of ReaderPool: answers one question after the other from the day files of one folder. */
import { parentPort, workerData } from 'node:worker_threads';
import { SqliteStore } from './sqlite.ts';
import type { AnswerMessage, QuestionMessage, ReadersData } from './pool.ts';

const port = parentPort;
if (port === null) throw new Error('reader-thread is the entry of a worker thread');
const { dir, proxy } = workerData as ReadersData;
const store = new SqliteStore(dir, proxy);

port.on('message', (question: QuestionMessage) => {
  const { id, method, args } = question;
  // The sender is ThreadStore, whose questions have the signatures of these methods.
  const ask = async (): Promise<unknown> =>
    (store[method] as (...args: unknown[]) => unknown).apply(store, args);
  ask().then(
    value => port.postMessage({ id, value } satisfies AnswerMessage),
    (error: unknown) =>
      port.postMessage({
        id,
        error: error instanceof Error ? error.message : String(error),
      } satisfies AnswerMessage),
  );
});
