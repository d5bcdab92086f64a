/** `sightglass start`: read the settings, then hand over to the control process. Returns when the service has stopped. */
import { Command } from 'commander';
import { loadSettings } from '../settings/load.ts';
import { addSettingsFlags } from './settings-flags.ts';

export function startCommand(): Command {
  const command = new Command('start')
    .description(
      'Run the proxy and its console until SIGTERM or Ctrl-C. Prints one line `ready …` when it serves.',
    )
    .allowExcessArguments(false);
  const input = addSettingsFlags(command);
  return command.action(async () => {
    // Settings first: when one of them is wrong, nothing else is loaded, created or opened.
    const settings = loadSettings(input());
    const { runControl } = await import('../control/main.ts');
    await runControl(settings);
  });
}
