/**
 * `sightglass search`: the query language on the day files, with or without a running proxy. The fields of ndjson and csv are
 * a contract with scripts (DESIGN §10); the other formats are those of other products (docs/streams.md). Rows come newest
 * first; a table shows 50 unless told otherwise, the other formats give everything unless told otherwise. Rows are written
 * page by page, so memory stays flat.
 */
import { once } from 'node:events';
import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { FILE_FORMATS, fileWriter, FORMAT_INFO } from '../audit/export/formats.ts';
import { gather } from '../audit/export/gather.ts';
import { isoTime, visible } from '../audit/export/lines.ts';
import { explainError, parseQuery } from '../audit/query/parse.ts';
import { parseTime, TIME_HINT } from '../audit/query/time.ts';
import { openAuditStore, STORE_SETTINGS } from '../control/fleet.ts';
import { VERSION } from '../control/version.ts';
import { loadSettings } from '../settings/load.ts';
import { exportEvidence } from './audit/evidence.ts';
import { addProgress, Progress } from './progress.ts';
import type { ProgressOptions } from './progress.ts';
import { addSettingsFlags } from './settings-flags.ts';
import type { Kind, Query } from '../audit/query/ast.ts';
import type {
  AuditStore,
  EventRow,
  ExchangeRow,
  FlowRow,
  Page,
  SearchOptions,
} from '../audit/store/store.ts';
import { UsageError } from './usage-error.ts';

const FORMATS = ['table', ...FILE_FORMATS] as const;
type Format = (typeof FORMATS)[number];

const PAGE = 1000;
const TABLE_ROWS = 50;

interface Options extends ProgressOptions {
  flows?: boolean;
  events?: boolean;
  since?: string;
  until?: string;
  limit?: string;
  format: Format;
  json?: boolean;
  count?: boolean;
  evidence?: string;
}

export function searchCommand(): Command {
  const command = new Command('search')
    .description('Search recorded traffic, newest first.')
    .argument('[QUERY]', 'what to look for; everything when left out', '')
    .option('--flows', 'search the ledger of connections instead of the requests')
    .option('--events', 'search events: starts, stops, gaps, policy changes')
    .option('--since <TIME>', 'only what began at or after this time: 15m, 7d, 2026-11-20, 2026-11-20T10:00Z')
    .option('--until <TIME>', 'only what began before this time')
    .option('--limit <N>', `rows at most (default: ${TABLE_ROWS} for tables, all otherwise)`)
    .addOption(new Option('--format <FORMAT>', 'how to print').choices([...FORMATS]).default('table'))
    .option('--json', 'the same as --format ndjson')
    .option(
      '--evidence <OUT>',
      'write the rows with their proofs into a new folder or .zip, to be verified anywhere (ndjson or csv)',
    )
    .option('--count', 'print the number of matches only')
    .allowExcessArguments(false)
    .addHelpText('after', HELP);
  const input = addSettingsFlags(addProgress(command), [...STORE_SETTINGS, 'ca.passphrase-file']);
  return command.action(async (query: string, options: Options) => {
    const settings = loadSettings(input());
    if (options.evidence !== undefined) {
      const now = Date.now();
      const { out, ...question } = { out: options.evidence, ...questionOf(query, options, now) };
      const { format } = options;
      if (format !== 'ndjson' && format !== 'csv' && format !== 'table')
        throw new UsageError(
          `evidence is written as ndjson or csv, not as ${format}`,
          'Only these can be compared with the proven rows line by line.',
        );
      await exportEvidence(
        settings,
        { ...question, out, format: format === 'csv' ? 'csv' : 'ndjson', now },
        options,
      );
      return;
    }
    const store = openAuditStore(settings);
    try {
      await run(store, query, options, Date.now());
    } finally {
      await store.close();
    }
  });
}

const HELP = `
Examples:
  sightglass search 'host:*.example.com status:>=400' --since 7d
  sightglass search 'client:10.1.0.0/16 -method:GET path:/login'
  sightglass search --flows 'verdict:block OR fault:*' --format csv
  sightglass search '"order 4711"' --format ndjson --limit 100
  sightglass search 'flow:3-1a' --format har > flow.har
  sightglass search 'user:alice' --since 7d --evidence case-4711
A query that begins with - needs -- before it:  sightglass search -- '-status:200'
The language is described in docs/query-language.md.`;

