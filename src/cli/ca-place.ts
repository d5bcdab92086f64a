/** Where the verbs of the authority work: its folder and, when it is asked for, its passphrase; from flags, environment, file. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { findPassphrase } from '../../ca/passphrase.ts';
import { loadSettings } from '../settings/load.ts';
import { addSettingsFlags } from './settings-flags.ts';

export interface CaPlace {
  dataDir: string;
  dir: string;
  /** Reads it. Throws AuthorityRefusal when it is named and cannot be read. */
  passphrase: () => string | null;
}

/** Adds the flags to `command`; call the result in its action. */
export function placeOf(command: Command): () => CaPlace {
  const input = addSettingsFlags(command, ['data-dir', 'ca.passphrase-file']);
  return () => {
    const settings = loadSettings(input());
    const dataDir = settings['data-dir'];
    return {
      dataDir,
      dir: join(dataDir, 'ca'),
      passphrase: () => findPassphrase(settings['ca.passphrase-file'], process.env)?.passphrase ?? null,
    };
  };
}
