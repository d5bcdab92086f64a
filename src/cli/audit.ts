/**
 * `sightglass audit`: how much is recorded, how far the recorder is behind, and deleting days that are older than
 * `audit.retain-days`. Works with or without a running proxy.
 */
import { Command } from 'commander';
import { isoTime, jsonLine } from '../audit/export/lines.ts';
import { spoolDir } from '../audit/recorder.ts';
import { openAuditStore, STORE_SETTINGS } from '../control/fleet.ts';
import { readHolds } from '../control/keeping.ts';
import { loadSettings } from '../settings/load.ts';
import { archiveCommand, attachCommand, detachCommand } from './audit/archive.ts';
import { atDesk, ownSigner, tellRecorder } from './audit/desk.ts';
import { holdCommand } from './audit/hold.ts';
import { keyCommand } from './audit/key.ts';
import { verifyCommand } from './audit/verify.ts';
import { officerKeyCommand, reidentifyCommand } from './audit/reidentify.ts';
import { addSettingsFlags } from './settings-flags.ts';

export function auditCommand(): Command {
  return new Command('audit')
    .description('The recorded traffic: verify, count, hold, archive and delete it.')
    .addCommand(verifyCommand())
    .addCommand(keyCommand())
    .addCommand(statsCommand())
    .addCommand(retainCommand())
    .addCommand(officerKeyCommand())
    .addCommand(reidentifyCommand())
    .addCommand(holdCommand())
    .addCommand(archiveCommand())
    .addCommand(attachCommand())
    .addCommand(detachCommand());
}

function statsCommand(): Command {
  const command = new Command('stats')
    .description(
      'Rows and bytes of each day, whether it is sealed, attached or held, and what waits in the spool.',
    )
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, STORE_SETTINGS);
  return command.action(async (options: { json?: boolean }) => {
    const settings = loadSettings(input());
    const store = openAuditStore(settings);
    try {
      const held = await readHolds(settings);
      const days = (await store.days()).map(day => ({
        ...day,
        holds: held.filter(h => h.lifted === null && h.first <= day.day && day.day <= h.last).map(h => h.id),
      }));
      const spool = await store.spoolLag(spoolDir(settings['data-dir']));
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
      console.log(`${line(['DAY', 'EXCHANGES', 'FLOWS', 'EVENTS', 'SIZE'])}  STATE`);
      for (const d of days) {
        const { sealed, attached, holds } = d;
        const state = [
          sealed ? 'sealed' : 'open',
          ...(attached ? ['attached'] : []),
          ...(holds.length > 0 ? [`held (${holds.join(', ')})`] : []),
        ];
        console.log(`${line([d.day, d.exchanges, d.flows, d.events, size(d.bytes)])}  ${state.join(', ')}`);
      }
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
    .description(
      'Delete days beyond audit.retain-days and audit.retain-size. The newest day, days under legal hold and attached days stay.',
    )
    .option('--dry-run', 'only tell what would be deleted')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, [
    ...STORE_SETTINGS,
    'audit.retain-days',
    'audit.retain-size',
    'ca.passphrase-file',
  ]);
  return command.action(async (options: { dryRun?: boolean; json?: boolean }) => {
    const settings = loadSettings(input());
    const dryRun = options.dryRun === true;
    const result = await atDesk(settings, ({ keeping, write }) =>
      keeping.retain({
        days: settings['audit.retain-days'],
        maxBytes: settings['audit.retain-size'],
        signer: () => ownSigner(settings),
        onDrop: drop => {
          write('audit.dropped', { ...drop });
          tellRecorder(settings['data-dir'], [{ name: 'audit.dropped', detail: { ...drop } }]);
        },
        now: Date.now(),
        dryRun,
      }),
    );
    if (options.json === true) {
      console.log(jsonLine({ ...result, dryRun }));
      return;
    }
    const verb = dryRun ? 'would delete' : 'deleted';
    for (const day of result.held) console.log(`${day} is under legal hold and stays`);
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
