/**
 * `sightglass backup`: the whole data directory into one encrypted file, also while the service runs. Both formats inside (tar,
 * age) are read by other programs. `restore` brings it back.
 */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { readPassphrase } from '../../ca/passphrase.ts';
import { jsonLine, visible } from '../audit/export/lines.ts';
import { BackupError } from '../control/backup/restore.ts';
import { writeBackup, type BackupOptions, type Lock, type Manifest } from '../control/backup/write.ts';
import { VERSION } from '../control/version.ts';
import { loadSettings } from '../settings/load.ts';
import { addProgress, longWork, type ProgressOptions } from './progress.ts';
import { addSettingsFlags } from './settings-flags.ts';
import { UsageError } from './usage-error.ts';

interface BackupFlags extends ProgressOptions {
  out: string;
  recipient?: string[];
  passphraseFile?: string;
  json?: boolean;
}

export function backupCommand(): Command {
  const command = new Command('backup')
    .description('Write authority, policy, accounts and records into one encrypted file.')
    .requiredOption('--out <FILE>', 'the backup; must not exist yet')
    .option(
      '--recipient <AGE>',
      'encrypt for this age public key (age1…); repeatable. The machine then holds nothing that opens its backups',
      (text: string, before: string[] = []) => [...before, text],
    )
    .option('--passphrase-file <FILE>', 'encrypt under the passphrase on the first line of this file')
    .option('--json', 'print the manifest as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(addProgress(command), ['data-dir']);
  return command.action(async (flags: BackupFlags) => {
    const dataDir = loadSettings(input())['data-dir'];
    if (!existsSync(dataDir))
      throw new BackupError(`${dataDir} does not exist.`, 'Name the data-dir of the service.');
    const lock = lockOf(flags);
    const manifest = await inTurns(flags, turns =>
      writeBackup({ dataDir, out: flags.out, lock, version: VERSION, now: Date.now(), ...turns }),
    );
    tell(manifest, flags.json === true, `backed up into ${flags.out}`);
  });
}

function lockOf({ recipient = [], passphraseFile }: BackupFlags): Lock {
  if (recipient.length > 0 === (passphraseFile !== undefined))
    throw oneOf('--recipient', 'It holds the CA key, so it is never written unencrypted');
  if (passphraseFile !== undefined) return { passphrase: readPassphrase(passphraseFile) };
  for (const text of recipient)
    if (!/^age1[a-z0-9]{50,2000}$/.test(text))
      throw new UsageError(`${visible(text)} is no age public key.`, 'Make a pair: age-keygen -o key.txt');
  return { recipients: recipient };
}

/** Exactly one of two ways to a key must be named. */
export const oneOf = (other: string, why: string): Error =>
  new UsageError(`Name either ${other} or --passphrase-file.`, `${why}.`);

/** Writing or reading a backup with progress, until Ctrl-C. */
export const inTurns = <T>(
  options: ProgressOptions,
  work: (turns: Required<Pick<BackupOptions, 'onProgress' | 'signal'>>) => Promise<T>,
): Promise<T> =>
  longWork(options, (signal, tell) =>
    work({
      signal,
      onProgress: ({ bytes, of, path }) => tell({ at: path, done: bytes, of, unit: 'bytes' }),
    }),
  );

/** What was done, for people or as the manifest. */
export function tell(manifest: Manifest, json: boolean, what: string): void {
  if (json) {
    console.log(jsonLine(manifest));
    return;
  }
  const bytes = manifest.files.reduce((sum, f) => sum + f.size, 0);
  console.log(
    `${what}: ${manifest.files.length} files, ${mib(bytes)} MiB, as of ${manifest.created}, by version ${manifest.version}`,
  );
}

const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);
