/**
 * From settings to what carries the records and where they are searched: this machine's day files, a PostgreSQL, a collector. Says
 * what does not fit together before anything starts.
 */
import { withFleetSource } from '../audit/evidence/fleet-source.ts';
import { dayFiles } from '../audit/evidence/source.ts';
import { auditDir } from '../audit/recorder.ts';
import { DayHistory } from '../audit/store/day-history.ts';
import { PostgresHistory } from '../audit/store/postgres/history.ts';
import { PostgresStore } from '../audit/store/postgres/postgres.ts';
import { openStore } from '../audit/store/sqlite.ts';
import { parsePostgresUrl } from '../core/postgres-address.ts';
import type { EvidenceSource } from '../audit/evidence/source.ts';
import type { FleetMode, ListenData } from '../audit/fleet/fleet-data.ts';
import type { TlsFiles } from '../audit/fleet/link.ts';
import type { PostgresTarget } from '../audit/store/postgres/connect.ts';
import type { AuditHistory } from '../audit/store/history.ts';
import type { AuditStore } from '../audit/store/store.ts';
import type { Settings } from '../settings/catalogue.ts';
import { SettingsContradiction } from '../settings/contradiction.ts';

export interface FleetPlan {
  /** Keep day files on this machine. */
  local: boolean;
  /** Take connections of clients. */
  proxies: boolean;
  name: string;
  /** What happens to the spool beside that; null for nothing. */
  mode: FleetMode | null;
}

type FleetSettings = Pick<
  Settings,
  | 'role'
  | 'audit.store'
  | 'audit.store-password-file'
  | 'audit.retain-days'
  | 'audit.retain-size'
  | 'fleet.name'
  | 'fleet.collector'
  | 'fleet.listen'
  | 'fleet.proxies'
  | 'fleet.certificate'
  | 'fleet.key'
  | 'fleet.ca'
>;

/** What the settings ask for. Throws SettingsContradiction. */
export function fleetPlan(settings: FleetSettings): FleetPlan {
  const store = settings['audit.store'];
  const collector = settings['fleet.collector'];
  const listen = settings['fleet.listen'];
  const inDatabase = store !== 'sqlite' && store !== 'none';
  const collects = settings.role === 'collector';
  if (collects && (listen === null || !inDatabase))
    throw new SettingsContradiction(
      'role: collector needs fleet.listen and a PostgreSQL as audit.store',
      'docs/fleet.md sets one up step by step.',
    );
  if (!collects && listen !== null)
    throw new SettingsContradiction(
      'fleet.listen belongs to a collector',
      'Set role: collector, or leave fleet.listen out.',
    );
  if (collector !== null && inDatabase)
    throw new SettingsContradiction(
      'fleet.collector and a PostgreSQL as audit.store exclude each other: the records would be there twice',
      'A proxy that ships sets audit.store to sqlite or none.',
    );
  if (store === 'none' && collector === null)
    throw new SettingsContradiction(
      'audit.store: none keeps records nowhere',
      'Set fleet.collector to ship them, or audit.store: sqlite.',
    );
  const base = { local: store === 'sqlite', proxies: !collects, name: settings['fleet.name'] };
  if (collector !== null) return { ...base, mode: { kind: 'ship', url: collector, tls: tlsOf(settings) } };
  if (!inDatabase) return { ...base, mode: null };
  const listening: ListenData | null =
    listen === null ? null : { listen, tls: tlsOf(settings), allowed: settings['fleet.proxies'] };
  return {
    ...base,
    mode: {
      kind: 'store',
      target: { address: parsePostgresUrl(store), passwordFile: settings['audit.store-password-file'] },
      listen: listening,
      limits: { days: settings['audit.retain-days'], maxBytes: settings['audit.retain-size'] },
    },
  };
}

function tlsOf(settings: FleetSettings): TlsFiles {
  const { 'fleet.certificate': certificate, 'fleet.key': key, 'fleet.ca': ca } = settings;
  if (certificate === null || key === null || ca === null)
    throw new SettingsContradiction(
      'a fleet needs fleet.certificate, fleet.key and fleet.ca',
      'docs/fleet.md makes them with openssl.',
    );
  return { certificate, key, ca };
}

/** Settings that say where records are searched; for verbs that take only some. */
export const STORE_SETTINGS = [
  'data-dir',
  'audit.store',
  'audit.store-password-file',
  'audit.store-read',
  'audit.store-read-password-file',
  'fleet.name',
] as const;
export type StoreSettings = Pick<Settings, (typeof STORE_SETTINGS)[number]>;

/** Those settings alone, as a thread is told them. */
export const storeSettings = (settings: StoreSettings): StoreSettings => ({
  'data-dir': settings['data-dir'],
  'audit.store': settings['audit.store'],
  'audit.store-password-file': settings['audit.store-password-file'],
  'audit.store-read': settings['audit.store-read'],
  'audit.store-read-password-file': settings['audit.store-read-password-file'],
  'fleet.name': settings['fleet.name'],
});

/** Where this machine searches: PostgreSQL with the reading role if there is one, else its own day files. */
export function openAuditStore(settings: StoreSettings, options: { thread?: boolean } = {}): AuditStore {
  const target = readTarget(settings);
  if (target !== null) return new PostgresStore(target);
  return openStore({ dir: auditDir(settings['data-dir']), proxy: settings['fleet.name'], ...options });
}

/** The same records from their beginning, for replays, counts and learning. Works in the calling thread. */
export function openAuditHistory(settings: StoreSettings): AuditHistory {
  const target = readTarget(settings);
  return target === null ? new DayHistory(auditDir(settings['data-dir'])) : new PostgresHistory(target);
}

/** Ask that for one piece of work. */
export async function withHistory<T>(
  settings: StoreSettings,
  work: (history: AuditHistory) => Promise<T>,
): Promise<T> {
  const history = openAuditHistory(settings);
  try {
    return await work(history);
  } finally {
    await history.close();
  }
}

/** Ask what evidence bundles are made of, as far as the machine of this key vouches for it, for one piece of work. */
export function withEvidence<T>(
  settings: StoreSettings,
  key: string,
  work: (source: EvidenceSource) => Promise<T>,
): Promise<T> {
  const target = readTarget(settings);
  return target === null
    ? work(dayFiles(auditDir(settings['data-dir'])))
    : withFleetSource(target, key, work);
}

/** Where that is, in words: a folder, or a database without who asks it. */
export function recordsPlace(settings: StoreSettings): string {
  const target = readTarget(settings);
  if (target === null) return auditDir(settings['data-dir']);
  const { host, port, database } = target.address;
  return `the database ${database} at ${host}:${port}`;
}

/** Where this machine searches when that is a database, with the role that reads; else null. */
export function readTarget(settings: StoreSettings): PostgresTarget | null {
  const read = settings['audit.store-read'];
  if (read === null) return writeTarget(settings);
  return { address: parsePostgresUrl(read), passwordFile: settings['audit.store-read-password-file'] };
}

/** Whether the records that this machine searches are those that it writes, and so its to keep. */
export function keepsRecords(settings: StoreSettings): boolean {
  if (settings['audit.store'] === 'none') return false;
  return settings['audit.store-read'] === null || writeTarget(settings) !== null;
}

/** Where this machine writes when that is a database; else null. */
export function writeTarget(settings: StoreSettings): PostgresTarget | null {
  const store = settings['audit.store'];
  if (store === 'sqlite' || store === 'none') return null;
  return { address: parsePostgresUrl(store), passwordFile: settings['audit.store-password-file'] };
}
