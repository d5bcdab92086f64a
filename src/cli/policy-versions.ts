/**
 * `sightglass policy history | diff | rollback | apply`: the versions of the policy. They work on the data directory and
 * the policy file alone; a running proxy notices the new file by itself, one that does not run takes it up at its start.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { Command } from 'commander';
import { jsonLine, visible } from '../audit/export/lines.ts';
import { loadPolicyFile, problemText } from '../policy/load.ts';
import { copiesDir } from '../policy/list-copies.ts';
import type { RefusedPolicy } from '../policy/load.ts';
import { policyChanges, unifiedDiff } from '../policy/versions-diff.ts';
import type { Compared } from '../policy/versions-diff.ts';
import { replacePolicy } from '../policy/versions-file.ts';
import { listDeltas } from '../policy/versions-lists.ts';
import type { ListSide } from '../policy/versions-lists.ts';
import { restoreVersion } from '../policy/versions-restore.ts';
import type { Restored } from '../policy/versions-restore.ts';
import { PolicyVersions, versionsDir } from '../policy/versions.ts';
import type { PolicyVersion, VersionHead } from '../policy/versions.ts';
import { parsePolicy } from '../policy/parse.ts';
import { loadSettings } from '../settings/load.ts';
import type { SettingsInput } from '../settings/load.ts';
import { addSettingsFlags } from './settings-flags.ts';
import { policyFileOf } from '../settings/policy-file.ts';
import { UsageError } from './usage-error.ts';

/** Where policy and versions of an installation lie. */
interface Place {
  file: string;
  /** Folder of the copies of fetched and learned lists. */
  copies: string;
  versions: PolicyVersions;
}

function placeOf(input: SettingsInput): Place {
  const settings = loadSettings(input);
  const dataDir = settings['data-dir'];
  return {
    file: policyFileOf(settings),
    copies: copiesDir(join(dataDir, 'policy')),
    versions: new PolicyVersions(versionsDir(dataDir)),
  };
}

const FLAGS = ['data-dir', 'policy.file'] as const;

export function historyCommand(): Command {
  const command = new Command('history')
    .description('The versions of the policy that were in force, newest first.')
    .option('--limit <N>', 'versions at most', '20')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, [...FLAGS]);
  return command.action(async (options: { limit: string; json?: boolean }) => {
    const limit = /^\d{1,5}$/.test(options.limit) ? Number(options.limit) : NaN;
    if (!(limit > 0))
      throw new UsageError(`--limit "${options.limit}" is no number`, 'Write a number from 1 on.');
    const heads = await placeOf(input()).versions.list(limit);
    if (options.json === true) console.log(jsonLine({ versions: heads }));
    else if (heads.length === 0)
      console.log('no version was recorded yet; the first start of the service records one');
    else for (const head of heads) console.log(headText(head));
  });
}

function headText(head: VersionHead): string {
  const who = head.author === null ? FROM[head.origin] : `${FROM[head.origin]} by ${visible(head.author)}`;
  const lines = [
    `${String(head.n).padStart(4)}  ${head.version}  ${head.time.slice(0, 19).replace('T', ' ')}Z  ${who}`,
  ];
  if (head.comment !== null) lines.push(`      "${visible(head.comment)}"`);
  for (const change of head.changes.slice(0, SHOWN)) lines.push(`      ${visible(change)}`);
  if (head.changes.length > SHOWN) lines.push(`      and ${head.changes.length - SHOWN} more changes`);
  return lines.join('\n');
}

const SHOWN = 5;
const FROM: Record<VersionHead['origin'], string> = {
  first: 'first version',
  file: 'file edited',
  rollback: 'rolled back',
  apply: 'applied',
  console: 'edited in the console',
};

export function diffCommand(): Command {
  const command = new Command('diff')
    .description('What differs between two versions, or between a version and the policy file as it is now.')
    .argument('[A]', 'number or id of the older version (default: the newest)')
    .argument('[B]', 'number or id of the newer one (default: the policy file)')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, [...FLAGS]);
  return command.action(async (a: string | undefined, b: string | undefined, options: { json?: boolean }) => {
    const { file, copies, versions } = placeOf(input());
    const from = a === undefined ? await versions.newest() : await versions.get(a);
    if (from === null)
      throw new UsageError('no version was recorded yet', 'The first start of the service records one.');
    const to = b === undefined ? await sideOfFile(file, copies) : sideOf(versions, await versions.get(b));
    const left = sideOf(versions, from);
    const diff = unifiedDiff(left.text, to.text, left.label, to.label);
    const changes =
      left.compared === null || to.compared === null
        ? []
        : policyChanges(left.compared, to.compared, await listDeltas(left.lists, to.lists));
    if (options.json === true)
      console.log(jsonLine({ from: left.label, to: to.label, same: diff === '', changes, diff }));
    else if (diff === '' && changes.length === 0) console.log('no difference');
    else {
      for (const change of changes) console.log(`# ${visible(change)}`);
      for (const line of diff.split('\n').slice(0, -1)) console.log(visible(line));
    }
  });
}

