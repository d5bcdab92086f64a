/**
 * The control process' handle on the recorder: a worker thread that carries the spool into the store (recorder-thread).
 * Nothing here touches the database. The control process has a spool producer of its own for its events, so they take
 * the same road and survive the same accidents as the workers' records.
 *
 * Bounds: the thread sends at most `LIVE_ROWS` rows per batch and says how many more there were; events wait in the spool.
 */
import path from 'node:path';
import { allocateProducer } from './producer.ts';
import { openSpool } from './spool.ts';
import { startThread } from './thread.ts';
import type { FleetData } from './fleet/fleet-data.ts';
import type { IngestStats } from './ingest.ts';
import type { LiveRow } from './store/store.ts';
import type { EventRecord } from '../core/records.ts';
import type { KeyObject } from 'node:crypto';
import type { Worker } from 'node:worker_threads';

/** Where things lie below the data directory. */
export const spoolDir = (dataDir: string): string => path.join(dataDir, 'spool');
export const auditDir = (dataDir: string): string => path.join(dataDir, 'audit');

export interface RecorderOptions {
  dataDir: string;
  /** Ed25519 private key that checkpoints and seals are signed with; without one nothing is signed. */
  signingKey?: KeyObject | null;
  /** File outside the store that gets a copy of every checkpoint and seal. */
  witnessFile?: string | null;
  /** Carry the spool to PostgreSQL or a collector instead of into day files. */
  fleet?: Omit<FleetData, 'spoolDir' | 'live'>;
  /** Another recorder of this machine ships the spool: segments stay until it has. */
  shared?: boolean;
  /** Newly committed rows, oldest first; `dropped` more were committed but not sent. */
  onRows?: (rows: LiveRow[], dropped: number) => void;
  /** Every event row that was committed (starts, gaps, …), and `recorder.failing` / `recorder.recovered` as they happen. */
  onEvent?: (event: EventRecord) => void;
}

export interface RecorderStats extends IngestStats {
  /** False after the thread died; it is started again after a pause that grows while it keeps dying. */
  running: boolean;
}

export interface Recorder {
  /** Carry over what is written now, then stop. */
  stop(): Promise<void>;
  stats(): RecorderStats;
  /** The control process' own events. On disk when this returns, unless the disk refuses. */
  append(event: EventRecord): void;
}

/** Messages between handle and thread. */
export type ToThread = 'stop';
export type FromThread =
  | { kind: 'rows'; rows: LiveRow[]; dropped: number }
  | { kind: 'event'; event: EventRecord }
  /** An event that is to be recorded. */
  | { kind: 'record'; event: EventRecord }
  | { kind: 'stats'; stats: IngestStats };

export interface ThreadData {
  spoolDir: string;
  auditDir: string;
  live: boolean;
  signingKey: KeyObject | null;
  witnessFile: string | null;
  shared: boolean;
}

/** Pause before a thread that died is started again; doubled each time it dies soon after its start. */
const RESTART_MS = 1000;
const RESTART_MAX_MS = 60_000;
/** A thread that lived this long has recovered. */
const STEADY_MS = 60_000;
const PROBE_MS = 1000;
/** Start the recorder of a data directory. A second one on the same directory waits until the first has ended. */
export function startRecorder(options: RecorderOptions): Recorder {
  const data: ThreadData = {
    spoolDir: spoolDir(options.dataDir),
    auditDir: auditDir(options.dataDir),
    live: options.onRows !== undefined,
    signingKey: options.signingKey ?? null,
    witnessFile: options.witnessFile ?? null,
    shared: options.shared === true,
  };
  const fleet: FleetData | null = options.fleet
    ? { ...options.fleet, spoolDir: data.spoolDir, live: data.live }
    : null;
  const own = openSpool({
    dir: data.spoolDir,
    producer: allocateProducer(data.spoolDir),
    onFailure: 'continue',
  });
  let stats: RecorderStats = {
    running: false,
    lagBytes: 0,
    rowsPerSecond: 0,
    rows: 0,
    failing: null,
    day: null,
  };
  let stopping = false;
  let pause = RESTART_MS;
  let startedAt = 0;
  let restart: NodeJS.Timeout | null = null;
  let thread: Worker | null = null;
  let ended: Promise<void> = Promise.resolve();

  const receive = (message: FromThread): void => {
    switch (message.kind) {
      case 'rows':
        options.onRows?.(message.rows, message.dropped);
        return;
      case 'event':
        options.onEvent?.(message.event);
        return;
      case 'record':
        own.append(message.event);
        own.flush();
        return;
      case 'stats':
        stats = { ...message.stats, running: true };
    }
  };

  const start = (): void => {
    restart = null;
    startedAt = performance.now();
    const worker =
      fleet === null
        ? startThread('./recorder-thread', import.meta.url, { workerData: data, name: 'recorder' })
        : startThread('./fleet/fleet-thread', import.meta.url, { workerData: fleet, name: 'fleet' });
    thread = worker;
    stats = { ...stats, running: true };
    worker.on('message', (message: FromThread) => receive(message));
    worker.on('error', (error: Error) => {
      const steady = performance.now() - startedAt >= STEADY_MS;
      const first = steady || pause === RESTART_MS;
      if (steady) pause = RESTART_MS;
      // Once per series: a thread that dies at every start must not fill the store it cannot write.
      if (!first) return;
      own.append({
        kind: 'event',
        time: Date.now(),
        name: 'recorder.died',
        detail: { error: error.message },
      });
      own.flush();
    });
    ended = new Promise(resolve => {
      worker.once('exit', () => {
        thread = null;
        stats = { ...stats, running: false };
        // The spool holds what was not committed; a fresh thread continues at the cursors.
        if (!stopping) restart = setTimeout(start, pause);
        pause = Math.min(RESTART_MAX_MS, pause * 2);
        resolve();
      });
    });
  };
  start();
  const probe = setInterval(() => own.probe(), PROBE_MS);
  probe.unref();

  return {
    async stop() {
      stopping = true;
      clearInterval(probe);
      if (restart !== null) clearTimeout(restart);
      own.close();
      thread?.postMessage('stop' satisfies ToThread);
      await ended;
    },
    stats: () => stats,
    append(event) {
      own.append(event);
      own.flush();
    },
  };
}
