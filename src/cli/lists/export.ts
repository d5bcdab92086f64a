/**
 * `sightglass lists export`: write names of the policy, or names seen in traffic, in the format of another product. Data
 * goes to standard output or a file, everything about it to standard error: what was withheld and why.
 */
import { once } from 'node:events';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { parseQuery } from '../../audit/query/parse.ts';
import { parseTime, TIME_HINT } from '../../audit/query/time.ts';
import type { HistoryRange } from '../../audit/store/history.ts';
import type { Page, SearchOptions } from '../../audit/store/store.ts';
import { openAuditStore, STORE_SETTINGS, withHistory } from '../../control/fleet.ts';
import type { StoreSettings } from '../../control/fleet.ts';
import { Lessons } from '../../policy/learned.ts';
import { entryOf } from '../../policy/lists/entry.ts';
import { exportList } from '../../policy/lists/export.ts';
import type { ExportReport, Selection } from '../../policy/lists/export.ts';
import { EXPORTERS } from '../../policy/lists/formats.ts';
import { SeenHosts } from '../../policy/lists/seen.ts';
import { selectFromPolicy, selectList } from '../../policy/lists/select.ts';
import { EXPORT_ACTIONS } from '../../policy/lists/writer.ts';
import type { ExportAction, ExportFile } from '../../policy/lists/writer.ts';
import { loadPolicyFile, problemText } from '../../policy/load.ts';
import { LEARNED_KINDS } from '../../policy/rule.ts';
import type { LearnedKind } from '../../policy/rule.ts';
import { copiesDir } from '../../policy/sources.ts';
import { replaceWhole } from '../../policy/whole-file.ts';
import type { Settings } from '../../settings/catalogue.ts';
import { loadSettings } from '../../settings/load.ts';
import { policyFileOf } from '../../settings/policy-file.ts';
import { addSettingsFlags } from '../settings-flags.ts';
import { printable, table } from './common.ts';
import { UsageError } from '../usage-error.ts';

interface ExportFlags {
  action: ExportAction;
  format: string;
  list?: string;
  name?: string;
  out: string;
  proxy?: string;
  narrow?: boolean;
  since?: string;
  until?: string;
  query: string;
  minClients: string;
  minFlows: string;
  neverBlocked?: boolean;
  learned?: LearnedKind;
  json?: boolean;
}

export function exportCommand(): Command {
  const command = new Command('export')
    .description('Write names of the policy, or names seen in traffic, in the format of another product.')
    .addOption(
      new Option('--action <ACTION>', 'which names: refused, inspected, left undecrypted, or seen in traffic')
        .choices(EXPORT_ACTIONS)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--format <FORMAT>', 'format to write')
        .choices(EXPORTERS.map(e => e.format))
        .makeOptionMandatory(),
    )
    .option('--list <NAME>', 'one list of the policy instead of what its rules say')
    .option('--name <NAME>', 'name of the export inside the file (default: sightglass-ACTION or the list)')
    .option('--out <FILE>', 'file, or folder where the format needs several; - is standard output', '-')
    .option('--narrow', 'write a smaller form of what the format cannot express, instead of withholding it')
    .option('--proxy <HOST:PORT>', 'address of the proxy, for pac')
    .option('--since <TIME>', 'seen: only flows from this time on, such as 30d', '30d')
    .option('--until <TIME>', 'seen: only flows before this time')
    .option('--query <QUERY>', 'seen: only flows that this search finds', '')
    .option('--min-clients <N>', 'seen: only names that this many clients asked for', '1')
    .option('--min-flows <N>', 'seen: only names with this many flows', '1')
    .option('--never-blocked', 'seen: only names that were never blocked in that time')
    .addOption(
      new Option(
        '--learned <WHAT>',
        'seen: what is learned from traffic instead, as lists of a policy are',
      ).choices(LEARNED_KINDS),
    )
    .option('--json', 'print the report as JSON on standard error')
    .allowExcessArguments(false)
    .addHelpText('after', `\nFormats:\n${table(EXPORTERS)}`);
  const input = addSettingsFlags(command, [...STORE_SETTINGS, 'policy.file']);
  return command.action(async (flags: ExportFlags) => {
    const settings = loadSettings(input());
    const { selection, policy } =
      flags.action === 'seen' && flags.list === undefined
        ? await fromTraffic(settings, flags)
        : await fromPolicy(settings, flags);
    const report = exportList(flags.format, selection, {
      name: flags.name ?? flags.list ?? `sightglass-${flags.action}`,
      generated: new Date().toISOString(),
      policy,
      proxy: flags.proxy ?? null,
      narrow: flags.narrow === true,
    });
    await writeOut(report.files, flags.out, flags.format);
    if (flags.json === true)
      console.error(JSON.stringify({ ...report, files: report.files.map(f => f.name) }));
    else tellExport(report);
  });
}

async function learned(
  records: StoreSettings,
  range: HistoryRange,
  what: LearnedKind,
  minClients: number,
): Promise<{ selection: Selection; policy: null }> {
  const lessons = new Lessons(what);
  await withHistory(records, async history => {
    for await (const batch of history.flows(range)) for (const flow of batch) lessons.add(flow);
  });
  const entries = lessons.result(minClients).map(({ name, match, flows, clients }) => ({
    ...entryOf({ name, match }, null),
    source: `learned: ${what}`,
    comment: `${flows} flows, ${clients} clients`,
  }));
  const notes = lessons.beyond > 0 ? [`${lessons.beyond} flows to further names were left out`] : [];
  return { selection: { action: 'seen', entries, exceptions: [], notes }, policy: null };
}

