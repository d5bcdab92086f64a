/**
 * `sightglass user`: add, list, change and shut the people of this installation. Works on the data directory alone, with or
 * without a running proxy, which sees each change at once. Passwords come from a prompt without echo, a file or standard
 * input, never from an argument, where every process on the machine could read them. Changes land in the trail.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { Command } from 'commander';
import { PASSWORD_MAX, ROLES } from '../../web/contract.ts';
import { unknownError } from '../control/account-rules.ts';
import type { User } from '../control/account-rules.ts';
import { Accounts } from '../control/accounts.ts';
import { openControlDb } from '../control/control-db.ts';
import { Trail } from '../control/trail.ts';
import { loadSettings } from '../settings/load.ts';
import { readHidden } from './hidden-prompt.ts';
import { addSettingsFlags } from './settings-flags.ts';
import { UsageError } from './usage-error.ts';

export function userCommand(): Command {
  return new Command('user')
    .description('The people who may open the console or use the proxy.')
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(passwdCommand())
    .addCommand(switchCommand('disable', 'Shut an account: its sessions end and nobody can use it.'))
    .addCommand(
      switchCommand('enable', 'Open an account again, and end a lock after too many failed log-ins.'),
    )
    .addCommand(resetCommand());
}

interface AddOptions {
  role: string[];
  group: string[];
  passwordFile?: string;
}

function addCommand(): Command {
  const command = new Command('add')
    .description('Make a user. Asks for the password unless a file is given.')
    .argument('<NAME>', 'letters, digits and . _ @ -; kept in lower case')
    .option('--role <ROLE>', `${ROLES.join(', ')}; repeatable (default: proxy)`, collect, [])
    .option('--group <NAME>', 'group that policy rules may name; repeatable', collect, [])
    .option('--password-file <FILE>', 'read the password from the first line of FILE; - is standard input')
    .allowExcessArguments(false);
  const withPeople = peopleOf(command);
  return command.action((name: string, options: AddOptions) =>
    withPeople(async ({ accounts, write }) => {
      const roles = options.role.length === 0 ? ['proxy'] : options.role;
      const password = await passwordFrom(options.passwordFile);
      const user = await accounts.add({ name, roles, groups: options.group, password });
      write('user.added', { name: user.name, roles: user.roles, groups: user.groups });
      console.log(`Added ${user.name} (${user.roles.join(', ')}).`);
    }),
  );
}

function listCommand(): Command {
  const command = new Command('list')
    .description('List all users.')
    .option('--json', 'print them as JSON')
    .allowExcessArguments(false);
  const withPeople = peopleOf(command);
  return command.action((options: { json?: boolean }) =>
    withPeople(({ accounts }) => {
      const users = accounts.list();
      if (options.json === true) console.log(JSON.stringify(users.map(asJson), null, 2));
      else if (users.length === 0)
        console.log('There are no users yet: `sightglass user add NAME --role admin`.');
      else console.log(asTable(users));
    }),
  );
}

function passwdCommand(): Command {
  const command = new Command('passwd')
    .description('Set another password. Every session of the user ends.')
    .argument('<NAME>')
    .option('--password-file <FILE>', 'read the password from the first line of FILE; - is standard input')
    .allowExcessArguments(false);
  const withPeople = peopleOf(command);
  return command.action((name: string, options: { passwordFile?: string }) =>
    withPeople(async ({ accounts, write }) => {
      await accounts.setPassword(name, await passwordFrom(options.passwordFile));
      write('user.password', { name });
      console.log(`The password of ${name} is changed.`);
    }),
  );
}

function switchCommand(verb: 'disable' | 'enable', description: string): Command {
  const command = new Command(verb).description(description).argument('<NAME>').allowExcessArguments(false);
  const withPeople = peopleOf(command);
  return command.action((name: string) =>
    withPeople(({ accounts, write }) => {
      accounts[verb](name);
      write(`user.${verb}d`, { name });
      console.log(`${name} is ${verb}d.`);
    }),
  );
}

function resetCommand(): Command {
  const command = new Command('reset-second-factor')
    .description('Take the second factor of somebody who lost it away. Every session of the user ends.')
    .argument('<NAME>')
    .allowExcessArguments(false);
  const withPeople = peopleOf(command);
  return command.action((name: string) =>
    withPeople(({ accounts, write }) => {
      const user = accounts.get(name);
      if (user === null) throw unknownError(name);
      if (!accounts.secondFactors.remove(name)) {
        console.log(`${name} has no second factor.`);
        return;
      }
      write('second-factor.reset', { name });
      console.log(`The second factor of ${name} is gone; the password alone logs in.`);
    }),
  );
}

interface People {
  accounts: Accounts;
  /** A line in the trail, with the name of the person at the terminal. */
  write: (action: string, detail: Record<string, unknown>) => void;
}

/** Adds the flags that name the data directory; the result opens the store there, and closes it again. */
function peopleOf(command: Command): (use: (people: People) => void | Promise<void>) => Promise<void> {
  const input = addSettingsFlags(command, ['data-dir']);
  return async use => {
    const db = openControlDb(loadSettings(input())['data-dir']);
    try {
      const trail = new Trail(db);
      await use({
        accounts: new Accounts(db),
        write: (action, detail) =>
          trail.append({
            user: null,
            address: 'command line',
            action,
            detail: { ...detail, by: systemUser() },
          }),
      });
    } finally {
      db.close();
    }
  };
}

async function passwordFrom(file: string | undefined): Promise<string> {
  if (file !== undefined) {
    // The first line without its end: editors and `echo` add one.
    const text = readFileSync(file === '-' ? 0 : file, 'utf8');
    return (text.split('\n', 1)[0] ?? '').replace(/\r$/, '');
  }
  const { stdin, stderr } = process;
  if (!stdin.isTTY)
    throw new UsageError(
      'There is no terminal to ask for a password.',
      'Give it with `--password-file FILE`, or `--password-file -` for standard input.',
    );
  const first = await readHidden('Password: ', stdin, stderr, PASSWORD_MAX);
  const second = await readHidden('Once more: ', stdin, stderr, PASSWORD_MAX);
  if (first !== second)
    throw new UsageError('The two passwords differ; nothing was changed.', 'Try again.', 1);
  return first;
}

function asJson(user: User): Record<string, unknown> {
  return {
    name: user.name,
    roles: user.roles,
    groups: user.groups,
    disabled: user.disabled,
    created: new Date(user.created).toISOString(),
    lastLogin: user.lastLogin === null ? null : new Date(user.lastLogin).toISOString(),
    secondFactor: user.secondFactor === null ? null : new Date(user.secondFactor).toISOString(),
  };
}

/** Names, roles and groups consist of plain ASCII, so columns line up. */
function asTable(users: readonly User[]): string {
  const rows = [
    ['NAME', 'ROLES', 'GROUPS', 'STATE', 'CODE', 'LAST LOG-IN (UTC)'],
    ...users.map(user => [
      user.name,
      user.roles.join(','),
      user.groups.join(','),
      user.disabled ? 'disabled' : 'enabled',
      user.secondFactor === null ? 'no' : 'yes',
      user.lastLogin === null
        ? 'never'
        : new Date(user.lastLogin).toISOString().slice(0, 16).replace('T', ' '),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map(row => row[i]?.length ?? 0)));
  return rows
    .map(row =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
