/**
 * `sightglass policy pac`: the PAC file of the policy, as the setup site serves it, for places that serve or install it
 * themselves. On the files alone, with or without a running proxy.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { makePac } from '../control/pac.ts';
import { copiesDir } from '../policy/list-copies.ts';
import { loadPolicyFile, problemText } from '../policy/load.ts';
import type { PacPlan } from '../policy/pac/steps.ts';
import { pacFor } from '../core/setup-texts.ts';
import { loadSettings } from '../settings/load.ts';
import { addSettingsFlags } from './settings-flags.ts';
import { policyFileOf } from '../settings/policy-file.ts';
import { UsageError } from './usage-error.ts';

export function pacCommand(): Command {
  const command = new Command('pac')
    .description(
      'Write the PAC file (proxy auto-configuration) of the policy. What it leaves at the proxy is told on standard error.',
    )
    .option('--out <FILE>', 'where to write it; - is standard output', '-')
    .option('--force', 'replace FILE if it exists')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, [
    'data-dir',
    'policy.file',
    'proxy.connect-ports',
    'setup.url',
    'pac.proxies',
    'pac.spread',
    'pac.plain-names',
    'pac.private-networks',
    'pac.local-domains',
  ]);
  return command.action(async (options: { out: string; force?: boolean }) => {
    const settings = loadSettings(input());
    const dataDir = settings['data-dir'];
    const address = settings['setup.url'] === null ? null : new URL(settings['setup.url']);
    if (settings['pac.proxies'].length === 0 && address === null)
      throw new UsageError(
        'The file must name a proxy, and nobody said which',
        'Name it with --pac.proxies HOST:PORT, or set pac.proxies or setup.url in the settings file.',
        1,
      );
    const loaded = await loadPolicyFile(policyFileOf(settings), {
      copies: copiesDir(join(dataDir, 'policy')),
    });
    if (!loaded.ok) {
      for (const problem of loaded.problems) console.error(problemText(problem));
      process.exitCode = 1;
      return;
    }
    const { text, plan } = await makePac(loaded.compiled, settings);
    const here = address === null ? '' : `${address.hostname}:${address.port === '' ? 80 : address.port}`;
    write(options, pacFor(text, here));
    for (const line of planText(plan)) console.error(line);
  });
}

function write(options: { out: string; force?: boolean }, text: string): void {
  if (options.out === '-') return void process.stdout.write(text);
  const path = resolve(options.out);
  try {
    writeFileSync(path, text, { flag: options.force === true ? 'w' : 'wx' });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unexpected error';
    throw new UsageError(
      code === 'EEXIST' ? `${path} exists already` : `${path} cannot be written (${code})`,
      code === 'EEXIST'
        ? 'Choose another name, or replace it with --force.'
        : 'Check the folder and its owner.',
      1,
    );
  }
}

function planText(plan: PacPlan): string[] {
  return [
    `${plan.direct} names go direct`,
    ...(plan.dropped === 0
      ? []
      : [`${plan.dropped} names more would, but browsers read only so much: they go through the proxy`]),
    ...plan.kept.map(({ rule, why }) => `rule "${rule}" stays at the proxy: ${why}`),
  ];
}
