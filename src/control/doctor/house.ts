/** What lies in the data directory: policy, key, disk, spool and fetched lists. Reads only; the one file it writes it removes. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAuthority } from '../../../ca/authority.ts';
import { readStored } from '../../../ca/key-file.ts';
import { findPassphrase } from '../../../ca/passphrase.ts';
import { AuthorityRefusal } from '../../../ca/refusal.ts';
import { isEncrypted } from '../../../ca/unlock.ts';
import { spoolDir } from '../../audit/recorder.ts';
import type { AuditStore } from '../../audit/store/store.ts';
import { loadPolicyFile, problemText, type LoadedPolicy, type RefusedPolicy } from '../../policy/load.ts';
import { copiesDir } from '../../policy/sources.ts';
import { isDataDirHeld } from '../orphans.ts';
import { listStates } from '../policy-sources.ts';
import { policyFileOf } from '../../settings/policy-file.ts';
import { answer, type Answer } from './answer.ts';
import { words, type Patient } from './patient.ts';

const DAY_MS = 86_400_000;
const MiB = 1024 * 1024;
/** Below this share or this much of the disk the next days are at risk. */
const LOW_SHARE = 0.05;
const LOW_BYTES = 1024 * MiB;
/** A segment of the spool and a transaction of the store must always find room. */
const FULL_BYTES = 64 * MiB;
/** A running recorder takes this much in a few seconds. */
const BEHIND_BYTES = 64 * MiB;
/** What Linux calls ready since 5.18 is 256 and stays there. */
const MIN_ENTROPY = 128;
const ENDING_DAYS = 90;
/** Problems of a policy shown; the rest is counted. */
const MAX_SHOWN = 10;

/** The policy as the file says it now, loaded once for all checks that ask about it. */
export interface PolicySeen {
  file: string;
  /** Null when there is no such file. */
  loaded: LoadedPolicy | RefusedPolicy | null;
}

export async function seePolicy({ settings }: Pick<Patient, 'settings'>): Promise<PolicySeen> {
  const file = policyFileOf(settings);
  return { file, loaded: existsSync(file) ? await loadPolicyFile(file, { emptyWithoutCopy: true }) : null };
}

export function askPolicy({ file, loaded }: PolicySeen): Answer[] {
  if (loaded === null) return [answer('policy-absent', `${file} does not exist.`)];
  if (loaded.ok)
    return [
      answer('policy-good', `${file} is sound.`, [
        `version ${loaded.compiled.version}, ${loaded.document.rules.length} rules, ${Object.keys(loaded.document.lists).length} lists`,
      ]),
    ];
  const shown = loaded.problems.slice(0, MAX_SHOWN).map(problemText);
  const more = loaded.problems.length - shown.length;
  return [
    answer(
      'policy-refused',
      `${file} cannot be applied.`,
      more === 0 ? shown : [...shown, `and ${more} more`],
    ),
  ];
}

/** `entropyFile` is the kernel's; elsewhere than on Linux there is none, and nothing is said about it. */
export function askKey(
  { settings, now }: Patient,
  entropyFile = '/proc/sys/kernel/random/entropy_avail',
): Answer[] {
  const answers: Answer[] = [];
  const entropy = existsSync(entropyFile) ? Number(readFileSync(entropyFile, 'utf8')) : null;
  if (entropy !== null && entropy < MIN_ENTROPY)
    answers.push(
      answer('key-random', 'The kernel has not gathered enough randomness for keys.', [
        `${entropy} bits available`,
      ]),
    );
  const dir = join(settings['data-dir'], 'ca');
  try {
    const stored = readStored(dir);
    if (stored === null) return [...answers, answer('key-absent', `There is no authority in ${dir} yet.`)];
    const certificate = new X509Certificate(stored.certificatePem);
    const evidence = [
      `${certificate.subject.replaceAll('\n', ', ')}, until ${new Date(certificate.validTo).toISOString().slice(0, 10)}`,
      `SHA-256 ${certificate.fingerprint256}`,
    ];
    const found = isEncrypted(stored.keyPem)
      ? findPassphrase(settings['ca.passphrase-file'], { ...process.env })
      : null;
    if (found !== null) openAuthority({ dir, passphrase: found.passphrase });
    const left = (Date.parse(certificate.validTo) - now()) / DAY_MS;
    if (left < ENDING_DAYS)
      answers.push(answer('key-ending', `The CA certificate ends in ${Math.floor(left)} days.`, evidence));
    if (!isEncrypted(stored.keyPem))
      answers.push(
        answer('key-plain', 'The CA key is readable for its user only, but not encrypted.', evidence),
      );
    else if (left >= ENDING_DAYS)
      answers.push(answer('key-good', 'The CA key is encrypted, and the authority is sound.', evidence));
  } catch (error) {
    if (!(error instanceof AuthorityRefusal)) throw error;
    answers.push(answer('key-refused', error.message, [error.hint]));
  }
  return answers;
}

