/** `sightglass restore`: brings a backup back into an empty data directory, or only reads it to its end and compares. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { readPassphrase } from '../../ca/passphrase.ts';
import { BackupError, restoreBackup, verifyBackup, type Opener } from '../control/backup/restore.ts';
import { isDataDirHeld } from '../control/orphans.ts';
import { loadSettings } from '../settings/load.ts';
import { inTurns, oneOf, tell } from './backup.ts';
import { addProgress, type ProgressOptions } from './progress.ts';
import { addSettingsFlags } from './settings-flags.ts';

interface RestoreFlags extends ProgressOptions {
  identity?: string;
  passphraseFile?: string;
  verify?: boolean;
  json?: boolean;
}

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description('Bring a backup back into an empty data directory.')
    .argument('<FILE>', 'the backup')
    .option('--identity <FILE>', 'file with the age identity (AGE-SECRET-KEY-1…) of a recipient')
    .option('--passphrase-file <FILE>', 'file with the passphrase on its first line')
    .option('--verify', 'only read it to its end and compare it with its manifest')
    .option('--json', 'print the manifest as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(addProgress(command), ['data-dir']);
  return command.action(async (file: string, flags: RestoreFlags) => {
    const opener = openerOf(flags);
    if (flags.verify === true) {
      const whole = await inTurns(flags, turns => verifyBackup({ file, opener, ...turns }));
      tell(whole, flags.json === true, `${file} is whole`);
      return;
    }
    const dataDir = loadSettings(input())['data-dir'];
    if (isDataDirHeld(dataDir))
      throw new BackupError(`A service runs on ${dataDir}.`, 'Stop it, and move its folder away first.');
    const manifest = await inTurns(flags, turns => restoreBackup({ file, dataDir, opener, ...turns }));
    tell(manifest, flags.json === true, `restored into ${dataDir}`);
  });
}

function openerOf({ identity, passphraseFile }: RestoreFlags): Opener {
  if ((identity !== undefined) === (passphraseFile !== undefined))
    throw oneOf('--identity', 'A backup is always encrypted');
  if (passphraseFile !== undefined) return { passphrase: readPassphrase(passphraseFile) };
  const lines = readFileSync(identity ?? '', 'utf8').split('\n');
  const identities = lines.map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#'));
  if (identities.length === 0)
    throw new BackupError(`${identity ?? ''} holds no identity.`, 'It must have a line AGE-SECRET-KEY-1….');
  return { identities };
}
