/**
 * Rows and sums of one batch into PostgreSQL, inside the transaction of the caller. COPY is the fastest way in and never builds
 * a statement; `careful` goes by a table of its own and costs about twice as much.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import copy from 'pg-copy-streams';
import { KIND } from '../layout.ts';
import { COPY, SQL } from './statements.ts';
import type { Written } from './gather.ts';
import type { Client } from 'pg';

/** COPY rows into a table; `careful` goes by a table of its own and leaves out what is there. Returns the places of those. */
export async function putCopy(
  client: Client,
  table: 'exchange' | 'flow' | 'event',
  text: string,
  careful: boolean,
): Promise<number[]> {
  if (text === '') return [];
  if (careful) await client.query(`CREATE TEMP TABLE incoming (LIKE ${table}) ON COMMIT DROP`);
  const statement = copy.from(
    careful ? COPY[table].replace(`COPY ${table} `, 'COPY pg_temp.incoming ') : COPY[table],
  );
  const stream = client.query(statement);
  await pipeline(Readable.from([Buffer.from(text)]), stream);
  if (!careful) return [];
  await client.query(
    `INSERT INTO ${table} SELECT * FROM pg_temp.incoming ORDER BY seq ON CONFLICT DO NOTHING`,
  );
  const { rows } = await client.query<{ seq: number }>(
    `SELECT i.seq FROM pg_temp.incoming i WHERE NOT EXISTS (SELECT 1 FROM ${table} x WHERE x.day = i.day AND x.seq = i.seq)`,
  );
  await client.query('DROP TABLE pg_temp.incoming');
  return rows.map(row => row.seq);
}

interface Sum {
  kind: number;
  minute: number;
  action: string;
  n: number;
  faults: number;
}

/** Add a batch to the sums of its day. */
export async function putSums(client: Client, day: string, written: readonly Written[]): Promise<void> {
  const counts = { exchange: 0, flow: 0, event: 0 };
  let lo = Infinity;
  let hi = -Infinity;
  const sums = new Map<string, Sum>();
  for (const row of written) {
    counts[row.kind]++;
    if (row.kind === 'event') continue;
    const time = Math.round(row.record.time);
    lo = Math.min(lo, time);
    hi = Math.max(hi, time);
    const kind = KIND[row.kind];
    const minute = Math.floor(time / 60_000);
    const action = row.record.verdict?.action ?? '';
    const key = `${kind} ${minute} ${action}`;
    const sum = sums.get(key) ?? { kind, minute, action, n: 0, faults: 0 };
    sum.n++;
    if (row.record.fault !== null) sum.faults++;
    sums.set(key, sum);
  }
  if (written.length === 0) return;
  await client.query(SQL.sumDay, [day, counts.exchange, counts.flow, counts.event, lo, hi].map(finite));
  const list = [...sums.values()];
  if (list.length > 0)
    await client.query(SQL.sumMinutes, [
      day,
      list.map(s => s.kind),
      list.map(s => s.minute),
      list.map(s => s.action),
      list.map(s => s.n),
      list.map(s => s.faults),
    ]);
}

/** A batch of events only has no times of rows: the ends that change nothing. */
const finite = <T>(value: T): T | number =>
  value === Infinity ? 2 ** 53 : value === -Infinity ? -(2 ** 53) : value;