export function askDisk({ settings }: Patient): Answer[] {
  const dir = settings['data-dir'];
  if (!existsSync(dir)) return [answer('disk-absent', `${dir} does not exist yet.`)];
  const probe = join(dir, `.doctor-${randomBytes(6).toString('hex')}`);
  let refused: string | null = null;
  try {
    writeFileSync(probe, Buffer.alloc(4096), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    refused = words(error);
  } finally {
    rmSync(probe, { force: true });
  }
  const { bavail, blocks, bsize } = statfsSync(dir);
  const [free, whole] = [bavail * bsize, blocks * bsize];
  const evidence = [`${mib(free)} MiB of ${mib(whole)} MiB free at ${dir}`];
  if (refused !== null && refused !== 'ENOSPC')
    return [answer('disk-readonly', `${dir} cannot be written (${refused}).`, evidence)];
  if (refused !== null || free < FULL_BYTES)
    return [answer('disk-full', `The disk of ${dir} is full.`, evidence)];
  if (free < LOW_BYTES || free < LOW_SHARE * whole)
    return [answer('disk-low', `The disk of ${dir} is nearly full.`, evidence)];
  return [answer('disk-good', `There is room at ${dir}.`, evidence)];
}

export async function askSpool(
  { settings }: Patient,
  store: Pick<AuditStore, 'spoolLag'>,
): Promise<Answer[]> {
  const dir = settings['data-dir'];
  const { segments, bytes, lagBytes } = await store.spoolLag(spoolDir(dir));
  const evidence = [
    `${segments} segments, ${mib(bytes)} MiB, of which ${lagBytes} bytes are not in the store yet`,
  ];
  if (!isDataDirHeld(dir))
    return lagBytes === 0
      ? [answer('spool-good', 'Every record is in the store.', evidence)]
      : [answer('spool-waiting', 'Records wait in the spool, and the service does not run.', evidence)];
  if (lagBytes > BEHIND_BYTES)
    return [answer('spool-behind', 'The store is far behind the spool.', evidence)];
  return [answer('spool-good', 'The recorder keeps up.', evidence)];
}

export async function askLists({ settings, now }: Patient, { loaded }: PolicySeen): Promise<Answer[]> {
  const copies = copiesDir(join(settings['data-dir'], 'policy'));
  const states = loaded?.ok === true ? await listStates(loaded.document, copies, now()) : [];
  if (states.length === 0) return [answer('list-none', 'The policy fetches and learns no lists.')];
  const line = (s: (typeof states)[number]): string =>
    `${s.name}: ${s.age === null ? 'never fetched' : `last current ${(s.age / 3_600_000).toFixed(1)} h ago`}${s.failed === null ? '' : `; ${s.failed.message}`}`;
  const stale = states.filter(s => s.alarm);
  return stale.length === 0
    ? [answer('list-fresh', `All ${states.length} fetched or learned lists are fresh.`, states.map(line))]
    : [answer('list-stale', `${stale.length} of ${states.length} lists are stale.`, stale.map(line))];
}

const mib = (bytes: number): string => (bytes / MiB).toFixed(0);