interface DiffSide {
  label: string;
  text: string;
  /** Null when the text is no good policy. */
  compared: Compared | null;
  lists: ListSide;
}

function sideOf(versions: PolicyVersions, version: PolicyVersion): DiffSide {
  const parsed = parsePolicy(version.text);
  return {
    label: `version ${version.n} (${version.version})`,
    text: version.text,
    compared: parsed.ok ? { document: parsed.document, lists: version.lists } : null,
    lists: versions.side(version),
  };
}

async function sideOfFile(file: string, copies: string): Promise<DiffSide> {
  const loaded = await loadPolicyFile(file, { copies, emptyWithoutCopy: true });
  if (!loaded.ok)
    return {
      label: file,
      text: await readFile(file, 'utf8'),
      compared: null,
      lists: { lists: {}, set: () => null },
    };
  const { compiled } = loaded;
  const lists = Object.fromEntries(
    [...compiled.lists].map(([name, l]) => [name, { digest: l.digest, size: l.set.size }] as const),
  );
  return {
    label: file,
    text: loaded.text,
    compared: { document: loaded.document, lists },
    lists: { lists, set: name => compiled.lists.get(name)?.set ?? null },
  };
}

export function rollbackCommand(): Command {
  const command = new Command('rollback')
    .description('Put an earlier version back: the policy file and what its lists held.')
    .argument('<VERSION>', 'number or id of the version, as `policy history` shows them')
    .requiredOption('--comment <TEXT>', 'why; stands in the history')
    .option('--author <NAME>', 'who (default: the user who runs this)')
    .option('--document-only', 'leave the lists as they are now')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, [...FLAGS]);
  return command.action(
    async (
      which: string,
      options: { comment: string; author?: string; documentOnly?: boolean; json?: boolean },
    ) => {
      const { file, copies, versions } = placeOf(input());
      const wanted = await versions.get(which);
      const note = {
        origin: 'rollback' as const,
        author: authorOf(options.author),
        comment: `back to version ${wanted.n}: ${oneLine(options.comment)}`,
      };
      const result = await restoreVersion({ policyFile: file, copies, versions }, wanted, note, {
        lists: options.documentOnly !== true,
        now: Date.now(),
      });
      if (!result.ok) {
        refuse(result);
        return;
      }
      const { written, restored, held, otherLists } = result;
      const policy = result.loaded.compiled.version;
      if (options.json === true)
        console.log(jsonLine({ file, to: wanted.n, policy, written, restored, held, otherLists }));
      else tellRestored(file, wanted.n, result);
    },
  );
}

function tellRestored(
  file: string,
  n: number,
  { written, loaded, restored, held, otherLists }: Restored,
): void {
  console.log(
    written
      ? `${file}: version ${n} is back as ${loaded.compiled.version}`
      : `${file} and its lists hold version ${n} already`,
  );
  if (restored.length > 0) console.log(`lists as they were: ${restored.join(', ')}`);
  for (const name of held)
    console.log(
      `note: ${name} stays so until \`sightglass lists fetch ${name}\`; it is not refreshed meanwhile`,
    );
  for (const name of otherLists) console.log(`note: the list ${name} has other contents now than then`);
}

export function applyCommand(): Command {
  const command = new Command('apply')
    .description('Check a policy and put it in place of the policy file, with author and comment.')
    .argument('<FILE>', 'the candidate; its lists are looked for beside the policy file')
    .requiredOption('--comment <TEXT>', 'why; stands in the history')
    .option('--author <NAME>', 'who (default: the user who runs this)')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, [...FLAGS]);
  return command.action(
    async (candidate: string, options: { comment: string; author?: string; json?: boolean }) => {
      const { file, versions } = placeOf(input());
      const result = await replacePolicy(file, await readFile(candidate, 'utf8'), versions, {
        origin: 'apply',
        author: authorOf(options.author),
        comment: oneLine(options.comment),
      });
      if (!result.ok) {
        refuse(result);
        return;
      }
      const { version } = result.loaded.compiled;
      if (options.json === true) console.log(jsonLine({ file, policy: version, written: result.written }));
      else console.log(result.written ? `${file}: now ${version}` : `${file} is this policy already`);
    },
  );
}

/** Nothing was put in place. */
function refuse(result: RefusedPolicy): void {
  for (const p of result.problems) console.error(problemText(p));
  process.exitCode = 1;
}

/** Under sudo the person, not root, is who changed it. */
function authorOf(named: string | undefined): string {
  return oneLine(named ?? process.env['SUDO_USER'] ?? userInfo().username).slice(0, 100);
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ').slice(0, 500);
}
