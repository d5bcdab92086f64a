/**
 * `sightglass lists import`: read a list in any known format into a list of the policy. What would change is told before
 * it changes; a person at a terminal is asked, a script is not. A running proxy notices the changed list by itself.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setImmediate as breathe } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { DomainSetBuilder } from '../../policy/domain-set.ts';
import { IMPORTERS } from '../../policy/lists/formats.ts';
import { importFiles, importList } from '../../policy/lists/import.ts';
import type { ImportOptions, ImportReport } from '../../policy/lists/import.ts';
import { install, planInstall } from '../../policy/lists/install.ts';
import type { InstallPlan } from '../../policy/lists/install.ts';
import type { ListEntry } from '../../policy/lists/entry.ts';
import { writeShippedPolicy } from '../../policy/shipped.ts';
import { loadSettings } from '../../settings/load.ts';
import { policyFileOf } from '../../settings/policy-file.ts';
import { addSettingsFlags } from '../settings-flags.ts';
import { addProgress, Progress } from '../progress.ts';
import type { ProgressOptions } from '../progress.ts';
import { printable, table } from './common.ts';
import { UsageError } from '../usage-error.ts';

const LIST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

interface ImportFlags extends ProgressOptions {
  name: string;
  format?: string;
  bare: 'exact' | 'both';
  allowPublicSuffix?: boolean;
  category?: string[];
  exceptions?: string;
  add?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
}

export function importCommand(): Command {
  const command = new Command('import')
    .description('Read a list in any known format into a list of the policy.')
    .argument(
      '<FILE>',
      'a file (also gzip), a folder or tar archive (categories, or the two files for HAProxy), or - for standard input',
    )
    .requiredOption('--name <NAME>', 'list of the policy to fill; it is added to the policy if it is new')
    .addOption(
      new Option('--format <FORMAT>', 'format of FILE (default: told from its content)').choices(
        IMPORTERS.map(i => i.format),
      ),
    )
    .addOption(
      new Option('--bare <KIND>', 'what a bare name means where the format does not say')
        .choices(['exact', 'both'])
        .default('exact'),
    )
    .option('--category <NAME...>', 'categories to take from a folder or archive; "all" takes every one')
    .option('--exceptions <NAME>', 'list that takes the exceptions (@@, passthru, transparent) of FILE')
    .option('--allow-public-suffix', 'accept wildcards over public suffixes such as *.co.uk')
    .option('--add', 'keep what the list holds and add to it; without this FILE replaces it')
    .option('--dry-run', 'show what would change and change nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'print the report as JSON')
    .allowExcessArguments(false)
    .addHelpText('after', `\nFormats:\n${table(IMPORTERS)}`);
  const input = addSettingsFlags(addProgress(command), ['data-dir', 'policy.file']);
  return command.action(async (file: string, flags: ImportFlags) => {
    for (const name of [flags.name, flags.exceptions ?? 'x'])
      if (!LIST_NAME.test(name))
        throw new UsageError(
          `"${name}" is no usable list name`,
          'Use letters, digits, dot, dash and underscore.',
        );
    if (flags.exceptions === flags.name)
      throw new UsageError(
        '--exceptions needs another list than --name',
        'A list either holds names or excepts them.',
      );
    await importInto(policyFileOf(loadSettings(input())), file, flags);
  });
}

async function importInto(policyFile: string, file: string, flags: ImportFlags): Promise<void> {
  const wanted = new DomainSetBuilder();
  const excepted = new DomainSetBuilder();
  let exceptions = 0;
  const onEntry = (e: ListEntry): void => {
    if (e.action === null || e.action === 'deny') wanted.add(e);
    else {
      exceptions++;
      excepted.add(e);
    }
  };
  // A list of names to let through has no denies to be the exception of.
  const report = await read(file, flags, onEntry);
  if (report.entries === 0) {
    // Never empty a list because a download went wrong.
    if (flags.json === true)
      console.log(JSON.stringify({ ...report, exceptions, applied: false, lists: [] }, null, 2));
    else tellImport(report, [], 0);
    throw new UsageError(
      'it holds no usable name, nothing was changed',
      'Is it the right file, and the right --format?',
      1,
    );
  }
  const onlyLetsThrough = wanted.count === 0 && exceptions > 0 && flags.exceptions === undefined;
  if (await writeShippedPolicy(policyFile)) console.error(`note: wrote the shipped policy to ${policyFile}`);
  const common = {
    add: flags.add === true,
    allowPublicSuffix: flags.allowPublicSuffix === true,
    breathe: () => breathe(),
  };
  const plans = [await planInstall(policyFile, flags.name, onlyLetsThrough ? excepted : wanted, common)];
  if (flags.exceptions !== undefined)
    plans.push(await planInstall(policyFile, flags.exceptions, excepted, common));
  const left = onlyLetsThrough || flags.exceptions !== undefined ? 0 : exceptions;
  if (flags.json !== true) tellImport(report, plans, left);
  const change = plans.some(p => !p.known || p.added + p.removed > 0);
  const go = flags.dryRun !== true && change && (await confirmed(flags));
  const fresh: string[] = [];
  if (go)
    for (const plan of plans) {
      const head = `Imported by sightglass from ${basename(file)} (${report.format})`;
      if (await install(plan, head)) fresh.push(plan.name);
    }
  if (flags.json === true)
    console.log(JSON.stringify({ ...report, exceptions, applied: go, lists: plans.map(planJson) }, null, 2));
  else if (go) {
    for (const plan of plans) console.error(`wrote ${plan.file}`);
    for (const name of fresh)
      console.error(`${name} is new in ${policyFile}; name it in a rule:  when: { host: 'list:${name}' }`);
  } else console.error(change ? 'nothing was changed' : 'the list is the same already');
}

async function read(
  file: string,
  flags: ImportFlags,
  onEntry: (e: ListEntry) => void,
): Promise<ImportReport> {
  const progress = new Progress(flags);
  const info = file === '-' ? null : await stat(file);
  const source = info?.isFile() === true ? createReadStream(file, { highWaterMark: 1 << 17 }) : null;
  const options: ImportOptions = {
    format: flags.format ?? null,
    bare: flags.bare,
    allowPublicSuffix: flags.allowPublicSuffix === true,
    categories:
      flags.category === undefined || flags.category.includes('all') ? null : new Set(flags.category),
    breathe: () => breathe(),
    // Of a compressed file the bytes that were read of it tell how far it is, not what they became.
    onProgress: (_bytes, entries) => {
      const share = source === null ? undefined : source.bytesRead / (info?.size ?? Infinity);
      progress.tell({ done: entries, unit: 'names', share });
    },
  };
  const report =
    info?.isDirectory() === true
      ? await importFiles(walk(file), onEntry, options)
      : await importList(source ?? process.stdin, onEntry, options);
  progress.end();
  const names = Object.keys(report.categories).sort();
  if (names.length > 1 && flags.category === undefined)
    throw new UsageError(
      `it holds ${names.length} categories: ${names
        .slice(0, 60)
        .map(n => `${n} (${report.categories[n] ?? 0})`)
        .join(', ')}`,
      'Choose with --category NAME…, or take all with --category all.',
    );
  for (const name of options.categories ?? [])
    if (!names.includes(name))
      throw new UsageError(
        `there is no category "${name}" in it`,
        'Without --category the categories are listed.',
      );
  return report;
}

/** Files of a folder, depth first; symbolic links are not followed. */
async function* walk(root: string): AsyncGenerator<{ path: string; chunks: AsyncIterable<Buffer> }> {
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of names.filter(e => e.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const inner = relative(root, path);
    // The folder given may be the category itself.
    yield {
      path: dirname(inner) === '.' ? join(basename(resolve(root)), inner) : inner,
      chunks: createReadStream(path),
    };
  }
}