interface Question {
  kind: Kind;
  query: Query;
  since?: number;
  until?: number;
  limit?: number;
}

function questionOf(text: string, options: Options, now: number): Question {
  if (options.flows === true && options.events === true)
    throw new UsageError('--flows and --events exclude each other', 'Run the search twice.');
  const kind: Kind = options.flows === true ? 'flows' : options.events === true ? 'events' : 'exchanges';
  const parsed = parseQuery(text, { kind, now });
  if (!parsed.ok)
    throw new UsageError(
      explainError(text, { ...parsed.error, suggestion: null }),
      parsed.error.suggestion ?? `See docs/query-language.md#${parsed.error.section}.`,
    );
  const limit = limitOption(options.limit);
  return {
    kind,
    query: parsed.query,
    ...timeOption('since', options.since, now),
    ...timeOption('until', options.until, now),
    ...(limit === null ? {} : { limit }),
  };
}

async function run(store: AuditStore, text: string, options: Options, now: number): Promise<void> {
  const { kind, query, limit: asked, ...range } = questionOf(text, options, now);
  if (options.count === true) {
    const { count } = await store.count(query, { kind, ...range, budget: Infinity });
    console.log(String(count));
    return;
  }
  const format = options.json === true ? 'ndjson' : options.format;
  const limit = asked ?? (format === 'table' ? TABLE_ROWS : Infinity);
  const printer = printerFor(format, kind, now);
  await write(printer.head);
  let left = limit;
  let before: string | null = null;
  let printed = 0;
  // Rows on a terminal tell by themselves how far it is.
  const progress = process.stdout.isTTY ? null : new Progress(options);
  do {
    const page: SearchOptions<Kind> = { kind, ...range, limit: Math.min(PAGE, left) };
    const found: Page<Kind> = await store.search(query, before === null ? page : { ...page, before });
    await write(await printer.lines(store, found.rows));
    left -= found.rows.length;
    printed += found.rows.length;
    const reached = found.rows.at(-1)?.time ?? now;
    const { since, until = now } = range;
    progress?.tell({
      ...{ at: `back to ${isoTime(reached).slice(0, 16)}Z`, done: printed, unit: kind },
      ...(since === undefined ? {} : { share: (until - reached) / (until - since) }),
    });
    before = found.next;
  } while (before !== null && left > 0);
  progress?.end();
  await write(printer.tail);
  if (format !== 'table') return;
  if (printed === 0)
    console.error(
      (await store.days()).length > 0
        ? 'nothing found'
        : 'nothing found: nothing is recorded here; --data-dir names the folder of the proxy',
    );
  else if (before !== null) console.error(`the newest ${printed}; --limit shows more`);
}

function timeOption(
  name: 'since' | 'until',
  text: string | undefined,
  now: number,
): { since?: number; until?: number } {
  if (text === undefined) return {};
  const time = parseTime(text, now);
  if (time === null) throw new UsageError(`--${name} "${visible(text)}" is no time`, TIME_HINT);
  return { [name]: time };
}

function limitOption(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,9}$/.test(text))
    throw new UsageError(`--limit "${visible(text)}" is no number of rows`, 'Write a whole number from 1.');
  return Number(text);
}

