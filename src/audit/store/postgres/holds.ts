/**
 * Legal holds in a fleet's store: beside the days that they keep, so that they bind every collector on the database. A hold that
 * was laid is lifted and never deleted; the writing role has no right to.
 *
 * Whoever changes one hands in what else must happen (`beside`, the line in the trail): it is called when the change is made and
 * before it is committed, and when it throws there was no change.
 */
import type { Client } from 'pg';
import { restoredRow, storable } from './text.ts';

export interface StoredHold {
  id: number;
  /** First and last day, inclusive. */
  first: string;
  last: string;
  reason: string;
  by: string;
  /** ms since epoch. */
  created: number;
  lifted: number | null;
  liftedBy: string | null;
}

/** All holds, newest first. */
export async function holds(client: Client): Promise<StoredHold[]> {
  const { rows } = await client.query<StoredHold>(
    'SELECT id, first, last, reason, made_by AS "by", created, lifted, lifted_by AS "liftedBy" FROM hold ORDER BY id DESC',
  );
  return rows.map(restoredRow);
}

/** Lay a hold. The days and the reason are looked at already. */
export function addHold(
  client: Client,
  hold: Pick<StoredHold, 'first' | 'last' | 'reason' | 'by' | 'created'>,
  beside: (id: number) => void,
): Promise<number> {
  return changed(client, async () => {
    const { rows } = await client.query<{ id: number }>(
      'INSERT INTO hold (first, last, reason, made_by, created) VALUES ($1, $2, $3, $4, $5) RETURNING id',
      [hold.first, hold.last, storable(hold.reason), storable(hold.by), hold.created],
    );
    const id = rows[0]?.id ?? 0;
    beside(id);
    return id;
  });
}

/** Lift a hold. False when there is none of that number that still holds. */
export function liftHold(
  client: Client,
  lift: { id: number; by: string; at: number },
  beside: () => void,
): Promise<boolean> {
  return changed(client, async () => {
    const { rowCount } = await client.query(
      'UPDATE hold SET lifted = $1, lifted_by = $2 WHERE id = $3 AND lifted IS NULL',
      [lift.at, storable(lift.by), lift.id],
    );
    if (rowCount === 0) return false;
    beside();
    return true;
  });
}

/** The caller's connection rolls back what was begun here and failed. */
async function changed<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  const value = await work();
  await client.query('COMMIT');
  return value;
}
