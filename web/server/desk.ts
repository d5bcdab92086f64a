/**
 * The long work behind the pages of policy and lists, as the console asks for it: plain data in, plain data out, done
 * somewhere else than on the console's event loop (src/control/desk). Every job reads the files it needs itself.
 */
import type { PolicySnapshot } from '../../src/policy/compile.ts';
import type { Finding } from '../../src/policy/analyse.ts';
import type { Positions } from '../../src/policy/parse.ts';
import type { ExportReport } from '../../src/policy/lists/export.ts';
import type { ImportReport } from '../../src/policy/lists/import.ts';
import type { FileProblem } from '../../src/policy/load.ts';
import type { ReplaySummary } from '../../src/policy/replay.ts';
import type { RequestSummary } from '../../src/policy/replay-requests.ts';
import type { Restored } from '../../src/policy/versions-restore.ts';
import type { VersionNote } from '../../src/policy/versions.ts';
import type { ErrorCode, ImportPlan, ListExportParams } from '../contract.ts';

export type DeskJob =
  | { do: 'check'; text: string; against: string; now: number }
  | { do: 'replay'; text: string; since: number; until: number; budget: number }
  | { do: 'analyse'; snapshot: PolicySnapshot; positions: Positions; now: number }
  | { do: 'hits'; since: number; until: number }
  | { do: 'apply'; text: string; note: VersionNote }
  /** `lists` false brings back the document alone. */
  | { do: 'rollback'; n: number; note: VersionNote; lists: boolean; now: number }
  | { do: 'diff'; from: number; to: number }
  | { do: 'export'; snapshot: PolicySnapshot; params: ListExportParams; name: string; now: number }
  | { do: 'import'; bytes: Uint8Array; params: ImportJob };

export interface ImportJob {
  name: string;
  file: string;
  format: string | null;
  bare: 'exact' | 'both';
  add: boolean;
  suffixes: boolean;
  categories: string[] | null;
  /** List that takes the exceptions. */
  exceptions: string | null;
  /** Write, if the plan still has this digest. */
  apply: { expect: string; author: string; comment: string } | null;
}

export interface DeskResult {
  check: { version: string | null; problems: FileProblem[]; changes: string[]; findings: Finding[] };
  analyse: Finding[];
  replay: {
    summary: ReplaySummary | null;
    /** Null when the time was over before the requests were looked at. */
    requests: RequestSummary | null;
    complete: boolean;
    problems: FileProblem[];
  };
  hits: { rule: string; action: string; flows: number; last: number }[] | null;
  apply: { written: boolean; version: string | null; problems: FileProblem[] };
  rollback: DeskResult['apply'] & Pick<Restored, 'restored' | 'held' | 'otherLists'>;
  /** What differs between two versions, in words; empty where one of them cannot be read any more. */
  diff: string[];
  export: {
    report: Omit<ExportReport, 'files'>;
    files: { name: string; text: string; lines: number }[];
  };
  import: {
    report: ImportReport;
    exceptionsLeft: number;
    plan: ImportPlan | null;
    exceptionsPlan: ImportPlan | null;
    written: boolean;
  };
}

export interface DeskProgress {
  done: number;
  /** Time of the last flow, ms. */
  at: number | null;
}

export interface DeskRefusal {
  code: ErrorCode;
  message: string;
  hint: string;
}

/** The job cannot be done, told in a sentence with a hint. */
export class DeskError extends Error {
  override readonly name = 'DeskError';
  readonly refusal: DeskRefusal;
  constructor(refusal: DeskRefusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

export interface ConsoleDesk {
  run<J extends DeskJob>(
    job: J,
    options: { limit: number; signal?: AbortSignal; onProgress?: (progress: DeskProgress) => void },
  ): Promise<DeskResult[J['do']]>;
}
