/**
 * `sightglass audit verify`: proves that what is recorded is what was recorded, or names the first row that is not. Works offline,
 * on a copy, with the public key alone. Exit 0 when everything fits, 1 when anything does not.
 */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Client } from 'pg';
import { Command } from 'commander';
import { auditKeyDir, readAuditPublicKey } from '../../../ca/audit-key.ts';
import { verifyBundle } from '../../audit/evidence/verify.ts';
import type { BundleReport } from '../../audit/evidence/verify.ts';
import { isoTime, jsonLine, visible } from '../../audit/export/lines.ts';
import { LastSigned } from '../../audit/last-signed.ts';
import { auditDir, LAST_SIGNED } from '../../audit/recorder.ts';
import { keyIdOf } from '../../audit/statement.ts';
import { withConnection } from '../../audit/store/postgres/connection.ts';
import { listDays } from '../../audit/store/schema.ts';
import { verifyDay } from '../../audit/verify/day.ts';
import type { VerifyOptions } from '../../audit/verify/day.ts';
import type { DayReport } from '../../audit/verify/walk.ts';
import type { Finding } from '../../audit/verify/finding.ts';
import { fleetStatements, verifyFleet } from '../../audit/verify/fleet.ts';
import { dayFileStatements, verifyStore, verifyWitness } from '../../audit/verify/store.ts';
import type { DayStatements, StoreReport } from '../../audit/verify/store.ts';
import { CONTROL_DB_FILE } from '../../control/control-db.ts';
import { readTarget, STORE_SETTINGS } from '../../control/fleet.ts';
import { isTrailChained, verifyTrail } from '../../control/trail-chain.ts';
import type { TrailReport } from '../../control/trail-chain.ts';
import { loadSettings } from '../../settings/load.ts';
import { addProgress, Progress } from '../progress.ts';
import type { ProgressOptions } from '../progress.ts';
import { addSettingsFlags } from '../settings-flags.ts';
import { UsageError } from '../usage-error.ts';

interface Options extends ProgressOptions {
  day?: string;
  key?: string[];
  witness?: string;
  dir?: string;
  file?: string;
  json?: boolean;
}

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Verify the recorded rows against their chain, signatures and seals.')
    .option('--day <DAY>', 'only this day, 2026-11-20')
    .option(
      '--key <PUB>',
      'file with the public key (PEM); the data directory’s own when left out; several for a database that several collectors write',
      (file: string, files: string[] = []) => [...files, file],
    )
    .option(
      '--dir <DIR>',
      'folder of day files, such as an archive; the store that the settings name when left out',
    )
    .option(
      '--file <EXPORT>',
      'verify an evidence bundle, a folder or a zip, that `search --evidence` or the console wrote',
    )
    .option(
      '--witness <FILE>',
      'compare with the copy of the checkpoints that audit.witness-file kept outside',
    )
    .option('--json', 'print the report as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(addProgress(command), [...STORE_SETTINGS]);
  return command.action(async (options: Options) => {
    const settings = loadSettings(input());
    const dataDir = settings['data-dir'];
    const keys = options.key?.map(file => publicKey(dataDir, file)) ?? [publicKey(dataDir, undefined)];
    const [key] = keys;
    if (key === undefined) return;
    if (options.file !== undefined) {
      tellBundle(verifyBundle(options.file, key), options);
      return;
    }
    const target = options.dir === undefined ? readTarget(settings) : null;
    const report =
      target === null
        ? await verifyFiles(options.dir ?? auditDir(dataDir), key, options)
        : await withConnection(target, client => verifyDatabase(client, keys, dataDir, options));
    if (options.dir === undefined && options.day === undefined) addTrail(dataDir, key, report);
    if (options.json === true) console.log(jsonLine({ key: keyIdOf(key), ...report }));
    else tell(report);
    if (!report.ok) process.exitCode = 1;
  });
}

/** The key to verify with: given, or the data directory's own, which proves less: who can change the rows may change it too. */
export function publicKey(dataDir: string, file: string | undefined): KeyObject {
  if (file === undefined) {
    const own = readAuditPublicKey(auditKeyDir(dataDir));
    if (own === null)
      throw new UsageError(
        'There is no audit key in this data directory.',
        'Name the public key with --key; `sightglass audit key` prints it where the records were made.',
        1,
      );
    return own.publicKey;
  }
  try {
    const key = createPublicKey(fs.readFileSync(file, 'utf8'));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
  }
  throw new UsageError(`${file} holds no Ed25519 public key.`, '`sightglass audit key` prints it as PEM.');
}

interface Report {
  ok: boolean;
  days: DayReport[];
  findings: Finding[];
  waiting: string[];
  witnessed: number | null;
  /** The trail of what people did; null when it was not looked at. */
  trail: Omit<TrailReport, 'findings'> | null;
}

/** Verify the trail beside the records, when there is one. */
function addTrail(dataDir: string, key: KeyObject, report: Report): void {
  const file = path.join(dataDir, CONTROL_DB_FILE);
  if (!fs.existsSync(file)) return;
  const db = new Database(file, { readonly: true, timeout: 5000 });
  try {
    if (!isTrailChained(db)) return;
    const { findings, ...rest } = verifyTrail(db, key);
    report.trail = rest;
    report.findings.push(...findings);
    report.ok = report.findings.length === 0;
  } finally {
    db.close();
  }
}

