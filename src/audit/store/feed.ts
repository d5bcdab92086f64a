/**
 * The feed of one folder of day files: rows in the order they came, a page after the other, across days.
 *
 * A cursor is `day:exchange:flow:event`, the last row of each kind that was handed out. Ids grow with ingestion and a row
 * becomes visible with its batch, so nothing can appear behind a cursor. The recorder never writes into a day once a later
 * one has been made: only then does a cursor leave a day. Between kinds the order is that of the rows' ends, page by page.
 *
 * Bounds: a page holds at most `limit` rows and is read in short statements.
 */
import { parseFlowId } from '../../core/records.ts';
import type { DayReader } from './day-reader.ts';
import type { Kind } from '../query/ast.ts';
import type { FedRow, FeedOptions, FeedPage } from './store.ts';

/** Before every day: a folder that has none yet. */
const ORIGIN = '0000-00-00';
const KINDS = ['exchanges', 'flows', 'events'] as const satisfies readonly Kind[];
const MAX_LIMIT = 10_000;

interface Cursor {
  day: string;
  ids: Record<Kind, number>;
}

/** `days`: those with a file, oldest first; `open` gives null for one that is not ready yet. */
export function feedPage(
  days: readonly string[],
  open: (day: string) => DayReader | null,
  options: FeedOptions,
): FeedPage {
  const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(options.limit)));
  const cursor = options.after === 'end' ? endOf(days, open) : cursorOf(options.after);
  const rows: FedRow[] = [];
  const waiting: FeedPage['waiting'] = [];
  for (const day of days) {
    if (day < cursor.day) continue;
    const reader = open(day);
    if (reader === null) break;
    const here = rows.length < limit;
    if (day > cursor.day && here) {
      cursor.day = day;
      cursor.ids = { exchanges: 0, flows: 0, events: 0 };
    }
    const ids = day === cursor.day ? cursor.ids : { exchanges: 0, flows: 0, events: 0 };
    for (const kind of KINDS)
      if (!options.kinds.includes(kind) && day === cursor.day) ids[kind] = reader.newest(kind);
    if (here) rows.push(...read(reader, ids, options, limit - rows.length));
    const left = options.kinds.reduce((sum, kind) => sum + Math.max(0, reader.newest(kind) - ids[kind]), 0);
    if (left > 0) waiting.push({ day, rows: left });
    // What came in while we read belongs to the next page; going on to another day would leave it behind.
    if (left > 0 && rows.length < limit) break;
  }
  return { rows, next: textOf(cursor), waiting, days: [...days] };
}

/** Next rows of one day, and `ids` moved behind them. */
function read(reader: DayReader, ids: Record<Kind, number>, options: FeedOptions, limit: number): FedRow[] {
  const found = KINDS.filter(kind => options.kinds.includes(kind)).flatMap(kind => {
    const next = reader.after(kind, ids[kind], limit);
    return reader.rows(kind, next).map((row, i) => ({ kind, id: next[i] ?? 0, row, end: endTime(row) }));
  });
  // Stable, and ends never move a row before an earlier one of its own kind.
  const last: Partial<Record<Kind, number>> = {};
  for (const entry of found)
    last[entry.kind] = entry.end = Math.max(entry.end, last[entry.kind] ?? -Infinity);
  return found
    .sort((a, b) => a.end - b.end)
    .slice(0, limit)
    .map(({ kind, id, row }) => {
      ids[kind] = id;
      return fedRow(reader, kind, id, row, options.detail);
    });
}

function fedRow(
  reader: DayReader,
  kind: Kind,
  id: number,
  row: unknown,
  detail: FeedOptions['detail'],
): FedRow {
  // Kind and row come from one call of `reader.rows`.
  switch (kind) {
    case 'exchanges': {
      const bodies =
        detail === 'bodies'
          ? { req: reader.detail.body(id, 'req'), res: reader.detail.body(id, 'res') }
          : null;
      const whole = detail === 'none' ? null : reader.detail.exchange(id);
      return { kind: 'exchange', row, detail: whole, bodies } as FedRow;
    }
    case 'flows': {
      const flow = parseFlowId((row as { flow: string }).flow);
      const record = detail === 'none' || flow === null ? null : (reader.detail.flow(flow)?.record ?? null);
      return { kind: 'flow', row, record } as FedRow;
    }
    case 'events':
      return { kind: 'event', row } as FedRow;
  }
}

const endTime = (row: { time: number; ms?: number }): number => row.time + (row.ms ?? 0);

function endOf(days: readonly string[], open: (day: string) => DayReader | null): Cursor {
  for (const day of [...days].reverse()) {
    const reader = open(day);
    if (reader === null) continue;
    const ids = { exchanges: 0, flows: 0, events: 0 };
    for (const kind of KINDS) ids[kind] = reader.newest(kind);
    return { day, ids };
  }
  return cursorOf(null);
}

/** A cursor that cannot be read begins at the beginning: sending twice is better than leaving out. */
function cursorOf(text: string | null): Cursor {
  const m = /^(\d{4}-\d\d-\d\d):(\d{1,15}):(\d{1,15}):(\d{1,15})$/.exec(text ?? '');
  return m === null
    ? { day: ORIGIN, ids: { exchanges: 0, flows: 0, events: 0 } }
    : { day: m[1] ?? ORIGIN, ids: { exchanges: Number(m[2]), flows: Number(m[3]), events: Number(m[4]) } };
}

const textOf = ({ day, ids }: Cursor): string => `${day}:${ids.exchanges}:${ids.flows}:${ids.events}`;
