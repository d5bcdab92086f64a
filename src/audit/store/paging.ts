/**
 * Puts a page together out of what single days answer, newest day first. Pure but for the asking. The newest day is asked
 * alone, since it nearly always fills the page; when it does not, the following ones are asked several at a time.
 *
 * A page that is not full although there may be more says so: `reached` is the time down to which was searched, `next` goes
 * on from there. It is never silently incomplete.
 */
import type { Kind } from '../query/ast.ts';
import type { Page, RowOf } from './store.ts';

/** What one day has for a page. */
export interface DayPage<K extends Kind> {
  rows: RowOf[K][];
  /** Row numbers of `rows` in the day's file. */
  ids: number[];
  /** Where it stopped for lack of time: the row below which it has not looked, and that row's time; null at the end. */
  stopped: { id: number; time: number } | null;
}

export interface Paging<K extends Kind> {
  /** Days with a file, newest first. */
  days: readonly string[];
  limit: number;
  before: string | undefined;
  /** Days to ask at once. */
  ahead: number;
  /** True when the time for this page is over. */
  expired(): boolean;
  /** Null for a day that cannot be read yet. */
  ask(day: string, before: number | null, limit: number): Promise<DayPage<K> | null>;
}

export async function pageOf<K extends Kind>(paging: Paging<K>): Promise<Page<K>> {
  const { limit } = paging;
  const start = paging.before === undefined ? null : parseCursor(paging.before);
  const days = paging.days.filter(day => start === null || day <= start.day);
  const rows: RowOf[K][] = [];
  let last: string | null = null;
  let at = 0;
  while (at < days.length) {
    if (at > 0 && paging.expired()) {
      const day = days[at] ?? '';
      // Every row of this day and those before it is still to come.
      return { rows, next: `${day}:${FIRST}`, reached: Date.parse(days[at - 1] ?? day) };
    }
    const group = days.slice(at, at + (at === 0 ? 1 : paging.ahead));
    // One row more than the page tells whether there is a next one.
    const wanted = limit + 1 - rows.length;
    const answers = await Promise.all(
      group.map(day => paging.ask(day, start?.day === day ? start.id : null, wanted)),
    );
    for (const [i, answer] of answers.entries()) {
      if (answer === null) continue;
      for (const [j, row] of answer.rows.entries()) {
        if (rows.length === limit) return { rows, next: last };
        rows.push(row);
        last = `${group[i] ?? ''}:${answer.ids[j] ?? 0}`;
      }
      if (answer.stopped !== null)
        return { rows, next: `${group[i] ?? ''}:${answer.stopped.id}`, reached: answer.stopped.time };
    }
    at += group.length;
  }
  return { rows, next: null };
}

/** Above every row of a day. */
const FIRST = 999_999_999_999_999;

/** A page cursor that cannot be read starts at the newest row rather than failing: it only ever comes from ourselves. */
export function parseCursor(text: string): { day: string; id: number } | null {
  const m = /^(\d{4}-\d\d-\d\d):(\d{1,15})$/.exec(text);
  return m === null ? null : { day: m[1] ?? '', id: Number(m[2]) };
}

const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 50;
const DEFAULT_BUDGET = 2000;

/** Rows of a page within its bounds. */
export const pageLimit = (limit = DEFAULT_LIMIT): number =>
  Math.min(MAX_LIMIT, Math.max(1, Math.trunc(limit)));

/** When a budget of ms will be over, ms since epoch: a time that other threads understand too. */
export const deadline = (budget = DEFAULT_BUDGET): number => Date.now() + budget;
