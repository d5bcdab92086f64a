/**
 * The control process' handle on the recorder: a worker thread that carries the spool into the store (recorder-thread).
 * Nothing here touches the database. The control process has a spool producer of its own for its events, so they take
 * the same road and survive the same accidents as the workers' records.
 *
 * Bounds: the thread sends at most `LIVE_ROWS` rows per batch and says how many more there were; events wait in the spool.
 */
import path from 'node:path';
import { allocateProducer } from './producer.ts';
import { KeptThread } from './kept-thread.ts';
import { openSpool } from './spool.ts';
import { startThread } from './thread.ts';
import type { FleetData } from './fleet/fleet-data.ts';
import type { IngestStats } from './ingest.ts';
import type { LiveRow } from './store/store.ts';
import type { EventRecord } from '../core/records.ts';
import type { KeyObject } from 'node:crypto';

/** Where things lie below the data directory. */
export const spoolDir = (dataDir: string): string => path.join(dataDir, 'spool');
export const auditDir = (dataDir: string): string => path.join(dataDir, 'audit');
/** In the audit folder of a machine whose records lie in PostgreSQL: the checkpoint it signed last. */
export const LAST_SIGNED = 'last.checkpoint';

export interface RecorderOptions {
  dataDir: string;
  /** Ed25519 private key that checkpoints and seals are signed with; without one nothing is signed. */
  signingKey?: KeyObject | null;
  /** File outside the store that gets a copy of every checkpoint and seal. */
  witnessFile?: string | null;
  /** Carry the spool to PostgreSQL or a collector instead of into day files. */
  fleet?: Omit<FleetData, 'spoolDir' | 'live' | 'vouching'>;
  /** Another recorder of this machine ships the spool: segments stay until it has. */
  shared?: boolean;
  /** Newly committed rows, oldest first; `dropped` more were committed but not sent. */
  onRows?: (rows: LiveRow[], dropped: number) => void;
  /** Every event row once: when it was committed, but `recorder.failing` and `recorder.recovered` as they happen. */
  onEvent?: (event: EventRecord) => void;
}

export interface RecorderStats extends IngestStats {
  /** False after the thread died, until it is started again (kept-thread.ts). */
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
  /** One of `AT_ONCE`: told now, and to be recorded. */
  | { kind: 'told'; event: EventRecord }
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

/** What says that nothing can be stored cannot wait until it is. Their rows come by the spool when the store is back. */
const AT_ONCE: ReadonlySet<string> = new Set(['recorder.failing', 'recorder.recovered']);
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
  const { signingKey, witnessFile } = data;
  const vouching = { signingKey, witnessFile, lastSigned: path.join(data.auditDir, LAST_SIGNED) };
  const fleet: FleetData | null = options.fleet
    ? {
        ...options.fleet,
        spoolDir: data.spoolDir,
        live: data.live,
        vouching: options.fleet.mode.kind === 'store' ? vouching : null,
      }
    : null;
  const own = openSpool({
    dir: data.spoolDir,
    producer: allocateProducer(data.spoolDir),
    onFailure: 'continue',
  });
  let stats: IngestStats = {
    lagBytes: 0,
    rowsPerSecond: 0,
    rows: 0,
    failing: null,
    day: null,
  };
  const append = (event: EventRecord): void => {
    own.append(event);
    own.flush();
  };
  const receive = (message: FromThread): void => {
    switch (message.kind) {
      case 'rows':
        options.onRows?.(message.rows, message.dropped);
        return;
      case 'event':
        if (!AT_ONCE.has(message.event.name)) options.onEvent?.(message.event);
        return;
      case 'told':
        options.onEvent?.(message.event);
        append(message.event);
        return;
      case 'record':
        append(message.event);
        return;
      case 'stats':
        stats = message.stats;
    }
  };

  const thread = new KeptThread<FromThread, ToThread>({
    start: () =>
      fleet === null
        ? startThread('./recorder-thread', import.meta.url, { workerData: data, name: 'recorder' })
        : startThread('./fleet/fleet-thread', import.meta.url, { workerData: fleet, name: 'fleet' }),
    onMessage: receive,
    onDied: error => {
      append({ kind: 'event', time: Date.now(), name: 'recorder.died', detail: { error: error.message } });
    },
  });
  const probe = setInterval(() => own.probe(), PROBE_MS);
  probe.unref();

  return {
    async stop() {
      clearInterval(probe);
      own.close();
      await thread.stop('stop');
    },
    stats: () => ({ ...stats, running: thread.running }),
    append,
  };
}
