/**
 * `sightglass lists`: exchange lists of names with everything else on the network. Works on the policy file (and for
 * `seen` on the records) alone, with or without a running proxy.
 *
 * Nothing is dropped in silence: rejected lines are told with number and reason, entries that a format cannot express
 * are withheld, counted and told.
 */
import { Command } from 'commander';
import { exportCommand } from './lists/export.ts';
import { importCommand } from './lists/import.ts';
import { fetchCommand, statusCommand } from './lists/sources.ts';
import { tokenCommand } from './lists/token.ts';

export function listsCommand(): Command {
  return new Command('lists')
    .description('Lists of names: take them over from other formats, hand them to other products.')
    .addCommand(importCommand())
    .addCommand(exportCommand())
    .addCommand(fetchCommand())
    .addCommand(statusCommand())
    .addCommand(tokenCommand());
}
