/** Entry of the thread behind ThreadStore: answers one question after the other from the day files of one folder. */
import { parentPort, workerData } from 'node:worker_threads';
import { SqliteStore } from './sqlite.ts';
import type { AnswerMessage, QuestionMessage } from './thread-store.ts';

const port = parentPort;
if (port === null) throw new Error('reader-thread is the entry of a worker thread');
const store = new SqliteStore((workerData as { dir: string }).dir);

port.on('message', (question: QuestionMessage) => {
  const { id, method, args } = question;
  // The sender is ThreadStore, whose methods have these very signatures.
  const answer = (store[method] as (...args: unknown[]) => Promise<unknown>).apply(store, args);
  answer.then(
    value => port.postMessage({ id, value } satisfies AnswerMessage),
    (error: unknown) =>
      port.postMessage({
        id,
        error: error instanceof Error ? error.message : String(error),
      } satisfies AnswerMessage),
  );
});
