/**
 * Entry of the recorder's worker thread: calls Ingest.step in a loop, tells the control process what came in, and waits
 * between polls: not at all while there is more, longer when nothing comes. A store that cannot be used is tried
 * again once a second; meanwhile the spool grows up to its bound (DESIGN §8).
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Ingest } from './ingest.ts';
import { signerOf } from './statement.ts';
import { Witness } from './witness.ts';
import type { FromThread, ThreadData } from './recorder.ts';

const port = parentPort;
if (port === null) throw new Error('recorder-thread is the entry of a worker thread');
const { spoolDir, auditDir, live, signingKey, witnessFile, shared } = workerData as ThreadData;

/** Live views need to see that something happens, not all of it. */
const LIVE_ROWS = 200;
/** Under load larger batches share their commit; 100 ms is still live to the eye. */
const BUSY_MS = 100;
const QUIET_MS = 20;
const IDLE_MS = 250;
const BUSY_ROWS = 100;
const RETRY_MS = 1000;
const STATS_MS = 1000;

const ingest = new Ingest({
  spoolDir,
  auditDir,
  liveRows: live ? LIVE_ROWS : 0,
  shared,
  signer: signingKey === null ? null : signerOf(signingKey),
  ...(witnessFile === null ? {} : { witness: new Witness(witnessFile) }),
});
const send = (message: FromThread): void => port.postMessage(message);

let delay = QUIET_MS;
let stopping = false;
let timer: NodeJS.Timeout | null = null;
let failing = false;
let statsAt = 0;
let statsRows = 0;

function poll(): void {
  timer = null;
  let wait = delay;
  try {
    const step = ingest.step();
    if (step.live.length > 0) send({ kind: 'rows', rows: step.live, dropped: step.dropped });
    for (const event of step.events) send({ kind: 'event', event });
    if (failing) told('recorder.recovered', {});
    failing = false;
    if (stopping && step.rows === 0 && !step.more) {
      ingest.finish();
      return finish();
    }
    delay = step.rows >= BUSY_ROWS ? BUSY_MS : step.rows > 0 ? QUIET_MS : Math.min(IDLE_MS, delay * 1.5);
    wait = step.more || stopping ? 0 : delay;
    if (!step.more && !stopping && ingest.seal()) wait = 0;
  } catch (error) {
    if (stopping) return finish();
    if (!failing && !ingest.waiting) told('recorder.failing', { error: messageOf(error) });
    failing = !ingest.waiting;
    wait = RETRY_MS;
  }
  report();
  timer = setTimeout(poll, wait);
}

function told(name: string, detail: Record<string, unknown>): void {
  send({ kind: 'told', event: { kind: 'event', time: Date.now(), name, detail } });
}

function report(): void {
  const now = Date.now();
  const passed = now - statsAt;
  if (passed >= 0 && passed < STATS_MS) return;
  const stats = ingest.stats();
  const rowsPerSecond =
    statsAt === 0 ? 0 : Math.round(((stats.rows - statsRows) * 1000) / Math.max(1, passed));
  send({ kind: 'stats', stats: { ...stats, rowsPerSecond } });
  statsAt = now;
  statsRows = stats.rows;
}

function finish(): void {
  ingest.close();
  port?.close();
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

port.on('message', () => {
  stopping = true;
  if (timer !== null) clearTimeout(timer);
  poll();
});

poll();
