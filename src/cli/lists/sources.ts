/**
 * `sightglass lists fetch | status`: the lists that a policy fetches or learns. `fetch` does at once what the running
 * service does by its clock; the service takes the new copies up by itself.
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { jsonLine, visible } from '../../audit/export/lines.ts';
import { STORE_SETTINGS, storeSettings } from '../../control/fleet.ts';
import { learn } from '../../control/learn-thread.ts';
import { ListKeeper, listFetcher, listStates } from '../../control/policy-sources.ts';
import type { ListState } from '../../control/policy-sources.ts';
import { loadPolicyFile, problemText } from '../../policy/load.ts';
import type { PolicyDocument } from '../../policy/rule.ts';
import { copiesDir } from '../../policy/sources.ts';
import type { Settings } from '../../settings/catalogue.ts';
import { loadSettings } from '../../settings/load.ts';
import { policyFileOf } from '../../settings/policy-file.ts';
import { addSettingsFlags } from '../settings-flags.ts';
import { UsageError } from '../usage-error.ts';

export function fetchCommand(): Command {
  const command = new Command('fetch')
    .description('Fetch and learn the lists of the policy now. Exit code 1 when one of them fails.')
    .argument('[LIST]', 'one list only')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, [
    ...STORE_SETTINGS,
    'policy.file',
    'egress.allow',
    'origin.extra-ca',
  ]);
  return command.action(async (list: string | undefined, options: { json?: boolean }) => {
    const settings = loadSettings(input());
    const document = await documentOf(settings);
    if (list !== undefined && !Object.hasOwn(document.lists, list))
      throw new UsageError(
        `the policy has no list "${list}"`,
        `Lists: ${Object.keys(document.lists).join(', ')}.`,
      );
    const dir = copiesDir(join(settings['data-dir'], 'policy'));
    const failed = new Set<string>();
    const keeper = new ListKeeper({
      dir,
      records: storeSettings(settings),
      fetch: listFetcher(settings),
      // This process waits for nothing else.
      learn,
      onEvent: (name, detail) => {
        if (name === 'list.failed') failed.add(String(detail['list']));
      },
    });
    await keeper.follow(document);
    await keeper.look(true, list ?? null);
    const states = (await keeper.states()).filter(s => list === undefined || s.name === list);
    print(states, options.json === true);
    if (failed.size > 0) process.exitCode = 1;
  });
}

export function statusCommand(): Command {
  const command = new Command('status')
    .description('How old the fetched and learned lists of the policy are, and what went wrong last.')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, ['data-dir', 'policy.file']);
  return command.action(async (options: { json?: boolean }) => {
    const settings = loadSettings(input());
    const dir = copiesDir(join(settings['data-dir'], 'policy'));
    print(await listStates(await documentOf(settings), dir, Date.now()), options.json === true);
  });
}

/** Contents do not matter here, so lists without a copy are no obstacle. */
async function documentOf(settings: Settings): Promise<PolicyDocument> {
  const loaded = await loadPolicyFile(policyFileOf(settings));
  if (loaded.ok) return loaded.document;
  throw new UsageError(loaded.problems.map(problemText).join('\n'), 'Mend the policy first.', 1);
}

function print(states: readonly ListState[], json: boolean): void {
  if (json) console.log(jsonLine({ lists: states }));
  else if (states.length === 0) console.log('the policy fetches and learns no list');
  for (const s of json ? [] : states) {
    const age = s.checked === null ? 'never' : `${s.checked.slice(0, 19)}Z`;
    console.log(
      `${s.name.padEnd(20)} ${String(s.entries).padStart(9)} names  current as of ${age}  ${visible(s.from)}`,
    );
    if (s.rejected > 0) console.log(`  ${s.rejected} lines were not usable`);
    if (s.failed !== null) console.log(`  failed ${s.failed.tries} times: ${visible(s.failed.message)}`);
    if (s.held !== null)
      console.log(
        `  held since the rollback to version ${s.held.n}; \`sightglass lists fetch ${s.name}\` lets it go on`,
      );
    if (s.signed !== null)
      console.log(`  signed with ${s.signed.key}: ${visible(s.signed.comment.slice(0, 200))}`);
    if (s.alarm !== null) console.log(`  ${ALARM[s.alarm]}`);
  }
}

const ALARM: Record<NonNullable<ListState['alarm']>, string> = {
  stale: 'older than it should be',
  untrusted: 'what its publisher serves now is not trusted; the last good copy stays in force',
};
