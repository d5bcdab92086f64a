/**
 * `sightglass audit`: how much is recorded, how far the recorder is behind, and deleting days that are older than
 * `audit.retain-days`. Works with or without a running proxy.
 */
import { Command } from 'commander';
import { spoolLag } from '../audit/cursors.ts';
import { isoTime, jsonLine } from '../audit/export/lines.ts';
import { auditDir, spoolDir } from '../audit/recorder.ts';
import { retain } from '../audit/retention.ts';
import { openStore } from '../audit/store/sqlite.ts';
import { loadSettings } from '../settings/load.ts';
import { keyCommand } from './audit/key.ts';
import { verifyCommand } from './audit/verify.ts';
import { officerKeyCommand, reidentifyCommand } from './audit/reidentify.ts';
import { addSettingsFlags } from './settings-flags.ts';

export function auditCommand(): Command {
  return new Command('audit')
    .description('The recorded traffic: statistics and retention.')
    .addCommand(verifyCommand())
    .addCommand(keyCommand())
    .addCommand(statsCommand())
    .addCommand(retainCommand())
    .addCommand(officerKeyCommand())
    .addCommand(reidentifyCommand());
}

function statsCommand(): Command {
  const command = new Command('stats')
    .description('Rows and bytes of each day, and what waits in the spool.')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, ['data-dir']);
  return command.action(async (options: { json?: boolean }) => {
    const dataDir = loadSettings(input())['data-dir'];
    const store = openStore({ dir: auditDir(dataDir) });
    try {
      const days = await store.days();
      const spool = spoolLag(spoolDir(dataDir), auditDir(dataDir));
      const total = {
        exchanges: days.reduce((sum, d) => sum + d.exchanges, 0),
        flows: days.reduce((sum, d) => sum + d.flows, 0),
        events: days.reduce((sum, d) => sum + d.events, 0),
        bytes: days.reduce((sum, d) => sum + d.bytes, 0),
      };
      if (options.json === true) {
        const shown = days.map(d => ({
          ...d,
          from: d.from === null ? null : isoTime(d.from),
          to: d.to === null ? null : isoTime(d.to),
        }));
        console.log(jsonLine({ days: shown, total, spool }));
        return;
      }
      const line = (cells: (string | number)[]): string =>
        cells.map((c, i) => (i === 0 ? String(c).padEnd(10) : String(c).padStart(12))).join('  ');
      console.log(line(['DAY', 'EXCHANGES', 'FLOWS', 'EVENTS', 'SIZE']));
      for (const d of days) console.log(line([d.day, d.exchanges, d.flows, d.events, size(d.bytes)]));
      console.log(line(['total', total.exchanges, total.flows, total.events, size(total.bytes)]));
      console.log(
        `spool       ${spool.segments} segments, ${size(spool.bytes)}, of which ${size(spool.lagBytes)} not in the store yet`,
      );
    } finally {
      await store.close();
    }
  });
}

function retainCommand(): Command {
  const command = new Command('retain')
    .description('Delete days older than audit.retain-days. The newest day always stays.')
    .option('--dry-run', 'only tell what would be deleted')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, ['data-dir', 'audit.retain-days']);
  return command.action((options: { dryRun?: boolean; json?: boolean }) => {
    const settings = loadSettings(input());
    const result = retain({
      dir: auditDir(settings['data-dir']),
      days: settings['audit.retain-days'],
      now: Date.now(),
      dryRun: options.dryRun === true,
    });
    if (options.json === true) {
      console.log(jsonLine({ ...result, dryRun: options.dryRun === true }));
      return;
    }
    const verb = options.dryRun === true ? 'would delete' : 'deleted';
    for (const day of result.removed) console.log(`${verb} ${day}`);
    console.log(
      `${verb} ${result.removed.length} days (${size(result.bytes)}), ${result.kept.length} days stay`,
    );
  });
}

/** Bytes for people: three significant digits, binary units. */
function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit] ?? ''}`;
}
