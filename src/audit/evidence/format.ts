/** What lies in an evidence bundle and how its lines look; shared by its writer and its verifier. Pure. */
import { csvLine, EVENT_FIELDS, EXCHANGE_FIELDS, exported, FLOW_FIELDS, jsonLine } from '../export/lines.ts';
import type { Kind } from '../query/ast.ts';
import type { RowOf } from '../store/store.ts';

export const MANIFEST = 'manifest.json';
/** Signed statement over the manifest's digest. */
export const SIGNATURE = 'manifest.signed';
export const PROOF = 'proof.ndjson';
export const CHECKPOINTS = 'checkpoints.ndjson';
export const PUBLIC_KEY = 'audit.pub';
export const TITLE = 'sightglass export 1';

export type EvidenceFormat = 'ndjson' | 'csv';
export const dataName = (format: EvidenceFormat): string => `data.${format}`;

export interface Manifest {
  format: 'sightglass evidence 1';
  /** ISO 8601. */
  made: string;
  by: string;
  version: string;
  query: string;
  kind: Kind;
  since: string | null;
  until: string | null;
  /** Rows at most, newest first; null when everything was asked for. */
  limit: number | null;
  data: EvidenceFormat;
  rows: number;
  /** Rows that no checkpoint covered yet when this was made. */
  unsigned: number;
  /** Rows from before the chain, which nothing proves. */
  unchained: number;
  days: string[];
  policies: string[];
  /** What was masked before it was recorded, and in how many of the rows. */
  masked: Record<string, number>;
  /** Fingerprint of the key. */
  key: string;
  files: Record<string, { bytes: number; sha256: string }>;
}

/** One line of proof.ndjson. */
export interface ProofLine {
  /** Number of the row in the data, from 1. */
  line: number;
  day: string;
  seq: number;
  text: string;
  parts: Record<string, string>;
}

/** One line of checkpoints.ndjson: the signed statement, and the nodes that lead from the rows here to its root. */
export interface CheckpointLine {
  statement: string;
  signature: string;
  proof: string[];
}

/** What the chain proves of a row: it knows no name of the machine, whose key signs it all. */
const proven = (fields: readonly string[]): readonly string[] => fields.filter(f => f !== 'proxy');
const FIELDS = {
  exchanges: proven(EXCHANGE_FIELDS),
  flows: proven(FLOW_FIELDS),
  events: proven(EVENT_FIELDS),
} as const;

export const dataHead = (kind: Kind, format: EvidenceFormat): string =>
  format === 'csv' ? `${csvLine(FIELDS[kind])}\r\n` : '';

export function dataLine(kind: Kind, format: EvidenceFormat, row: RowOf[Kind]): string {
  const value = exported(row, FIELDS[kind]);
  return format === 'csv' ? `${csvLine(Object.values(value))}\r\n` : `${jsonLine(value)}\n`;
}
