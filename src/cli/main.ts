#!/usr/bin/env node
/**
 * The `sightglass` command: one verb per file, loaded only when it is asked for, so that `--help` and small verbs do not
 * wait for the whole product. This file owns what all verbs share: exit codes (0 done, 1 failed, 2 used wrongly, 130 ended
 * by Ctrl-C), errors as one sentence with a hint on stderr, suggestions for misspelled verbs and flags. It knows no verb's business.
 */
import { realpathSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { VERSION } from '../control/version.ts';
import { Fault } from '../core/faults.ts';
import { SettingsError } from '../settings/load.ts';
import { Interrupted } from './interrupt.ts';
import { VERBS } from './verbs.ts';

/** Something went wrong that the user can do something about: a sentence and, if there is one, a hint. */
export interface ToldError extends Error {
  hint?: string;
  exitCode?: number;
}

/** Run one command line (without node and script). Returns the exit code; never throws, never exits. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram(argv);
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return tell(error);
  }
}

async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('sightglass')
    .description('HTTPS inspection proxy for enterprise auditing.')
    .version(VERSION, '-V, --version')
    .showHelpAfterError('(add --help for usage)')
    .addHelpText('after', '\nEvery verb explains itself: sightglass VERB --help');
  const wanted = argv.find(arg => !arg.startsWith('-'));
  const asked = wanted === 'help' ? argv.filter(arg => !arg.startsWith('-'))[1] : wanted;
  for (const [name, verb] of Object.entries(VERBS)) {
    if (name === asked) program.addCommand(await verb.load());
    else program.command(name).description(verb.summary);
  }
  shareManners(program);
  return program;
}

/** Errors become exceptions that carry the code, in every nested command too. */
function shareManners(command: Command): void {
  command.exitOverride();
  command.showHelpAfterError('(add --help for usage)');
  for (const child of command.commands) shareManners(child);
}

function tell(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has written its own sentence; help and version are no errors.
    return error.exitCode === 0 ? 0 : 2;
  }
  if (process.env['SIGHTGLASS_DEBUG'] === '1') {
    console.error(error);
    return exitCodeOf(error);
  }
  for (const line of messageOf(error).split('\n')) console.error(`sightglass: ${line}`);
  const hint = hintOf(error);
  if (hint !== null) console.error(`hint: ${hint}`);
  return exitCodeOf(error);
}

/** Node tells of files by the call that failed (`ENOENT: …, stat '…'`); people want the file and what is wrong with it. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code = '', path, syscall = '' } = error as NodeJS.ErrnoException;
  const words = FILE_ERRORS[code];
  return path === undefined || words === undefined || syscall.startsWith('spawn')
    ? error.message
    : `${path}: ${words}`;
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'this is a folder, not a file',
  ENOTDIR: 'a part of this path is no folder',
  EEXIST: 'this exists already',
  EROFS: 'this disk can only be read',
  ENOSPC: 'no room for this',
};

function exitCodeOf(error: unknown): number {
  if (error instanceof SettingsError) return 2;
  if (error instanceof Interrupted) return error.exitCode;
  const code = (error as ToldError | null)?.exitCode;
  return code === 2 ? 2 : 1;
}

/** What to do about it: the error's own hint, the fault catalogue's, or one for errors of the system. */
function hintOf(error: unknown): string | null {
  if (error instanceof SettingsError)
    return 'nothing was started; `sightglass start --help` lists every setting';
  if (error instanceof Fault) return error.entry.hint;
  const { hint, code } = (error ?? {}) as { hint?: unknown; code?: unknown };
  if (typeof hint === 'string' && hint !== '') return hint;
  switch (code) {
    case 'EADDRINUSE':
      return 'another program listens there; name another port (proxy.listen, console.listen, metrics.listen) or stop it';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; see proxy.listen, console.listen and metrics.listen';
    case 'EACCES':
    case 'EPERM':
      return 'the user who runs this may not do that; check the owner and mode of what is named above';
    case 'ENOSPC':
      return 'the disk is full';
    default:
      return error instanceof Error && !(error instanceof TypeError)
        ? null
        : 'this should not happen; run again with SIGHTGLASS_DEBUG=1 and report what it prints';
  }
}

/** Verbs that serve until they are told to stop, whether or not somebody reads what they print. */
const SERVICES: ReadonlySet<string> = new Set(['start', 'demo']);

function isEntry(): boolean {
  const script = process.argv[1];
  if (script === undefined) return false;
  try {
    return realpathSync(script) === import.meta.filename;
  } catch {
    return false;
  }
}

if (isEntry()) {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    // `sightglass search … | head` closes our output early; that is no failure. A service goes on without its reader.
    if (!SERVICES.has(process.argv[2] ?? '')) process.exit(0);
  });
  process.exitCode = await main(process.argv.slice(2));
}
