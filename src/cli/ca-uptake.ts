/**
 * `sightglass ca uptake`: which clients accept our certificates, under which root, from what was recorded; and the measure by
 * which `ca rotate --switch` decides. Reads the store alone, with or without a running proxy.
 */
import { Command } from 'commander';
import { storedChains } from '../../ca/roots.ts';
import type { TrustShare } from '../../ca/rotation.ts';
import { describeLife } from '../../ca/life.ts';
import { jsonLine, visible } from '../audit/export/lines.ts';
import { parseTime, TIME_HINT } from '../audit/query/time.ts';
import { share, sharesOf } from '../audit/uptake.ts';
import type { UptakeShares } from '../audit/uptake.ts';
import type { Uptake, UptakeRow } from '../audit/store/history.ts';
import { STORE_SETTINGS, withHistory } from '../control/fleet.ts';
import type { StoreSettings } from '../control/fleet.ts';
import { placeOf } from './ca-place.ts';
import { UsageError } from './usage-error.ts';

/** What counts for a switch: a week holds the machines of part-time workers and of a long weekend. */
const WINDOW_MS = 7 * 86_400_000;
const SHOWN = 50;

/** The measure of `ca rotate --switch`: the last seven days. */
export function measureTrust(records: StoreSettings, rootSha256: string): Promise<TrustShare | null> {
  return withHistory(records, history => share(history, rootSha256, WINDOW_MS, Date.now()));
}

export function uptakeCommand(): Command {
  const command = new Command('uptake')
    .description(
      'Which clients accept our certificates, under which root, and which refuse. From the records.',
    )
    .option('--since <TIME>', 'only flows that began at or after this time', '7d')
    .option('--limit <N>', 'rows to print', String(SHOWN))
    .option('--json', 'print it as JSON, all rows')
    .allowExcessArguments(false);
  const place = placeOf(command, STORE_SETTINGS);
  return command.action(async (options: { since: string; limit: string; json?: boolean }) => {
    const now = Date.now();
    const since = parseTime(options.since, now);
    if (since === null) throw new UsageError(`--since "${visible(options.since)}" is no time`, TIME_HINT);
    const limit = /^[1-9]\d{0,6}$/.test(options.limit) ? Number(options.limit) : NaN;
    if (Number.isNaN(limit))
      throw new UsageError(
        `--limit "${visible(options.limit)}" is no number of rows`,
        'Write a whole number from 1 on.',
      );
    const { dir, records } = place();
    const uptake = await withHistory(records, history => history.uptake({ since, until: now + 1 }));
    const shares = sharesOf(uptake);
    if (options.json === true) console.log(jsonLine({ ...shares, ...uptake }));
    else for (const line of linesOf(uptake, shares, rolesOf(dir), limit)) console.log(line);
  });
}

/** What each root is to us; an authority that cannot be read tells nothing. */
function rolesOf(dir: string): Map<string, string> {
  try {
    storedChains(dir);
    const life = describeLife(dir);
    return new Map([
      ...life.retired.map(root => [root.sha256, 'given up'] as const),
      ...life.roots.map(root => [root.sha256, root.role] as const),
    ]);
  } catch {
    return new Map();
  }
}

function linesOf(
  uptake: Uptake,
  { clients, roots }: UptakeShares,
  roles: ReadonlyMap<string, string>,
  limit: number,
): string[] {
  const from = `${new Date(uptake.since).toISOString().slice(0, 16).replace('T', ' ')}Z`;
  const warned = [
    ...uptake.unread.map(day => `day ${day} cannot be read and is left out`),
    ...(uptake.left === 0 ? [] : [`${uptake.left} flows of further clients are left out`]),
  ];
  if (clients === 0)
    return [
      `no client was shown a certificate since ${from}`,
      'Lead one through the proxy (sightglass ca kit --out DIR), then look again.',
      ...warned,
    ];
  const named = (root: string | null): string =>
    root === null ? 'unknown' : `${root.slice(0, 16)} ${roles.get(root) ?? 'not ours now'}`;
  const rows = uptake.rows.slice(0, limit);
  return [
    `${clients} clients since ${from}`,
    ...[...roots].map(
      r =>
        `  root ${named(r.root)}: ${r.accepting} accept (${Math.floor((100 * r.accepting) / clients)} %), ${r.refusing} only refuse`,
    ),
    ...[...roles]
      .filter(([root, role]) => role !== 'given up' && !roots.some(r => r.root === root))
      .map(([root]) => `  root ${named(root)}: nobody was asked yet`),
    '',
    `${'CLIENT'.padEnd(24)} ${'USER'.padEnd(16)} ${'SOFTWARE (JA4)'.padEnd(37)} ${'ROOT'.padEnd(16)} ACCEPTED REFUSED LAST`,
    ...rows.map(rowLine),
    ...(uptake.rows.length > limit ? [`and ${uptake.rows.length - limit} more; --limit shows them`] : []),
    ...warned,
  ];
}

function rowLine(row: UptakeRow): string {
  return [
    visible(row.client).padEnd(24),
    visible(row.user ?? '-').padEnd(16),
    visible(row.ja4 ?? '-').padEnd(37),
    (row.root ?? 'unknown').slice(0, 16).padEnd(16),
    String(row.accepted).padStart(8),
    String(row.refused).padStart(7),
    new Date(row.last).toISOString().slice(0, 16) + 'Z',
  ].join(' ');
}
