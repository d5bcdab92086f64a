/** Reading and writing lists in tests, in short texts. */
import { importList } from '../../../src/policy/lists/import.ts';
import type { ImportOptions, ImportReport } from '../../../src/policy/lists/import.ts';
import { entryOf } from '../../../src/policy/lists/entry.ts';
import type { EntryAction, ListEntry } from '../../../src/policy/lists/entry.ts';
import { exportList } from '../../../src/policy/lists/export.ts';
import type { ExportReport, Selection } from '../../../src/policy/lists/export.ts';
import type { ExportAction } from '../../../src/policy/lists/writer.ts';
import { parsePattern, patternText } from '../../../src/policy/pattern.ts';

export async function* bytesOf(...pieces: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const p of pieces) yield Buffer.from(p);
}

export interface ReadList {
  /** `deny .example.com`, or the pattern alone when the format does not say. */
  entries: string[];
  /** `3: reason`. */
  rejects: string[];
  full: ListEntry[];
  report: ImportReport;
}

/** Import a text (or its pieces) in a named format, or in one told from the content. */
export async function readList(
  format: string | null,
  text: string | string[],
  options: Partial<ImportOptions> = {},
): Promise<ReadList> {
  const full: ListEntry[] = [];
  const pieces = typeof text === 'string' ? [text] : text;
  const report = await importList(bytesOf(...pieces), e => void full.push(e), { format, ...options });
  return {
    entries: full.map(e => (e.action === null ? patternText(e) : `${e.action} ${patternText(e)}`)),
    rejects: report.rejects.map(r => `${r.line}: ${r.reason}`),
    full,
    report,
  };
}

/** An entry from a pattern in our notation. */
export function entry(text: string, action: EntryAction | null = 'deny'): ListEntry {
  const parsed = parsePattern(text, { allowPublicSuffix: true });
  if (parsed.ok === undefined) throw new Error(`${text}: ${parsed.error}`);
  return entryOf(parsed.ok, action);
}

export interface WrittenList extends ExportReport {
  /** Lines of each file without comments. */
  lines: string[][];
  /** Whole text of each file by name. */
  texts: Record<string, string>;
}

export interface WriteOptions {
  action?: ExportAction;
  exceptions?: string[];
  narrow?: boolean;
  proxy?: string;
  name?: string;
}

/** Export patterns in our notation. */
export function writeList(format: string, patterns: string[], options: WriteOptions = {}): WrittenList {
  const action = options.action ?? 'deny';
  const selection: Selection = {
    action,
    entries: patterns.map(p => entry(p, action === 'seen' ? null : action)),
    exceptions: (options.exceptions ?? []).map(p => entry(p, 'allow')),
    notes: [],
  };
  return writeSelection(format, selection, options);
}

export function writeSelection(
  format: string,
  selection: Selection,
  options: WriteOptions = {},
): WrittenList {
  const report = exportList(format, selection, {
    name: options.name ?? 'names',
    generated: '2026-11-20T12:00:00.000Z',
    policy: '0123456789ab',
    narrow: options.narrow ?? false,
    proxy: options.proxy ?? null,
  });
  return {
    ...report,
    lines: report.files.map(f => [...f.lines].filter(l => !/^\s*(?:#|!|;|\/\/)/.test(l))),
    texts: Object.fromEntries(report.files.map(f => [f.name, [...f.lines].map(l => `${l}\n`).join('')])),
  };
}
