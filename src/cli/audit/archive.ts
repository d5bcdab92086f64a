/**
 * `sightglass audit archive`, `attach` and `detach`: sealed days leave the store and come back, verified each time. Day files only:
 * a database is archived by its own means.
 */
import path from 'node:path';
import { Command } from 'commander';
import { archiveDay, attachDay, detachDay } from '../../audit/archive.ts';
import type { ArchiveTurns } from '../../audit/archive.ts';
import { visible } from '../../audit/export/lines.ts';
import { auditDir } from '../../audit/recorder.ts';
import { STORE_SETTINGS, writeTarget } from '../../control/fleet.ts';
import type { StoreSettings } from '../../control/fleet.ts';
import { holdOn } from '../../control/holds.ts';
import { KEPT_ELSEWHERE } from '../../control/keeping.ts';
import { loadSettings } from '../../settings/load.ts';
import { addProgress, longWork } from '../progress.ts';
import type { ProgressOptions } from '../progress.ts';
import { addSettingsFlags } from '../settings-flags.ts';
import { atDesk, ownSigner, tellRecorder } from './desk.ts';
import { publicKey } from './verify.ts';
import { UsageError } from '../usage-error.ts';

export function archiveCommand(): Command {
  const command = new Command('archive')
    .description('Copy a sealed day with its seal into a folder; with --move it then leaves the store.')
    .requiredOption('--day <DAY>', 'the day, 2026-11-20')
    .requiredOption('--out <DIR>', 'folder to write to')
    .option('--move', 'remove it from the store when the copy is verified')
    .allowExcessArguments(false);
  const input = addSettingsFlags(addProgress(command), [...STORE_SETTINGS, 'ca.passphrase-file']);
  return command.action(async (options: { day: string; out: string; move?: boolean } & ProgressOptions) => {
    const settings = loadSettings(input());
    needDayFiles(settings);
    const dataDir = settings['data-dir'];
    const { day, out } = options;
    await atDesk(settings, async ({ keeping, write }) => {
      const hold = holdOn(await keeping.holds.list(), day);
      if (options.move === true && hold !== null)
        throw new UsageError(
          `${day} is under hold ${hold.id} (${visible(hold.reason)}) and stays.`,
          'Archive it without --move, or lift the hold.',
          1,
        );
      const move = {
        signer: options.move === true ? ownSigner(settings) : null,
        now: Date.now(),
        onDrop: (drop: Record<string, unknown>) => {
          tellRecorder(dataDir, [{ name: 'audit.dropped', detail: { ...drop, why: 'archived' } }]);
        },
      };
      write('audit.archived', { day, out: path.resolve(out), moved: options.move === true });
      const key = publicKey(dataDir, undefined);
      await inTurns(options, day, turns =>
        archiveDay({
          ...{ dir: auditDir(dataDir), day, out, key, turns },
          ...(options.move === true ? { move } : {}),
        }),
      );
    });
    console.log(`${day} is in ${visible(out)}${options.move === true ? ' and no longer in the store' : ''}`);
  });
}

export function attachCommand(): Command {
  const command = new Command('attach')
    .description(
      'Put an archived day back to be searched. It is verified first, and retention leaves it alone.',
    )
    .argument('<FILE>', 'the day file, its .seal beside it')
    .option('--key <PUB>', 'public key it was sealed with, when another installation recorded it')
    .allowExcessArguments(false);
  const input = addSettingsFlags(addProgress(command), STORE_SETTINGS);
  return command.action(async (file: string, options: { key?: string } & ProgressOptions) => {
    const settings = loadSettings(input());
    needDayFiles(settings);
    const dataDir = settings['data-dir'];
    const key = publicKey(dataDir, options.key);
    const day = await atDesk(settings, ({ write }) => {
      write('audit.attached', { file: path.resolve(file) });
      return inTurns(options, path.basename(file), turns => attachDay(auditDir(dataDir), file, key, turns));
    });
    tellRecorder(dataDir, [{ name: 'audit.attached', detail: { day } }]);
    console.log(`${day} can be searched; \`sightglass audit detach --day ${day}\` takes it out again`);
  });
}

export function detachCommand(): Command {
  const command = new Command('detach')
    .description('Take an attached day out of the store; the archive keeps its own.')
    .requiredOption('--day <DAY>', 'the day, 2026-11-20')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, STORE_SETTINGS);
  return command.action(async (options: { day: string }) => {
    const settings = loadSettings(input());
    needDayFiles(settings);
    const dataDir = settings['data-dir'];
    await atDesk(settings, ({ write }) => {
      write('audit.detached', { day: options.day });
      detachDay(auditDir(dataDir), options.day);
    });
    tellRecorder(dataDir, [{ name: 'audit.detached', detail: { day: options.day } }]);
    console.log(`${options.day} is detached`);
  });
}

/** Copying and verifying with progress, until Ctrl-C. */
const inTurns = <T>(
  options: ProgressOptions,
  name: string,
  work: (turns: ArchiveTurns) => Promise<T>,
): Promise<T> =>
  longWork(options, (signal, tell) =>
    work({
      signal,
      onProgress: (what, done, of) => tell({ at: `${what} ${name}`, done, of, unit: 'bytes' }),
    }),
  );

/** Throws where the records are no day files of this machine. */
function needDayFiles(settings: StoreSettings): void {
  if (writeTarget(settings) !== null)
    throw new UsageError(
      'The records of this machine lie in PostgreSQL, which has no day files to archive or attach.',
      'Archive the database with pg_dump and search a restored one with --audit.store-read (docs/fleet.md), ' +
        'or keep what a case needs: sightglass search --evidence.',
      1,
    );
  if (settings['audit.store'] === 'none')
    throw new UsageError(KEPT_ELSEWHERE.message, KEPT_ELSEWHERE.hint, 1);
}
