/** What the bench needs of a proxy. One file for each implementation; none knows about workloads or clocks. */
import type { Pki } from '../origin.ts';
import type { Mode } from '../workloads.ts';

export interface StartOrder {
  mode: Mode;
  /** An empty folder for this start alone. */
  folder: string;
  pki: Pki;
  /** To be put before the command, so that it sees the bench's host names. */
  prefix: readonly string[];
}

export interface Running {
  port: number;
  /** Root of the process tree that is accounted. */
  pid: number;
  /** PEM file that verifies the certificates it shows when it inspects. */
  ca: string;
  /** Rows in its audit store right now: exchanges when inspecting, flows when passing through. Null: it has none. */
  rows(): number | null;
  stop(): Promise<void>;
}

export interface Implementation {
  name: string;
  /** How it is configured, one sentence for the report. */
  about: string;
  /** Share of the requests it gets, so that slow ones do not stretch the run. Downloads are never cut. */
  pace: number;
  /** Version text, or null when it is not installed here. */
  version(): string | null;
  start(order: StartOrder): Promise<Running>;
}
