/**
 * `sightglass policy check`: whether a policy file can be used, and what in it is valid but hardly meant so. Where there are records
 * it also tells the rules that met nothing. Reads only.
 */
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { isoTime } from '../audit/export/lines.ts';
import { parseTime, TIME_HINT } from '../audit/query/time.ts';
import { secretFindings } from '../control/secret-check.ts';
import { analyse, type Finding } from '../policy/analyse.ts';
import { STORE_SETTINGS, withHistory } from '../control/fleet.ts';
import { loadPolicyFile, problemText, type LoadedPolicy } from '../policy/load.ts';
import { unusedRules } from '../policy/unused.ts';
import type { Settings } from '../settings/catalogue.ts';
import { loadSettings } from '../settings/load.ts';
import { addSettingsFlags } from './settings-flags.ts';
import { policyFileOf } from '../settings/policy-file.ts';
import { UsageError } from './usage-error.ts';

export function checkCommand(): Command {
  const command = new Command('check')
    .description('Check a policy file and the lists it names. Exit code 1 when it cannot be used.')
    .argument('<FILE>', 'the policy file')
    .option(
      '--since <TIME>',
      'rules that decided nothing since then are told, where there are records',
      '30d',
    )
    .option('--strict', 'exit code 1 also for warnings: hidden, contradictory and expired rules')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, [...STORE_SETTINGS, 'parent.secrets', 'policy.file']);
  return command.action(
    async (file: string, options: { json?: boolean; strict?: boolean; since: string }) => {
      const settings = loadSettings(input());
      const secrets = settings['parent.secrets'] ?? join(settings['data-dir'], 'secrets');
      const loaded = await loadPolicyFile(file);
      const findings = loaded.ok
        ? [
            ...analyse(loaded.compiled, loaded.positions, Date.now()),
            ...(await secretFindings(loaded.document, loaded.positions, secrets)),
          ]
        : [];
      if (loaded.ok) findings.push(...(await idleFindings(file, loaded, findings, settings, options.since)));
      findings.sort((a, b) => a.line - b.line);
      if (options.json === true) console.log(JSON.stringify(checkReport(file, loaded, findings), null, 2));
      else if (loaded.ok) console.log(summary(file, loaded, findings));
      else for (const p of loaded.problems) console.error(problemText(p));
      const warned = findings.some(f => f.severity === 'warning');
      if (!loaded.ok || (options.strict === true && warned)) process.exitCode = 1;
    },
  );
}

/** Rules that the records never met; none where there are no records. */
async function idleFindings(
  file: string,
  loaded: LoadedPolicy,
  findings: readonly Finding[],
  settings: Settings,
  since: string,
): Promise<Finding[]> {
  const from = parseTime(since, Date.now());
  if (from === null) throw new UsageError(`--since "${since}" is no time`, TIME_HINT);
  const ruling = policyFileOf(settings);
  const inForce =
    resolve(ruling) === resolve(file) ? loaded : await loadPolicyFile(ruling, { emptyWithoutCopy: true });
  if (!inForce.ok) return [];
  const { document, positions } = loaded;
  const hits = await withHistory(settings, async history =>
    (await history.isEmpty()) ? null : history.ruleHits({ since: from, onProblem: () => undefined }),
  );
  if (hits === null) return [];
  return unusedRules({
    rules: document.rules.map(r => r.name),
    inForce: new Set(inForce.document.rules.map(r => r.name)),
    met: new Set(hits.map(h => h.rule)),
    findings,
    positions,
    since: isoTime(from).slice(0, 10),
  });
}

function checkReport(
  file: string,
  loaded: Awaited<ReturnType<typeof loadPolicyFile>>,
  findings: readonly Finding[],
): Record<string, unknown> {
  if (!loaded.ok) return { ok: false, file, problems: loaded.problems, findings: [] };
  return {
    ok: true,
    file,
    policy: loaded.compiled.version,
    default: loaded.document.default.action,
    rules: loaded.document.rules.map(r => r.name),
    lists: Object.fromEntries([...loaded.compiled.lists].map(([name, l]) => [name, l.set.size])),
    problems: [],
    findings,
  };
}

function summary(file: string, { compiled, document }: LoadedPolicy, findings: readonly Finding[]): string {
  const lists = [...compiled.lists].map(([name, l]) => `${name} (${l.set.size})`);
  return [
    `${file}: good, version ${compiled.version}`,
    `  rules    ${document.rules.length}, then ${document.default.action} by default`,
    `  lists    ${lists.length === 0 ? 'none' : lists.join(', ')}`,
    ...findings.map(findingText),
  ].join('\n');
}

function findingText(f: Finding): string {
  const about = f.rule !== null ? `rule "${f.rule}": ` : '';
  return `  line ${f.line}: ${f.severity}: ${about}${f.message}${f.hint === '' ? '' : `\n      ${f.hint}`}`;
}
