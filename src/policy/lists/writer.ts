/**
 * What every exporter is made of. An exporter declares what its target can express; `exportList` (policy/lists/export)
 * gives it only that and reports the rest, so that no exporter can widen or narrow an entry on its own.
 */
import type { Match } from '../pattern.ts';
import type { ListEntry } from './entry.ts';

/** What the names of an export are for: refused, inspected, left undecrypted, or only observed. */
export type ExportAction = 'deny' | 'allow' | 'passthrough' | 'seen';
export const EXPORT_ACTIONS: readonly ExportAction[] = ['deny', 'allow', 'passthrough', 'seen'];

/** How a target treats exceptions inside wider entries; `none` when it cannot hold any. */
export type Exceptions = 'none' | 'they-win' | 'longest-wins';

export interface ExportInput {
  action: ExportAction;
  /** Name of the list: letters, digits, dot, dash, underscore. Becomes part of file, zone and variable names. */
  name: string;
  /** ISO 8601. */
  generated: string;
  /** Version of the policy they come from, or null. */
  policy: string | null;
  /** Deduplicated, nothing covered by another entry, sorted by the exporter's needs; can be walked more than once. */
  entries: readonly ListEntry[];
  /** Names inside the entries to which they do not apply. Empty unless the exporter holds exceptions. */
  exceptions: readonly ListEntry[];
  /** `host:port` of the proxy, for formats that need it. */
  proxy: string | null;
}

export interface ExportFile {
  /** Relative path, slashes only. */
  name: string;
  /** Lines without their ends. */
  lines: Iterable<string>;
}

export interface Exporter {
  readonly format: string;
  /** One line for help texts. */
  readonly about: string;
  /** Kinds of patterns that the target can express exactly. */
  readonly matches: readonly Match[];
  /** The same for names that are let through (allow, passthrough, exceptions), where that differs. */
  readonly passMatches?: readonly Match[];
  readonly actions: readonly ExportAction[];
  readonly exceptions: Exceptions;
  /** How the target orders entries and exceptions, one sentence for the head of the file and for the documentation. */
  readonly precedence: string;
  /** Media type of a single file. */
  readonly mediaType: string;
  /** One file, or several where the consumer needs several. */
  files(input: ExportInput): ExportFile[];
}

/** Head lines that say what the file is, behind the comment mark of its format. */
export function head(exporter: Exporter, input: ExportInput, mark: string): string[] {
  return [
    `Sightglass list "${input.name}" (${input.action}), ${input.entries.length} entries, written for ${exporter.format}`,
    `generated ${input.generated}${input.policy === null ? '' : `, policy ${input.policy}`}`,
    exporter.precedence,
  ].map(line => `${mark} ${line}`);
}
