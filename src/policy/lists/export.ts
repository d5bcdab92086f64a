/**
 * From a selection of names to the files of a format. What the target cannot express is withheld and told, with the
 * reason and the count: never silently widened, never silently narrowed. On request (`narrow`) an entry is written in
 * the widest smaller form the target knows; that too is counted and told.
 */
import { MATCH_WORDS } from './entry.ts';
import type { ListEntry } from './entry.ts';
import { EXPORTERS } from './formats.ts';
import { patternText } from '../pattern.ts';
import type { Match } from '../pattern.ts';
import { coveredFromAbove, setOf, tidy } from './tidy.ts';
import type { ExportAction, ExportFile, Exporter } from './writer.ts';

/** Names chosen for export, from a policy (policy/lists/select) or from traffic. */
export interface Selection {
  action: ExportAction;
  /** Both are walked more than once. */
  entries: Iterable<ListEntry>;
  /** Names inside the entries to which they do not apply. */
  exceptions: Iterable<ListEntry>;
  /** What a reader of the export should know, such as rules that could not be turned into names. */
  notes: string[];
}

export interface ExportOptions {
  /** Letters, digits, dot, dash, underscore. */
  name: string;
  /** ISO 8601. */
  generated: string;
  policy: string | null;
  /** `host:port` for PAC. */
  proxy?: string | null;
  /** Write smaller forms of what cannot be expressed. Default false: withhold. */
  narrow?: boolean;
}

export interface Withheld {
  pattern: string;
  reason: string;
}

export interface ExportReport {
  format: string;
  files: ExportFile[];
  mediaType: string;
  /** Entries and exceptions written. */
  written: number;
  exceptions: number;
  duplicates: number;
  covered: number;
  withheld: { total: number; reasons: Record<string, number>; first: Withheld[] };
  narrowed: { total: number; reasons: Record<string, number>; first: Withheld[] };
  notes: string[];
}

/** The format cannot be used for this at all. */
export class ExportRefused extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'ExportRefused';
    this.hint = hint;
  }
}

/** Cases quoted in a report; the rest is counted. */
const QUOTED = 20;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Make the files of an export. Throws ExportRefused. */
export function exportList(format: string, selection: Selection, options: ExportOptions): ExportReport {
  const exporter = EXPORTERS.find(e => e.format === format);
  if (exporter === undefined)
    throw new ExportRefused(
      `unknown format "${format}"`,
      `Formats: ${EXPORTERS.map(e => e.format).join(', ')}.`,
    );
  if (!exporter.actions.includes(selection.action))
    throw new ExportRefused(
      `the format ${format} cannot say "${selection.action}"`,
      `It can say: ${exporter.actions.join(', ')}.`,
    );
  if (!NAME.test(options.name))
    throw new ExportRefused(
      `"${options.name}" is no usable name`,
      'Use letters, digits, dot, dash and underscore.',
    );

  // An exception inside another one still counts where an entry lies between them.
  const exceptions = tidy(selection.exceptions, selection.entries).entries;
  const tidied = tidy(selection.entries, exceptions);
  const passes = exporter.passMatches ?? exporter.matches;
  const matches = selection.action === 'deny' ? exporter.matches : passes;
  const withheld = new Cases();
  const narrowed = new Cases();
  const carried = exporter.exceptions === 'none' ? [] : exceptions.filter(e => passes.includes(e.match));
  const lost =
    exporter.exceptions === 'none' ? exceptions : exceptions.filter(e => !passes.includes(e.match));
  const spoiled = namesAbove(lost);
  const winning = exporter.exceptions === 'they-win' ? setOf(carried) : null;

  const entries: ListEntry[] = [];
  for (const entry of tidied.entries) {
    if (entry.match !== 'exact' && spoiled.has(entry.name)) {
      withheld.add(entry, `has exceptions that ${format} cannot hold`);
    } else if (winning !== null && (winning.match(entry.name) || coveredFromAbove(winning, entry.name))) {
      withheld.add(entry, `lies inside an exception, which always wins in ${format}`);
    } else if (matches.includes(entry.match)) entries.push(entry);
    else {
      const reason = `${format} cannot express ${MATCH_WORDS[entry.match]}`;
      const smaller = options.narrow === true ? smallerForm(entry.match, matches) : null;
      if (smaller === null) withheld.add(entry, reason);
      else {
        narrowed.add(entry, `${reason}, written as ${MATCH_WORDS[smaller]}`);
        entries.push({ ...entry, match: smaller });
      }
    }
  }
  // Exceptions of entries that were not written would stand there for nothing, and as allows they would widen.
  const written = setOf(entries);
  const used = carried.filter(e => coveredFromAbove(written, e.name));
  const files = exporter.files({
    action: selection.action,
    name: options.name,
    generated: options.generated,
    policy: options.policy,
    entries,
    exceptions: used,
    proxy: options.proxy ?? null,
  });
  return {
    format,
    files,
    mediaType: exporter.mediaType,
    written: entries.length,
    exceptions: used.length,
    duplicates: tidied.duplicates,
    covered: tidied.covered,
    withheld: withheld.report(),
    narrowed: narrowed.report(),
    notes: [...selection.notes],
  };
}

/** What a format can express, in words, for help texts and documentation. */
export function capabilities(exporter: Exporter): string {
  return exporter.matches.map(m => MATCH_WORDS[m]).join(', ');
}

function smallerForm(match: Match, matches: readonly Match[]): Match | null {
  if (match !== 'both') return null;
  return (['subdomains', 'exact'] as const).find(m => matches.includes(m)) ?? null;
}

/** All names above the given ones: an entry there that covers subdomains contains one of them. */
function namesAbove(entries: readonly ListEntry[]): Set<string> {
  const names = new Set<string>();
  for (const { name, match } of entries) {
    if (match !== 'exact') names.add(name);
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
      names.add(name.slice(dot + 1));
  }
  return names;
}

/** A bounded record of cases with counts by reason. */
class Cases {
  #total = 0;
  readonly #reasons = new Map<string, number>();
  readonly #first: Withheld[] = [];

  add(entry: ListEntry, reason: string): void {
    this.#total++;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    if (this.#first.length < QUOTED) this.#first.push({ pattern: patternText(entry), reason });
  }

  report(): { total: number; reasons: Record<string, number>; first: Withheld[] } {
    return { total: this.#total, reasons: Object.fromEntries(this.#reasons), first: this.#first };
  }
}
