/**
 * `sightglass doctor`: asks the questions of a field guide to broken proxies and prints each answer with what was seen and
 * what to do next. Works with or without a running proxy; changes nothing. Exit 1 when an answer is bad.
 */
import { Command } from 'commander';
import { jsonLine, visible } from '../audit/export/lines.ts';
import { canonicalHost, splitHostPort } from '../core/host-name.ts';
import { CHECKS, worst, type Answer, type State } from '../control/doctor/answer.ts';
import { examine, type Examination } from '../control/doctor/examine.ts';
import { loadSettings } from '../settings/load.ts';
import { addSettingsFlags } from './settings-flags.ts';

const MAX_HOSTS = 10;
const PATIENCE_MS = 5_000;
const MARKS: Record<State, string> = { good: '✓', unknown: '?', attention: '!', bad: '✗' };

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('Examine this installation: ports, names, clock, keys, disk, parents, origins, clients.')
    .option(
      '--host <NAME[:PORT]>',
      'origin to try; repeatable, at most ten. Default: the most frequent of the last day',
      (text: string, before: string[] = []) => [...before, text],
    )
    .option('--all', 'show the evidence of good answers too')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command);
  return command.action(async (options: { host?: string[]; all?: boolean; json?: boolean }) => {
    const examination = await examine({
      settings: loadSettings(input()),
      hosts: hostsOf(options.host ?? [], command),
      env: process.env,
      now: Date.now,
      patience: PATIENCE_MS,
    });
    const state = worst(examination.answers);
    if (options.json === true) console.log(jsonLine({ state, ...examination }));
    else for (const line of report(examination, options.all === true)) console.log(line);
    if (state === 'bad' || examination.failed.length > 0) process.exitCode = 1;
  });
}

function hostsOf(texts: readonly string[], command: Command): { host: string; port: number }[] {
  if (texts.length > MAX_HOSTS) command.error(`error: at most ${MAX_HOSTS} hosts`, { exitCode: 2 });
  return texts.flatMap(text => {
    const at = splitHostPort(text, 443);
    const host = at === null ? null : canonicalHost(at.host);
    if (at !== null && host !== null && host.kind !== 'invalid') return [{ host: host.name, port: at.port }];
    return command.error(`error: --host ${visible(text)} is no host`, { exitCode: 2 });
  });
}

/** The answers for people, a block for each question. Pure. */
export function report({ answers, failed }: Examination, all: boolean): string[] {
  const lines: string[] = [];
  for (const [check, question] of Object.entries(CHECKS)) {
    const own = answers.filter(a => a.check === check);
    if (own.length === 0) continue;
    lines.push(question);
    for (const a of own) lines.push(...block(a, all));
    lines.push('');
  }
  for (const { check, message } of failed)
    lines.push(`✗ The check "${check}" could not be made: ${visible(message)}`);
  const count = (state: State): number => answers.filter(a => a.state === state).length;
  lines.push(
    `${count('good')} good, ${count('attention')} to attend to, ${count('bad')} broken, ${count('unknown')} could not be seen`,
  );
  return lines;
}

function block(a: Answer, all: boolean): string[] {
  const evidence = a.state === 'good' && !all ? [] : a.evidence.map(e => `      ${visible(e)}`);
  return [
    `  ${MARKS[a.state]} ${visible(a.finding)}`,
    ...evidence,
    ...(a.next === null ? [] : [`    → ${a.next}`]),
  ];
}
