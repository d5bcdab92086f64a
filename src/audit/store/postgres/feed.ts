/**
 * Rows of PostgreSQL in the order in which they were taken in, page by page. Places are given under the ledger's lock, which is
 * held until the commit: whatever stands at or below the ledger's place is committed, so a page that ends there has passed
 * over nothing.
 *
 * A cursor is `day:place`. One day per statement, oldest first, beginning with the cursor's own.
 */
import { COLUMNS, shownRow } from './rows.ts';
import { detailOf, FULL_EXCHANGE, FULL_FLOW, recordOf } from './detail.ts';
import type { Kind } from '../../query/ast.ts';
import type { FedRow, FeedOptions, FeedPage } from '../store.ts';
import type { Ask, FleetDetail, FullExchange, FullFlow } from './detail.ts';

const TABLE = { exchanges: 'exchange', flows: 'flow', events: 'event' } as const;
const ALL: readonly Kind[] = ['exchanges', 'flows', 'events'];
const MAX_LIMIT = 10_000;

interface Place {
  day: string;
  seq: number;
}

interface Read {
  seq: number;
  fed: () => Promise<FedRow>;
}

export async function fleetFeed(ask: Ask, detail: FleetDetail, options: FeedOptions): Promise<FeedPage> {
  const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(options.limit)));
  const [ledger] = await ask<{ top: number; day: string }>('SELECT next - 1 AS top, day FROM ledger', []);
  const top = ledger?.top ?? 0;
  const days = (await ask<{ day: string }>('SELECT day FROM day ORDER BY day', [])).map(r => r.day);
  let at = placeOf(options.after, { day: ledger?.day ?? '', seq: top });
  const found: Read[] = [];
  for (const day of days) {
    if (day < at.day || found.length >= limit) continue;
    const rows: Read[] = [];
    for (const kind of ALL)
      if (options.kinds.includes(kind))
        rows.push(...(await read(ask, detail, kind, day, at.seq, top, limit - found.length, options.detail)));
    rows.sort((a, b) => a.seq - b.seq);
    const taken = rows.slice(0, limit - found.length);
    found.push(...taken);
    const last = taken.at(-1);
    // Rows of kinds that nobody asked for are passed over with the day.
    if (last !== undefined) at = { day, seq: last.seq };
    else if (day > at.day) at = { ...at, day };
  }
  const rows: FedRow[] = [];
  for (const row of found) rows.push(await row.fed());
  return {
    rows,
    next: `${at.day}:${at.seq}`,
    waiting: await waitingBehind(ask, options.kinds, at, top),
    days,
  };
}

async function read(
  ask: Ask,
  detail: FleetDetail,
  kind: Kind,
  day: string,
  after: number,
  top: number,
  limit: number,
  much: FeedOptions['detail'],
): Promise<Read[]> {
  const full = much !== 'none';
  const columns =
    !full || kind === 'events' ? COLUMNS[kind] : kind === 'exchanges' ? FULL_EXCHANGE : FULL_FLOW;
  const rows = await ask<{ seq: number }>(
    `SELECT ${columns} FROM ${TABLE[kind]} x WHERE x.day = $1 AND x.seq > $2 AND x.seq <= $3 ORDER BY x.seq LIMIT $4`,
    [day, after, top, limit],
  );
  return rows.map(row => ({
    seq: row.seq,
    fed: async (): Promise<FedRow> => {
      if (kind === 'events') return { kind: 'event', row: shownRow('events', row) };
      if (kind === 'flows')
        return { kind: 'flow', row: shownRow('flows', row), record: full ? recordOf(row as FullFlow) : null };
      const whole = row as FullExchange;
      return {
        kind: 'exchange',
        row: shownRow('exchanges', row),
        detail: full ? detailOf(whole) : null,
        bodies:
          much === 'bodies'
            ? { req: await detail.bodyOf(whole, 'req'), res: await detail.bodyOf(whole, 'res') }
            : null,
      };
    },
  }));
}

/** Rows behind a place: counted in its own day, taken from the sums of later ones. */
async function waitingBehind(
  ask: Ask,
  kinds: readonly Kind[],
  at: Place,
  top: number,
): Promise<FeedPage['waiting']> {
  if (at.seq >= top) return [];
  let here = 0;
  for (const kind of ALL) {
    if (!kinds.includes(kind)) continue;
    const sql = `SELECT count(*) AS n FROM ${TABLE[kind]} x WHERE x.day = $1 AND x.seq > $2`;
    here += (await ask<{ n: number }>(sql, [at.day === '' ? '1970-01-01' : at.day, at.seq]))[0]?.n ?? 0;
  }
  const later = await ask<{ day: string; exchanges: number; flows: number; events: number }>(
    'SELECT day, exchanges, flows, events FROM day WHERE day > $1 ORDER BY day',
    [at.day === '' ? '1970-01-01' : at.day],
  );
  return [
    { day: at.day, rows: here },
    ...later.map(d => ({ day: d.day, rows: kinds.reduce((sum, kind) => sum + d[kind], 0) })),
  ].filter(w => w.rows > 0);
}

/** A cursor that cannot be read begins with the oldest row: a row too often is better than a row lost. */
function placeOf(after: string | null, end: Place): Place {
  if (after === 'end') return end;
  const m = /^(\d{4}-\d\d-\d\d)?:(\d{1,15})$/.exec(after ?? '');
  return m === null ? { day: '', seq: 0 } : { day: m[1] ?? '', seq: Number(m[2]) };
}
