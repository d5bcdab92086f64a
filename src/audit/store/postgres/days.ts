/**
 * The days of a fleet's store as retention sees them: how large each is, which holds keep it, and dropping one. The database
 * refuses by itself to drop a held day or the newest (`drop_day` in schema.ts), whoever asks.
 */
import { makeDrop } from '../../drop.ts';
import { planRetention } from '../../retention.ts';
import type { Dropping, Retention, RetentionLimits } from '../../retention.ts';
import { holds } from './holds.ts';
import { PostgresStoreError } from './schema.ts';
import { CHAIN_SQL } from './statements.ts';
import type { Client } from 'pg';
import type { Signer } from '../../statement.ts';

/** Bytes of all partitions of the day of a row `d`. */
export const DAY_BYTES = `coalesce((SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
  WHERE c.relnamespace = 'sightglass'::regnamespace AND c.relkind = 'r'
  AND c.relname LIKE '%\\_' || to_char(d.day, 'YYYYMMDD')), 0)::bigint`;

const DENIED = '42501';

export interface FleetRetention extends RetentionLimits {
  /** ms since epoch. */
  now: number;
  /** Only tell what would go. */
  dryRun?: boolean;
  /** Signs where the chains of a day that goes ended; without one nothing tells it. */
  signer: Signer | null;
  /** Told of each drop, before it. */
  onDrop?: (drop: Dropping) => void;
}

/**
 * Apply the limits, oldest day first. Throws PostgresStoreError when this role may not drop days; what was dropped before stays
 * dropped.
 */
export async function retainDays(client: Client, options: FleetRetention): Promise<Retention> {
  const { rows } = await client.query<{ day: string; bytes: number }>(
    `SELECT d.day, ${DAY_BYTES} AS bytes FROM day d ORDER BY d.day`,
  );
  const standing = (await holds(client)).filter(hold => hold.lifted === null);
  const { drops, result } = planRetention(
    rows.map(row => ({ ...row, attached: false })),
    options,
    day => standing.some(hold => hold.first <= day && day <= hold.last),
  );
  if (options.dryRun === true) return result;
  for (const drop of drops) {
    options.onDrop?.(drop);
    await client.query('BEGIN');
    if (options.signer !== null) await leaveStatements(client, drop, options.signer, options.now);
    await client.query('SELECT drop_day($1)', [drop.day]).catch((error: unknown) => {
      throw (error as { code?: string }).code === DENIED
        ? new PostgresStoreError(
            'This role may not delete days of the database.',
            'Grant it drop_day, as docs/fleet.md shows, or have the role that may delete them.',
          )
        : error;
    });
    await client.query('COMMIT');
  }
  return result;
}

/** What stays of a day that goes: where each chain in it ended, signed. */
async function leaveStatements(
  client: Client,
  { day, why }: Dropping,
  signer: Signer,
  now: number,
): Promise<void> {
  type Tail = { chain: number; key: string; last: number; link: Buffer };
  const { rows } = await client.query<Tail>(CHAIN_SQL.tails, [day]);
  for (const { chain, key, last, link } of rows) {
    const tail = { seq: last, link: link.toString('hex') };
    const { statement, signature } = makeDrop(signer, day, why, tail, now, key);
    await client.query(CHAIN_SQL.addDropped, [day, chain, statement, signature]);
  }
}
