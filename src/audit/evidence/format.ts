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
  /** Whether each row names the machine it is of: in a bundle of a fleet's database. */
  machines?: true;
  rows: number;
  /** Rows that no checkpoint covered yet when this was made. */
  unsigned: number;
  /** Rows that are not in the chain of this key, from before it or in that of another collector: nothing proves them. */
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

const FIELDS = { exchanges: EXCHANGE_FIELDS, flows: FLOW_FIELDS, events: EVENT_FIELDS } as const;

/** What says how the data looks. */
export type Shape = Pick<Manifest, 'kind' | 'data' | 'machines'>;

/** What the chain proves of a row: that of a day file knows no name of the machine, whose key signs it all. */
const fieldsOf = ({ kind, machines }: Shape): readonly string[] =>
  FIELDS[kind].filter(field => field !== 'proxy' || machines === true);

export const dataHead = (shape: Shape): string =>
  shape.data === 'csv' ? `${csvLine(fieldsOf(shape))}\r\n` : '';

export function dataLine(shape: Shape, row: RowOf[Kind]): string {
  const value = exported(row, fieldsOf(shape));
  return shape.data === 'csv' ? `${csvLine(Object.values(value))}\r\n` : `${jsonLine(value)}\n`;
}
