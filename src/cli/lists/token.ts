/** `sightglass lists token`: who may poll the exports of lists on the console's server. */
import { Command } from 'commander';
import { isoTime, jsonLine, visible } from '../../audit/export/lines.ts';
import { openControlDb } from '../../control/control-db.ts';
import { ListTokens } from '../../control/list-tokens.ts';
import { loadSettings } from '../../settings/load.ts';
import { addSettingsFlags } from '../settings-flags.ts';

export function tokenCommand(): Command {
  return new Command('token')
    .description('Tokens with which devices poll lists: GET <console>/lists/SET.FORMAT?token=…')
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand());
}

function addCommand(): Command {
  return verb('add', 'Make a token and print it; it is shown this once.', '<NAME>', (tokens, name, json) => {
    const token = tokens.add(name);
    if (json) {
      console.log(jsonLine({ name, token }));
      return;
    }
    console.log(token);
    console.error(
      `give it to the device as  /lists/deny.pan-edl?token=${token}  or as the password of Basic`,
    );
  });
}

function listCommand(): Command {
  return verb('list', 'Tokens and when they were last used.', null, (tokens, _name, json) => {
    const all = tokens.list();
    if (json)
      console.log(
        jsonLine({
          tokens: all.map(t => ({
            name: t.name,
            created: isoTime(t.created),
            used: t.used === null ? null : isoTime(t.used),
          })),
        }),
      );
    else if (all.length === 0) console.log('there is no token');
    else
      for (const t of all)
        console.log(
          `${visible(t.name).padEnd(24)} ${t.used === null ? 'never used' : `used ${isoTime(t.used)}`}`,
        );
  });
}

function revokeCommand(): Command {
  return verb('revoke', 'Shut a token; the next poll with it is refused.', '<NAME>', (tokens, name, json) => {
    tokens.revoke(name);
    console.log(json ? jsonLine({ revoked: name }) : `${name} is revoked`);
  });
}

function verb(
  name: string,
  description: string,
  argument: string | null,
  act: (tokens: ListTokens, name: string, json: boolean) => void,
): Command {
  const command = new Command(name)
    .description(description)
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  if (argument !== null) command.argument(argument, 'name of the token, such as the device');
  const input = addSettingsFlags(command, ['data-dir']);
  return command.action((...args: unknown[]) => {
    const [given, options] = argument === null ? ['', args[0]] : [String(args[0]), args[1]];
    const db = openControlDb(loadSettings(input())['data-dir']);
    try {
      act(new ListTokens(db), given, (options as { json?: boolean }).json === true);
    } finally {
      db.close();
    }
  });
}