function tellImport(report: ImportReport, plans: readonly InstallPlan[], left: number): void {
  const out = (line: string): void => console.error(line);
  out(`format    ${report.format}${report.detected ? ' (told from the content)' : ''}`);
  out(
    `names     ${report.entries} taken, ${report.rejected} lines rejected, ${report.ignored} lines without names`,
  );
  for (const [reason, count] of Object.entries(report.reasons)) out(`          ${count} rejected: ${reason}`);
  for (const r of report.rejects.slice(0, 10))
    out(`          ${r.file ?? 'line'} ${r.line}: ${r.reason}: ${printable(r.text)}`);
  if (report.rejects.length > 10) out(`          … (--json lists up to 100)`);
  if (left > 0)
    out(`          ${left} exceptions are left out; --exceptions NAME takes them into a list of their own`);
  for (const plan of plans) {
    out(
      `list ${plan.name}: ${plan.before} names now, ${plan.next.size} then: ${plan.added} added, ${plan.removed} removed`,
    );
    if (plan.duplicates + plan.covered > 0)
      out(`          ${plan.duplicates} duplicates, ${plan.covered} covered by wider names`);
    for (const line of plan.sample) out(`          ${line}`);
  }
}

function planJson(plan: InstallPlan): Record<string, unknown> {
  const { name, file, known, before, added, removed, sample, duplicates, covered } = plan;
  return { name, file, known, before, after: plan.next.size, added, removed, sample, duplicates, covered };
}

async function confirmed(flags: ImportFlags): Promise<boolean> {
  if (flags.yes === true || !process.stdin.isTTY || !process.stderr.isTTY) return true;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question('Apply? [y/N] ')).trim());
  } finally {
    lines.close();
  }
}
