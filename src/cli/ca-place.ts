/** Where the verbs of the authority work: its folder and, when it is asked for, its passphrase; from flags, environment, file. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { findPassphrase } from '../../ca/passphrase.ts';
import { storeSettings } from '../control/fleet.ts';
import type { StoreSettings } from '../control/fleet.ts';
import type { SettingName } from '../settings/catalogue.ts';
import { loadSettings } from '../settings/load.ts';
import { addSettingsFlags } from './settings-flags.ts';

export interface CaPlace {
  /** Where the records are. */
  records: StoreSettings;
  dir: string;
  /** Reads it. Throws AuthorityRefusal when it is named and cannot be read. */
  passphrase: () => string | null;
}

/** Adds the flags to `command`, those of `names` among them; call the result in its action. */
export function placeOf(command: Command, names: readonly SettingName[] = ['data-dir']): () => CaPlace {
  const input = addSettingsFlags(command, [...names, 'ca.passphrase-file']);
  return () => {
    const settings = loadSettings(input());
    return {
      records: storeSettings(settings),
      dir: join(settings['data-dir'], 'ca'),
      passphrase: () => findPassphrase(settings['ca.passphrase-file'], process.env)?.passphrase ?? null,
    };
  };
}