async function write(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

type Row = ExchangeRow | FlowRow | EventRow;

interface Printer {
  head: string;
  lines: (store: AuditStore, rows: readonly Row[]) => Promise<string>;
  tail: string;
}

function printerFor(format: Format, kind: Kind, now: number): Printer {
  if (format === 'table') {
    const { head, line } = tableOf(kind);
    return { head, lines: async (_store, rows) => rows.map(line).join(''), tail: '' };
  }
  const { kinds, detail } = FORMAT_INFO[format];
  if (!kinds.includes(kind))
    throw new UsageError(
      `${format} holds no ${kind}`,
      `It holds ${kinds.join(' and ')}: leave out --${kind}, or choose another format.`,
    );
  const writer = fileWriter(format, kind, { sender: { host: hostname(), version: VERSION }, now });
  return {
    head: writer.head,
    lines: async (store, rows) =>
      (await gather(store, kind, rows, detail)).map(fed => writer.line(fed)).join(''),
    tail: writer.tail(null),
  };
}

interface Column {
  title: string;
  width: number;
  right?: boolean;
  value: (row: never) => string;
}

const EXCHANGE_COLUMNS: Column[] = [
  { title: 'TIME', width: 23, value: (r: ExchangeRow) => shortTime(r.time) },
  { title: 'CLIENT', width: 15, value: (r: ExchangeRow) => r.client },
  { title: 'USER', width: 8, value: (r: ExchangeRow) => r.user ?? '-' },
  { title: 'METHOD', width: 7, value: (r: ExchangeRow) => r.method },
  { title: 'CODE', width: 4, right: true, value: (r: ExchangeRow) => String(r.status ?? '-') },
  { title: 'MS', width: 7, right: true, value: (r: ExchangeRow) => r.ms.toFixed(1) },
  { title: 'BYTES', width: 9, right: true, value: (r: ExchangeRow) => String(r.reqBytes + r.resBytes) },
  { title: 'RULE', width: 16, value: (r: ExchangeRow) => r.rule },
  {
    title: 'URL',
    width: 0,
    value: (r: ExchangeRow) =>
      `${r.scheme}://${r.host}${isDefaultPort(r) ? '' : `:${r.port}`}${r.path}${r.fault === null ? '' : `  [${r.fault}]`}`,
  },
];

const FLOW_COLUMNS: Column[] = [
  { title: 'TIME', width: 23, value: (r: FlowRow) => shortTime(r.time) },
  { title: 'CLIENT', width: 15, value: (r: FlowRow) => r.client },
  { title: 'USER', width: 8, value: (r: FlowRow) => r.user ?? '-' },
  { title: 'VERDICT', width: 11, value: (r: FlowRow) => r.verdict ?? '-' },
  { title: 'RULE', width: 16, value: (r: FlowRow) => r.rule ?? '-' },
  { title: 'MS', width: 9, right: true, value: (r: FlowRow) => r.ms.toFixed(1) },
  { title: 'UP', width: 9, right: true, value: (r: FlowRow) => String(r.bytesUp) },
  { title: 'DOWN', width: 10, right: true, value: (r: FlowRow) => String(r.bytesDown) },
  { title: 'N', width: 4, right: true, value: (r: FlowRow) => String(r.exchanges) },
  {
    title: 'HOST',
    width: 0,
    value: (r: FlowRow) =>
      `${r.host ?? '-'}${r.port === null ? '' : `:${r.port}`}${r.sni !== null && r.sni !== r.host ? `  sni ${r.sni}` : ''}${r.fault === null ? '' : `  [${r.fault}]`}`,
  },
];

const EVENT_COLUMNS: Column[] = [
  { title: 'TIME', width: 23, value: (r: EventRow) => shortTime(r.time) },
  { title: 'EVENT', width: 22, value: (r: EventRow) => r.event },
  { title: 'DETAIL', width: 0, value: (r: EventRow) => JSON.stringify(r.detail) },
];

function tableOf(kind: Kind): { head: string; line: (row: Row) => string } {
  const columns = kind === 'exchanges' ? EXCHANGE_COLUMNS : kind === 'flows' ? FLOW_COLUMNS : EVENT_COLUMNS;
  // On a terminal long lines are cut; in a pipe nothing is.
  const width = process.stdout.isTTY ? process.stdout.columns : Infinity;
  const line = (cells: string[]): string => {
    const text = cells.map((cell, i) => pad(visible(cell), columns[i])).join('  ');
    return `${text.length > width ? `${text.slice(0, width - 1)}…` : text.trimEnd()}\n`;
  };
  return {
    head: line(columns.map(c => c.title)),
    line: row => line(columns.map(c => c.value(row as never))),
  };
}

function pad(text: string, column: Column | undefined): string {
  if (column === undefined || column.width === 0) return text;
  const cut = text.length > column.width ? `${text.slice(0, column.width - 1)}…` : text;
  return column.right === true ? cut.padStart(column.width) : cut.padEnd(column.width);
}

const shortTime = (time: number): string => isoTime(time).replace('T', ' ').replace('Z', '');

const isDefaultPort = (r: ExchangeRow): boolean => r.port === (r.scheme === 'https' ? 443 : 80);
