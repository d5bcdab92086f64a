/**
 * Entry of the thread that learns one list from recorded traffic: a month of it is minutes of work, and leaves are minted
 * in the process around it. Asks the records by itself, answers once and ends.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Worker } from 'node:worker_threads';
import { startThread } from '../audit/thread.ts';
import { Lessons } from '../policy/learned.ts';
import type { Learned } from '../policy/learned.ts';
import type { LearnedSource } from '../policy/rule.ts';
import { withHistory } from './fleet.ts';
import type { StoreSettings } from './fleet.ts';

interface Task {
  /** Where the records are. */
  records: StoreSettings;
  since: number;
  source: LearnedSource;
}

/** Learn what a source says from flows since `since` (ms). Days that cannot be read are left out. */
export async function learn({ records, since, source }: Task): Promise<Learned[]> {
  const lessons = new Lessons(source.what);
  await withHistory(records, async history => {
    for await (const batch of history.flows({ since, onProblem: () => undefined }))
      for (const flow of batch) lessons.add(flow);
  });
  return lessons.result(source.minClients);
}

/** The same in a thread of its own. Rejects when the thread dies. */
export function learnInThread(task: Task): Promise<Learned[]> {
  return new Promise((resolve, reject) => {
    const worker: Worker = startThread('./learn-thread', import.meta.url, {
      workerData: { learn: task },
      name: 'learn',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.unref();
    worker.once('message', (names: Learned[]) => {
      resolve(names);
    });
    worker.once('error', reject);
    worker.once('exit', () => {
      reject(new Error('the thread that learns ended without an answer'));
    });
  });
}

const HEAP_MB = 1024;

// This file is imported for its functions too, in threads of other work among them: only its own task is done.
const task = (workerData as { learn?: Task } | null)?.learn;
if (parentPort !== null && task !== undefined) parentPort.postMessage(await learn(task));
