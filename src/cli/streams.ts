/**
 * `sightglass streams`: how far each stream of the document is, the alert rules, and checking a document before it is put in
 * place. Works with or without a running proxy: the cursors lie in control.db, what waits is read from the store.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { isoTime, jsonLine, visible } from '../audit/export/lines.ts';
import { AlertShelf } from '../control/alerts/shelf.ts';
import { openControlDb } from '../control/control-db.ts';
import { openAuditStore, STORE_SETTINGS } from '../control/fleet.ts';
import { Book } from '../control/streams/book.ts';
import { parseStreams } from '../control/streams/document.ts';
import { loadSettings } from '../settings/load.ts';
import { addSettingsFlags } from './settings-flags.ts';
import type { AuditStore } from '../audit/store/store.ts';
import type { StoreSettings } from '../control/fleet.ts';
import type { StreamConfig } from '../control/streams/document.ts';
import { UsageError } from './usage-error.ts';

export function streamsCommand(): Command {
  const command = new Command('streams')
    .description('How far each stream is: rows sent, rows that wait, the last error.')
    .enablePositionalOptions()
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false)
    .addCommand(checkCommand())
    .addCommand(alertsCommand())
    .addHelpText('after', '\nThe document is described in docs/streams.md.');
  const input = addSettingsFlags(command, [...STORE_SETTINGS, 'streams.file']);
  return command.action(async (options: { json?: boolean }) => {
    const settings = loadSettings(input());
    const dataDir = settings['data-dir'];
    const file = settings['streams.file'] ?? join(dataDir, 'streams.yaml');
    const streams = documentOf(file);
    const rows = streams.length === 0 ? [] : await states(settings, streams);
    if (options.json === true) {
      console.log(jsonLine({ file, streams: rows }));
      return;
    }
    if (rows.length === 0) {
      console.log(`no streams: ${file} names none (docs/streams.md has examples)`);
      return;
    }
    const table = [
      ['STREAM', 'TO', 'SENT', 'WAITING', 'DROPPED', 'REFUSED', 'LAST SENT', 'ERROR'],
      ...rows.map(r => [
        r.name,
        `${r.to} ${r.target}`,
        String(r.sent),
        String(r.waiting),
        String(r.dropped),
        String(r.refused),
        r.lastSent ?? '-',
        r.error ?? '-',
      ]),
    ].map(cells => cells.map(visible));
    const widths = (table[0] ?? []).map((_, i) => Math.max(...table.map(cells => cells[i]?.length ?? 0)));
    for (const cells of table)
      console.log(
        cells
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd(),
      );
  });
}

interface Row {
  name: string;
  to: string;
  target: string;
  sent: number;
  waiting: number;
  dropped: number;
  refused: number;
  lastSent: string | null;
  error: string | null;
}

async function states(settings: StoreSettings, streams: readonly StreamConfig[]): Promise<Row[]> {
  const db = openControlDb(settings['data-dir']);
  const store = openAuditStore(settings);
  try {
    const book = new Book(db);
    const rows: Row[] = [];
    for (const stream of streams) {
      const { name, to, target } = stream;
      const entry = book.get(name);
      rows.push({
        ...{ name, to, target },
        sent: entry?.sent ?? 0,
        waiting: await waiting(store, stream, entry?.cursor ?? null),
        dropped: entry?.dropped ?? 0,
        refused: entry?.refused ?? 0,
        lastSent: entry === null || entry.lastSent === null ? null : isoTime(entry.lastSent),
        error: entry?.error ?? null,
      });
    }
    return rows;
  } finally {
    await store.close();
    db.close();
  }
}

/** Rows behind the cursor, before the filter. A stream that never ran waits for all, or for none yet. */
async function waiting(store: AuditStore, stream: StreamConfig, cursor: string | null): Promise<number> {
  if (cursor === null && stream.from === 'now') return 0;
  const page = await store.feed({
    after: cursor === '' ? null : cursor,
    limit: 1,
    kinds: stream.kinds,
    detail: 'none',
  });
  return page.rows.length + page.waiting.reduce((sum, { rows }) => sum + rows, 0);
}

function checkCommand(): Command {
  return new Command('check')
    .description('Check a document of streams without using it.')
    .argument('<FILE>', 'the document')
    .allowExcessArguments(false)
    .action((file: string) => {
      const streams = documentOf(file, true);
      console.log(`${file}: ${streams.length} stream${streams.length === 1 ? '' : 's'}, no problems`);
    });
}

function alertsCommand(): Command {
  const command = new Command('alerts')
    .description('Alert rules, when each fired last, and what failed. They are edited in the console.')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, ['data-dir']);
  return command.action((options: { json?: boolean }) => {
    const db = openControlDb(loadSettings(input())['data-dir']);
    try {
      const alerts = new AlertShelf(db).list().map(({ rule, state }) => ({
        ...rule,
        fired: state.fired,
        lastFired: state.lastFired === null ? null : isoTime(state.lastFired),
        pending: state.pending.length,
        failed: state.failed,
        lastError: state.lastError,
      }));
      if (options.json === true) console.log(jsonLine({ alerts }));
      else if (alerts.length === 0) console.log('no alert rules: make one in the console under Streams');
      else
        for (const a of alerts)
          console.log(
            visible(
              `${a.name}${a.enabled ? '' : ' (off)'}: ${a.threshold} ${a.kind} in ${a.windowMs / 1000} s for "${a.query}"; ` +
                `fired ${a.fired} times, last ${a.lastFired ?? 'never'}; ${a.pending} on their way, ${a.failed} failed` +
                (a.lastError === null ? '' : `; ${a.lastError}`),
            ),
          );
    } finally {
      db.close();
    }
  });
}

function documentOf(file: string, must = false): StreamConfig[] {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !must) return [];
    throw new UsageError(`${file} cannot be read (${code ?? String(error)})`, 'Check the path.', 1);
  }
  const read = parseStreams(text, Date.now());
  if (read.ok) return read.streams;
  const problems = read.problems.map(
    p => `${file}:${p.line}:${p.column}: ${p.message}${p.hint === '' ? '' : ` (${p.hint})`}`,
  );
  throw new UsageError(problems.map(visible).join('\n'), 'docs/streams.md describes the document.', 1);
}