/** Verify the days of a folder, or one of them. */
async function verifyFiles(dir: string, key: KeyObject, options: Options): Promise<Report> {
  const progress = new Progress(options);
  const days = listDays(dir);
  const { day } = options;
  if (day !== undefined && !days.includes(day))
    throw new UsageError(
      `There is no day file of ${visible(day)} in ${dir}.`,
      'Without --day everything is verified.',
    );
  const onProgress = tellDays(progress, days, options);
  const found =
    day === undefined
      ? verifyStore(dir, key, { onProgress })
      : { days: [verifyDay(dir, day, key, { onProgress })], findings: [], waiting: [] };
  progress.end();
  return reportOf(found, dayFileStatements(dir), [key], options);
}

/** Verify a fleet's store, or one day of it, and whether it has what this machine signed last. */
async function verifyDatabase(
  client: Client,
  keys: readonly KeyObject[],
  dataDir: string,
  options: Options,
): Promise<Report> {
  const progress = new Progress(options);
  const { day } = options;
  const found = await verifyFleet(client, keys, {
    ...(day === undefined ? {} : { day }),
    last: new LastSigned(path.join(auditDir(dataDir), LAST_SIGNED)).read(),
    onProgress: tellDays(progress, null, options),
  });
  progress.end();
  if (day !== undefined && found.days.length === 0)
    throw new UsageError(
      `The database has no rows of ${visible(day)}.`,
      'Without --day everything is verified.',
    );
  return reportOf(found, fleetStatements(client, keys), keys, options);
}

function tellDays(
  progress: Progress,
  days: readonly string[] | null,
  options: Options,
): NonNullable<VerifyOptions['onProgress']> {
  return (day, done, of) => {
    const which =
      days === null || options.day !== undefined ? '' : ` (${days.indexOf(day) + 1} of ${days.length})`;
    progress.tell({ at: `${day}${which}`, done, of, unit: 'rows' });
  };
}

/** What was found, and what the witness says to it. */
async function reportOf(
  { days, findings, waiting }: StoreReport,
  statements: DayStatements,
  keys: readonly KeyObject[],
  options: Options,
): Promise<Report> {
  const all = [...days.flatMap(d => d.findings), ...findings];
  let witnessed: number | null = null;
  if (options.witness !== undefined) {
    const witness = await verifyWitness(statements, options.witness, keys);
    witnessed = witness.compared;
    all.push(...witness.findings);
  }
  return { ok: all.length === 0, days, findings: all, waiting, witnessed, trail: null };
}

function tell({ ok, days, findings, waiting, witnessed, trail }: Report): void {
  for (const d of days) {
    const facts = [
      `${d.rows} rows`,
      `${d.checkpoints} checkpoints`,
      d.sealed ? 'sealed' : d.unsigned > 0 ? `${d.unsigned} rows not signed yet` : '',
      d.unchained > 0 ? `${d.unchained} rows from before the chain, not covered` : '',
      d.signedAt === null ? '' : `last signed ${isoTime(d.signedAt)}`,
    ].filter(text => text !== '');
    console.log(`${d.day}  ${d.findingCount === 0 ? 'ok ' : 'BAD'}  ${facts.join(', ')}`);
  }
  for (const day of waiting) console.log(`${day}  is over and not sealed yet`);
  if (trail !== null)
    console.log(
      `trail: ${trail.lines} lines, ${trail.checkpoints} checkpoints, ${trail.unsigned} not signed yet, ${trail.unchained} from before the chain`,
    );
  if (witnessed !== null) console.log(`witness: ${witnessed} checkpoints compared`);
  for (const f of findings) console.log(findingLine(f));
  const hidden = days.reduce((sum, d) => sum + d.findingCount - d.findings.length, 0);
  if (hidden > 0) console.log(`… and ${hidden} more`);
  if (ok) console.log('everything fits');
  else
    console.error(`sightglass: ${findings.length + hidden} findings; the first: ${findings[0]?.text ?? ''}`);
}

function tellBundle(report: BundleReport, options: Options): void {
  const { manifest, rows, proven, findings } = report;
  if (findings.length > 0) process.exitCode = 1;
  if (options.json === true) {
    console.log(jsonLine({ ok: findings.length === 0, ...report }));
    return;
  }
  if (manifest !== null) {
    const { made, by, query, kind, unsigned, unchained } = manifest;
    console.log(visible(`${kind} "${query}", exported ${made} by ${by}`));
    console.log(`${rows} rows, ${proven} proven up to a signed checkpoint`);
    if (rows === manifest.limit) console.log(`no more than the newest ${rows} were asked for`);
    if (unsigned + unchained > 0)
      console.log(
        `${unsigned} newer than the last checkpoint and ${unchained} not in the chain of this key: not proven`,
      );
  }
  for (const f of findings) console.log(findingLine(f));
  if (findings.length === 0) console.log('everything fits');
  else
    console.error(`sightglass: ${findings.length} findings; the first: ${visible(findings[0]?.text ?? '')}`);
}

/** One finding in one line: what, where, which row, when. */
export function findingLine(f: Finding): string {
  const row = f.id === null ? '' : ` ${f.kind ?? ''} ${f.id}`;
  const seq = f.seq === null ? '' : ` #${f.seq}`;
  const time = f.time === null || Number.isNaN(f.time) ? '' : ` of ${isoTime(f.time)}`;
  return visible(`${f.problem.toUpperCase()} ${f.day}${seq}${row}${time}: ${f.text}`);
}
