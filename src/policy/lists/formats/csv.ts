/**
 * CSV (RFC 4180) with a header; carries everything an entry knows. Reading understands our own columns, other people's
 * names for them, and the two columns `rank,domain` of top lists. Cells that a spreadsheet would run as a formula are
 * written behind an apostrophe, which reading takes off again.
 */
import { ENTRY_ACTIONS, ENTRY_FIELDS, entryFields } from '../entry.ts';
import type { EntryField, ListEntry } from '../entry.ts';
import { MATCHES, parsePattern, patternOf } from '../../pattern.ts';
import { MAX_LINE, lineReader } from '../reader.ts';
import type { Importer, ReadOptions, Sink } from '../reader.ts';
import type { Exporter } from '../writer.ts';

/** Header words by the field they stand for. */
const COLUMNS: Record<string, EntryField> = {
  pattern: 'pattern',
  domain: 'pattern',
  host: 'pattern',
  hostname: 'pattern',
  name: 'pattern',
  fqdn: 'pattern',
  sni: 'pattern',
  match: 'match',
  action: 'action',
  source: 'source',
  category: 'category',
  comment: 'comment',
  reason: 'comment',
  description: 'comment',
  added_by: 'added_by',
  owner: 'added_by',
  expires: 'expires',
};

export const csvImporter: Importer = {
  format: 'csv',
  about: 'CSV with a header (pattern, match, action, …), or rank,domain',
  recognises: line =>
    /^"?(?:pattern|domain|host|hostname|name|fqdn|sni)"?(?:,|$)/i.test(line) ||
    /^"?[^",\s]*"?(?:,[^,]*)+$/.test(line),
  open(sink, options) {
    let columns: (EntryField | null)[] | null = null;
    let open = '';
    let openLine = 0;
    const reader = lineReader(
      (line, number) => {
        const text = open === '' ? line : `${open}\n${line}`;
        const cells = cellsOf(text.endsWith('\r') ? text.slice(0, -1) : text);
        if (cells === null) {
          // A quote is still open: the cell goes on in the next line.
          if (open === '') openLine = number;
          open = text;
          if (open.length > MAX_LINE) {
            sink.reject(openLine, 'a quoted cell longer than 64 KiB', open.slice(0, 80));
            open = '';
          }
          return;
        }
        const at = open === '' ? number : openLine;
        open = '';
        if (text.trim() === '' || text.startsWith('#')) return sink.ignore();
        if (columns === null) {
          columns = header(cells);
          if (columns !== null) return sink.ignore();
          columns = cells.length >= 2 && /^\d+$/.test(cells[0] ?? '') ? [null, 'pattern'] : ['pattern'];
        }
        row(sink, options, columns, cells, at, text);
      },
      sink,
      true,
    );
    return {
      write: text => reader.write(text),
      end() {
        reader.end();
        if (open !== '') sink.reject(openLine, 'a quote that is never closed', open.slice(0, 80));
      },
    };
  },
};

/** Whether a line is a header that names a column of patterns, even if it is the only column. */
export function isCsvHeader(line: string): boolean {
  const cells = cellsOf(line);
  return cells !== null && header(cells) !== null;
}

/** The columns when the first row is a header, else null. */
function header(cells: readonly string[]): (EntryField | null)[] | null {
  const columns = cells.map(c => {
    const word = c.trim().toLowerCase();
    return Object.hasOwn(COLUMNS, word) ? (COLUMNS[word] ?? null) : null;
  });
  return columns.includes('pattern') ? columns : null;
}

function row(
  sink: Sink,
  options: ReadOptions,
  columns: readonly (EntryField | null)[],
  cells: readonly string[],
  line: number,
  text: string,
): void {
  const fields: Partial<Record<EntryField, string>> = {};
  columns.forEach((field, i) => {
    if (field !== null && fields[field] === undefined) fields[field] = fromSpreadsheet(cells[i] ?? '');
  });
  giveFields(sink, options, fields, line, text);
}

/** Turn fields by name into an entry; shared with JSON. */
export function giveFields(
  sink: Sink,
  options: ReadOptions,
  fields: Partial<Record<EntryField, string>>,
  line: number,
  text: string,
): void {
  const pattern = (fields.pattern ?? '').trim();
  const match = MATCHES.find(m => m === fields.match);
  const action = ENTRY_ACTIONS.find(a => a === fields.action) ?? null;
  if (pattern === '') return sink.reject(line, 'no pattern', text);
  if (fields.match !== undefined && fields.match !== '' && match === undefined)
    return sink.reject(line, 'match is none of exact, subdomains, both', text);
  if (fields.action !== undefined && fields.action !== '' && action === null)
    return sink.reject(line, 'action is none of deny, allow, passthrough', text);
  const parsed =
    match !== undefined
      ? patternOf(pattern, match, options)
      : options.bare === 'both' && !/^[.*]/.test(pattern)
        ? patternOf(pattern, 'both', options)
        : parsePattern(pattern, options);
  if (parsed.ok === undefined)
    return sink.reject(
      line,
      parsed.error.includes('public suffix') ? 'a wildcard over a public suffix' : parsed.error,
      text,
    );
  const known = (value: string | undefined): string | null =>
    value === undefined || value === '' ? null : value;
  const entry: ListEntry = {
    ...parsed.ok,
    action,
    source: known(fields.source),
    category: known(fields.category),
    comment: known(fields.comment),
    addedBy: known(fields.added_by),
    expires: known(fields.expires),
  };
  sink.entry(entry, line);
}

/** Cells of one record, or null when a quote is still open at its end. */
function cellsOf(text: string): string[] | null {
  const cells: string[] = [];
  for (let at = 0; ; at++) {
    let cell = '';
    if (text[at] === '"') {
      for (;;) {
        const quote = text.indexOf('"', at + 1);
        if (quote < 0) return null;
        cell += text.slice(at + 1, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        cell += '"';
      }
    }
    const comma = text.indexOf(',', at);
    cells.push(cell + text.slice(at, comma < 0 ? text.length : comma));
    if (comma < 0) return cells;
    at = comma;
  }
}

const FORMULA = /^'*[=+\-@\t\r]/;

function forSpreadsheet(cell: string): string {
  return FORMULA.test(cell) ? `'${cell}` : cell;
}

function fromSpreadsheet(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}

function quoted(cell: string): string {
  const safe = forSpreadsheet(cell);
  return /[",\r\n]|^\s|\s$|^#/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csvExporter: Exporter = {
  format: 'csv',
  about: 'CSV with all that is known about each entry',
  matches: ['exact', 'subdomains', 'both'],
  actions: ['deny', 'allow', 'passthrough', 'seen'],
  exceptions: 'longest-wins',
  precedence: 'A table has no order: the longest matching name decides, with the action of its row.',
  mediaType: 'text/csv',
  files(input) {
    const lines = function* (): Generator<string> {
      yield ENTRY_FIELDS.join(',');
      for (const e of [...input.entries, ...input.exceptions]) {
        const fields = entryFields(e);
        yield ENTRY_FIELDS.map(f => quoted(fields[f])).join(',');
      }
    };
    return [{ name: `${input.name}.csv`, lines: { [Symbol.iterator]: lines } }];
  },
};
