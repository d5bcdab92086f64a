/** `sightglass audit hold`: lay, list and lift legal holds. Who and why stand in the trail, in the same transaction. */
import { Command } from 'commander';
import { isoTime, jsonLine, visible } from '../../audit/export/lines.ts';
import { STORE_SETTINGS } from '../../control/fleet.ts';
import { loadSettings } from '../../settings/load.ts';
import { addSettingsFlags } from '../settings-flags.ts';
import { atDesk, person } from './desk.ts';
import { UsageError } from '../usage-error.ts';

export function holdCommand(): Command {
  return new Command('hold')
    .description('Keep days from being deleted, whatever the retention says.')
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand());
}

function addCommand(): Command {
  const command = new Command('add')
    .description('Lay a hold on a day or on a range of days.')
    .option('--day <DAY>', 'one day, 2026-11-20')
    .option('--from <DAY>', 'first day of a range')
    .option('--to <DAY>', 'last day of a range, inclusive')
    .requiredOption('--reason <TEXT>', 'why, such as the case it is for')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, STORE_SETTINGS);
  return command.action(
    async (options: { day?: string; from?: string; to?: string; reason: string; json?: boolean }) => {
      const first = options.day ?? options.from;
      const last = options.day ?? options.to;
      if (
        first === undefined ||
        last === undefined ||
        (options.day !== undefined && options.from !== undefined)
      )
        throw new UsageError(
          'A hold needs --day, or --from and --to.',
          'sightglass audit hold add --from 2026-11-01 --to 2026-11-20 --reason "case 4711"',
        );
      const hold = await atDesk(loadSettings(input()), desk =>
        desk.keeping.holds.add(person(), first, last, options.reason),
      );
      console.log(
        options.json === true
          ? jsonLine(hold)
          : `hold ${hold.id}: ${hold.first} to ${hold.last} stay until it is lifted`,
      );
    },
  );
}

function listCommand(): Command {
  const command = new Command('list')
    .description('All holds, newest first, with who laid them and why.')
    .option('--json', 'print them as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, STORE_SETTINGS);
  return command.action(async (options: { json?: boolean }) => {
    const holds = await atDesk(loadSettings(input()), desk => desk.keeping.holds.list());
    if (options.json === true) {
      console.log(jsonLine(holds));
      return;
    }
    for (const h of holds) {
      const end = h.lifted === null ? 'holds' : `lifted ${isoTime(h.lifted)} by ${h.liftedBy ?? ''}`;
      console.log(
        visible(
          `${h.id}  ${h.first} to ${h.last}  ${end}  laid ${isoTime(h.created)} by ${h.by}: ${h.reason}`,
        ),
      );
    }
    if (holds.length === 0) console.log('no holds');
  });
}

function removeCommand(): Command {
  const command = new Command('remove')
    .description('Lift a hold; its days are then subject to retention again.')
    .argument('<HOLD>', 'number of the hold')
    .requiredOption('--reason <TEXT>', 'why it is lifted')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, STORE_SETTINGS);
  return command.action(async (id: string, options: { reason: string }) => {
    await atDesk(loadSettings(input()), desk =>
      desk.keeping.holds.lift(person(), Number(id), options.reason),
    );
    console.log(`hold ${visible(id)} is lifted`);
  });
}
