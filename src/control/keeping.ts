/**
 * Which days stay and which go, behind one face for every kind of store: day files of this machine, or the partitions of a
 * database. A machine that only ships its records keeps none, and says where they are.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { auditDir } from '../audit/recorder.ts';
import { retain } from '../audit/retention.ts';
import { withConnection } from '../audit/store/postgres/connection.ts';
import { retainDays } from '../audit/store/postgres/days.ts';
import { holds as storedHolds } from '../audit/store/postgres/holds.ts';
import type { Dropping, Retention, RetentionLimits } from '../audit/retention.ts';
import type { Signer } from '../audit/statement.ts';
import { CONTROL_DB_FILE, openControlDb } from './control-db.ts';
import type { ControlDb } from './control-db.ts';
import { FleetHolds } from './fleet-holds.ts';
import { readTarget, writeTarget } from './fleet.ts';
import type { StoreSettings } from './fleet.ts';
import { HoldError, Holds } from './holds.ts';
import type { Hold, HoldBook } from './holds.ts';
import { Trail } from './trail.ts';

export interface RetainOptions extends RetentionLimits {
  dryRun: boolean;
  /** Signs what stays of a day file; null where nobody may. Asked for when something may go. */
  signer: () => Signer | null;
  /** Told of each drop, before it. */
  onDrop: (drop: Dropping) => void;
  /** ms since epoch. */
  now: number;
}

export interface Keeping {
  holds: HoldBook;
  /** Apply the limits, oldest day first: held days, attached ones and the newest stay. */
  retain(options: RetainOptions): Promise<Retention>;
}

/** Where a machine that keeps no records says to look. */
export const KEPT_ELSEWHERE = {
  message: 'This machine keeps no records: it ships them to a collector.',
  hint: 'Ask there, or set audit.store: sqlite to keep day files here too.',
};

/** The keeping of the store that this machine writes. `db` has the trail, and the holds on day files. */
export function openKeeping(settings: StoreSettings, db: ControlDb): Keeping {
  const trail = new Trail(db);
  const target = writeTarget(settings);
  if (target !== null)
    return {
      holds: new FleetHolds(target, trail),
      retain: ({ signer, ...options }) =>
        withConnection(target, client =>
          retainDays(client, { ...options, signer: options.dryRun ? null : signer() }),
        ),
    };
  if (settings['audit.store'] === 'none') return KEPT_NOWHERE;
  const holds = new Holds(db, trail);
  return {
    holds,
    retain: async ({ signer, ...options }) =>
      retain({
        ...options,
        dir: auditDir(settings['data-dir']),
        held: day => holds.on(day) !== null,
        signer: options.dryRun ? null : signer(),
      }),
  };
}

/** Holds on the days that this machine searches; changes nothing, and makes nothing where there is none yet. */
export async function readHolds(settings: StoreSettings): Promise<Hold[]> {
  const target = readTarget(settings);
  if (target !== null) return withConnection(target, storedHolds);
  if (!existsSync(join(settings['data-dir'], CONTROL_DB_FILE))) return [];
  const db = openControlDb(settings['data-dir']);
  try {
    return await openKeeping(settings, db).holds.list();
  } finally {
    db.close();
  }
}

const refuse = async (): Promise<never> => {
  throw new HoldError(KEPT_ELSEWHERE.message, KEPT_ELSEWHERE.hint);
};
const KEPT_NOWHERE: Keeping = { holds: { add: refuse, lift: refuse, list: () => [] }, retain: refuse };
