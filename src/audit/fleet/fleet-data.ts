/** What the fleet thread is told at its start. Types only: it must be copied between threads. */
import type { KeyObject } from 'node:crypto';
import type { RetentionLimits } from '../retention.ts';
import type { PostgresTarget } from '../store/postgres/connect.ts';
import type { TlsFiles } from './link.ts';

/** Where the collector listens, with whose certificates, and who may ship. */
export interface ListenData {
  listen: { host: string; port: number };
  tls: TlsFiles;
  allowed: readonly string[];
}

export type FleetMode =
  | { kind: 'ship'; url: string; tls: TlsFiles }
  | { kind: 'store'; target: PostgresTarget; listen: ListenData | null; limits: Required<RetentionLimits> };

export interface FleetData {
  spoolDir: string;
  /** Send committed rows for live views. */
  live: boolean;
  /** The recorder of this machine reads the spool too. */
  shared: boolean;
  /** Name of this machine in the fleet. */
  name: string;
  mode: FleetMode;
  /** Whoever stores vouches for it; whoever ships is told none of this. */
  vouching: VouchingData | null;
}

export interface VouchingData {
  /** Ed25519 private key; null when nothing is signed. */
  signingKey: KeyObject | null;
  witnessFile: string | null;
  /** File that remembers what was signed last. */
  lastSigned: string;
}
