/** Entry of a thread of the desk: does the one job it was started for, tells how far it is, and answers once. */
import { parentPort, workerData } from 'node:worker_threads';
import type { DeskJob } from '../../web/server/desk.ts';
import { DeskError } from '../../web/server/desk.ts';
import type { DeskMessage, DeskPlace } from './desk.ts';
import { doJob } from './desk-work.ts';

const port = parentPort;
if (port === null) throw new Error('desk-thread is the entry of a worker thread');
const { place, job } = workerData as { place: DeskPlace; job: DeskJob };
const say = (message: DeskMessage): void => port.postMessage(message);

doJob(place, job, progress => say({ kind: 'progress', progress })).then(
  result => say({ kind: 'done', result }),
  (error: unknown) => {
    if (error instanceof DeskError) say({ kind: 'refused', refusal: error.refusal });
    else say({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  },
);