async function fromPolicy(
  settings: Settings,
  flags: ExportFlags,
): Promise<{ selection: Selection; policy: string }> {
  const file = policyFileOf(settings);
  await access(file).catch(() => {
    throw new UsageError(
      `there is no policy at ${file}`,
      'Name it with --policy.file, or start Sightglass once.',
      1,
    );
  });
  const loaded = await loadPolicyFile(file, { copies: copiesDir(join(settings['data-dir'], 'policy')) });
  if (!loaded.ok)
    throw new UsageError(loaded.problems.map(problemText).join('\n'), 'Mend the policy first.', 1);
  const { compiled } = loaded;
  if (flags.list !== undefined) {
    const selection = selectList(compiled, flags.list, flags.action);
    if (selection === null)
      throw new UsageError(
        `the policy has no list "${flags.list}"`,
        `Lists: ${[...compiled.lists.keys()].join(', ')}.`,
      );
    return { selection, policy: compiled.version };
  }
  const action = flags.action === 'seen' ? 'allow' : flags.action;
  return { selection: selectFromPolicy(compiled, action, Date.now()), policy: compiled.version };
}

async function fromTraffic(
  settings: Settings,
  flags: ExportFlags,
): Promise<{ selection: Selection; policy: null }> {
  const now = Date.now();
  const count = (flag: string, text: string): number => {
    if (!/^\d{1,9}$/.test(text))
      throw new UsageError(`--${flag} "${text}" is no number`, 'Write a whole number.');
    return Number(text);
  };
  const time = (flag: string, text: string): number => {
    const t = parseTime(text, now);
    if (t === null) throw new UsageError(`--${flag} "${text}" is no time`, TIME_HINT);
    return t;
  };
  if (flags.learned !== undefined)
    return learned(
      settings,
      {
        since: time('since', flags.since ?? '30d'),
        ...(flags.until === undefined ? {} : { until: time('until', flags.until) }),
      },
      flags.learned,
      count('min-clients', flags.minClients),
    );
  const parsed = parseQuery(flags.query, { kind: 'flows', now });
  if (!parsed.ok) throw new UsageError(`--query: ${parsed.error.message}`, 'See docs/query-language.md.');
  const hosts = new SeenHosts({
    minClients: count('min-clients', flags.minClients),
    minFlows: count('min-flows', flags.minFlows),
    neverBlocked: flags.neverBlocked === true,
  });
  const range = {
    since: time('since', flags.since ?? '30d'),
    ...(flags.until === undefined ? {} : { until: time('until', flags.until) }),
  };
  const store = openAuditStore(settings);
  try {
    let before: string | null = null;
    do {
      const page: SearchOptions<'flows'> = { kind: 'flows', limit: 5000, ...range };
      const found: Page<'flows'> = await store.search(
        parsed.query,
        before === null ? page : { ...page, before },
      );
      for (const row of found.rows) hosts.add(row);
      before = found.next;
    } while (before !== null);
  } finally {
    await store.close();
  }
  const { flows, beyond } = hosts.counts;
  const notes = [`${flows} flows looked at`];
  if (beyond > 0) notes.push(`${beyond} flows left out: more than a million names`);
  return { selection: { action: 'seen', entries: hosts.entries(), exceptions: [], notes }, policy: null };
}

async function writeOut(files: readonly ExportFile[], out: string, format: string): Promise<void> {
  const [only] = files;
  if (files.length === 1 && only !== undefined) {
    if (out === '-') return writeLines(process.stdout, only.lines);
    const isFolder = await stat(out).then(
      s => s.isDirectory(),
      () => out.endsWith('/'),
    );
    return writeFileWhole(isFolder ? join(out, only.name) : out, only.lines);
  }
  if (out === '-')
    throw new UsageError(
      `the format ${format} takes several files: ${files.map(f => f.name).join(', ')}`,
      'Name a folder with --out.',
    );
  for (const file of files) await writeFileWhole(join(out, file.name), file.lines);
}

async function writeFileWhole(path: string, lines: Iterable<string>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replaceWhole(path, terminated(lines), 0o644);
}

function* terminated(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\n`;
}

async function writeLines(stream: NodeJS.WriteStream, lines: Iterable<string>): Promise<void> {
  let held = '';
  for (const line of lines) {
    held += `${line}\n`;
    if (held.length < 1 << 16) continue;
    if (!stream.write(held)) await once(stream, 'drain');
    held = '';
  }
  if (held !== '' && !stream.write(held)) await once(stream, 'drain');
}

function tellExport(report: ExportReport): void {
  const out = (line: string): void => console.error(line);
  const exceptions = report.exceptions === 0 ? '' : `, ${report.exceptions} exceptions`;
  out(
    `${report.format}: ${report.written} names${exceptions}; ${report.duplicates} duplicates and ${report.covered} covered ones left out`,
  );
  for (const part of [report.withheld, report.narrowed]) {
    const word = part === report.withheld ? 'withheld' : 'narrowed';
    for (const [reason, count] of Object.entries(part.reasons)) {
      out(`  ${count} ${word}: ${reason}`);
      const shown = part.first.filter(w => w.reason === reason).slice(0, 5);
      for (const { pattern } of shown) out(`    ${pattern}`);
      if (shown.length < count) out(`    … ${count - shown.length} more`);
    }
  }
  if (report.withheld.total > 0) out('  --narrow writes smaller forms where there are any');
  for (const note of report.notes) out(`  note: ${printable(note)}`);
}
