/**
 * What control process and workers say to each other. Small and few: leaf asks, credential asks, policy snapshots and
 * health. Records never travel here, they go through the spool (DESIGN §3).
 *
 * Serialised by node's structured clone, so buffers stay buffers. Settings travel as text, see settings-wire.
 */
import type { FaultCode } from '../core/faults.ts';
import type { IssuedLeaf, LeafAsk } from '../core/ports.ts';
import type { PolicySnapshot } from '../policy/compile.ts';
import type { PseudonymStart } from './pseudonym-key.ts';
import type { SetupTexts } from '../core/setup-texts.ts';
import type { Counters } from '../proxy/context.ts';
import type { TallyCounts } from './tally.ts';

/** First message to a worker; nothing listens before it came. */
export interface StartMessage {
  kind: 'start';
  settings: string;
  snapshot: PolicySnapshot;
  /** `root` is what clients have to trust, PEM; `crl` the revocation list, DER. */
  authority: { certificates: string[]; root: string; crl: Uint8Array };
  setup: SetupTexts;
  producer: number;
  ticketKeys: Uint8Array;
  /** Null: users and clients are written in clear. */
  pseudonyms: PseudonymStart | null;
  ownListeners: readonly { host: string; port: number }[];
}

export type ToWorker =
  | StartMessage
  | { kind: 'leaf'; id: number; leaf: IssuedLeaf }
  | { kind: 'credentials'; id: number; outcome: 'ok' | 'refused' | 'unavailable'; groups: string[] }
  | { kind: 'refused'; id: number; code: FaultCode; detail: string | null }
  | { kind: 'policy'; snapshot: PolicySnapshot }
  | { kind: 'crl'; crl: Uint8Array }
  | { kind: 'setup'; setup: SetupTexts }
  | { kind: 'drain' };

export interface WorkerHealth {
  counters: Counters;
  /** What it recorded since it started. */
  tally: TallyCounts;
  policy: string;
  leafContexts: number;
  rss: number;
  /** CPU time since it started, user and system, ms. */
  cpuMs: number;
  /** 99th percentile of the event loop's delay since the last beat, ms. */
  loopDelayMs: number;
  spool: { writing: boolean; error: string | null; queuedBytes: number; shed: number };
}

export type FromWorker =
  | { kind: 'hungry' }
  | { kind: 'listening'; addresses: { address: string; port: number }[] }
  /** `code` is the system's, such as EADDRINUSE, where there is one. */
  | { kind: 'failed'; message: string; code: string | null }
  | { kind: 'leaf'; id: number; ask: LeafAsk }
  | { kind: 'credentials'; id: number; user: string; password: string; client: string }
  | { kind: 'policy-refused'; version: string; message: string }
  | { kind: 'health'; health: WorkerHealth };
