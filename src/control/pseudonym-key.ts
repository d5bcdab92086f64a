/**
 * The key of the pseudonyms of the present period, in `<data-dir>/privacy/period.json`, mode 0600. It is made once, and turned
 * into the next one when a period is over; the file is then replaced, so the key of a past period is nowhere any more.
 *
 * A file that cannot be read is an error and never replaced silently: another key would give everybody another pseudonym
 * in the middle of a period.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyAt, periodOf } from '../audit/pseudonym.ts';
import type { PeriodKey } from '../audit/pseudonym.ts';
import { officerKey } from '../audit/sealed-name.ts';
import type { Settings } from '../settings/catalogue.ts';

/** What a worker needs to write pseudonyms. */
export interface PseudonymStart {
  users: boolean;
  clients: boolean;
  days: number;
  period: number;
  key: Uint8Array;
  /** Public key of the data-protection officer, PEM. */
  officer: string;
}

/** Told by the command line as a sentence and a hint. */
export class PrivacyError extends Error {
  override readonly name = 'PrivacyError';
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** What workers are told, or null when everything is written in clear. Throws PrivacyError when the key is not usable. */
export function openPseudonyms(settings: Settings, now: number): PseudonymStart | null {
  const users = settings['privacy.users'] === 'pseudonym';
  const clients = settings['privacy.clients'] === 'pseudonym';
  if (!users && !clients) return null;
  const file = settings['privacy.officer-key'];
  const hint =
    '`sightglass audit officer-key` makes a pair; the private half stays with the data-protection officer.';
  if (file === null)
    throw new PrivacyError(
      'Pseudonyms need privacy.officer-key: the names behind them are sealed to it.',
      hint,
    );
  const officer = readFileSync(file, 'utf8');
  try {
    officerKey(officer);
  } catch (error) {
    throw new PrivacyError(`${file}: ${error instanceof Error ? error.message : String(error)}.`, hint);
  }
  const dir = join(settings['data-dir'], 'privacy');
  const { days, period, key } = periodKey(dir, settings['privacy.period-days'], now);
  return { users, clients, days, period, key, officer };
}

/** The key of the present period, from its file or newly made. */
export function periodKey(dir: string, days: number, now: number): PeriodKey {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, 'period.json');
  const stored = readKey(file);
  // Another length of period means other periods: their pseudonyms have nothing to do with those before.
  const known = stored?.days === days ? stored : null;
  const key = known === null ? fresh(days, now) : keyAt(known, now);
  if (known === null || key.period !== known.period) {
    const text = JSON.stringify({ days, period: key.period, key: key.key.toString('base64') });
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    chmodSync(`${file}.new`, 0o600);
    renameSync(`${file}.new`, file);
  }
  return key;
}

const fresh = (days: number, now: number): PeriodKey => ({
  days,
  period: periodOf(now, days),
  key: randomBytes(32),
});

function readKey(file: string): PeriodKey | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const damaged = new PrivacyError(
    `${file} is damaged: the pseudonyms of this period cannot be continued.`,
    'Restore it from a backup, or remove it: everybody then gets another pseudonym.',
  );
  let value: { days?: unknown; period?: unknown; key?: unknown };
  try {
    value = (JSON.parse(text) ?? {}) as typeof value;
  } catch {
    throw damaged;
  }
  const { days, period, key } = value;
  if (typeof days !== 'number' || typeof period !== 'number' || typeof key !== 'string') throw damaged;
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length !== 32) throw damaged;
  return { days, period, key: bytes };
}
