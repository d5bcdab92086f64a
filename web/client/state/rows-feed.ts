/**
 * The rows behind the traffic list: pages of history and the live tail in one window, newest first, each row once.
 * Plain class without React, so it can be tested by hand; `use-rows` binds it to a component.
 *
 * Bounds: at most `MAX_ROWS` rows of history (then `full`, and the page offers to go on from there); while the tail is
 * followed the window is cut back to `TAIL_ROWS`, what is cut can be scrolled back in; at most `MAX_PENDING` rows wait
 * while the reader is scrolled away, older ones of them are dropped and come back with the next fetch.
 */
import type { SearchPage } from '../../contract.ts';
import { ApiFailure, unreachable } from '../api/failure.ts';

export const MAX_ROWS = 20_000;
export const TAIL_ROWS = 1000;
export const MAX_PENDING = 500;
const PAGE = 100;

/** What the feed must know about a row of either kind. */
export interface FeedRow {
  id: string;
  /** ISO 8601. */
  time: string;
}

export interface FeedState<R> {
  rows: readonly R[];
  /** How many rows wait for the reader to come back to the top. */
  waiting: number;
  /** First page not there yet. */
  loading: boolean;
  /** An older page is on its way. */
  loadingMore: boolean;
  /** Nothing older than the last row. */
  ended: boolean;
  /** While a search takes long: everything newer than this was searched, and it goes on by itself. ISO 8601. */
  reached: string | null;
  /** MAX_ROWS reached. */
  full: boolean;
  failure: ApiFailure | null;
  /** Matching live rows that the server left out because they came too fast. */
  skipped: number;
}

export interface FeedSource<R> {
  page: (
    where: { cursor?: string; until?: string; limit: number },
    signal: AbortSignal,
  ) => Promise<{ rows: R[]; next: SearchPage['next']; reached?: string }>;
  idOf: (row: R) => FeedRow;
}

type Older = { cursor: string } | { until: string } | null;

export class RowsFeed<R> {
  readonly #source: FeedSource<R>;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<() => void>();
  #ids = new Set<string>();
  #pending: R[] = [];
  #older: Older = null;
  #held = false;
  #state: FeedState<R> = {
    rows: [],
    waiting: 0,
    loading: true,
    loadingMore: false,
    ended: false,
    reached: null,
    full: false,
    failure: null,
    skipped: 0,
  };

  constructor(source: FeedSource<R>) {
    this.#source = source;
  }

  readonly get = (): FeedState<R> => this.#state;

  readonly subscribe = (tell: () => void): (() => void) => {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  };

  /** Ask for the first page, or for it again after a failure. */
  async start(): Promise<void> {
    this.#set({ loading: this.#state.rows.length === 0, failure: null });
    try {
      const page = await this.#source.page({ limit: PAGE }, this.#abort.signal);
      if (this.#abort.signal.aborted) return;
      // Rows that the tail brought while the page was on its way stay on top.
      const early = this.#state.rows;
      this.#ids = new Set();
      const rows = this.#fresh([...early, ...page.rows]).sort((a, b) => this.#newerFirst(a, b));
      this.#older = page.next === null ? null : { cursor: page.next };
      this.#set({
        rows,
        loading: false,
        ended: page.next === null,
        reached: page.reached ?? null,
        full: false,
      });
      this.#goOn();
    } catch (error) {
      this.#fail(error, { loading: false });
    }
  }

  /** Ask for older rows. Does nothing while a question is open, at the end, or when full. */
  async more(): Promise<void> {
    const { loading, loadingMore, rows } = this.#state;
    if (loading || loadingMore || this.#older === null) return;
    if (rows.length >= MAX_ROWS) {
      this.#set({ full: true });
      return;
    }
    this.#set({ loadingMore: true, failure: null });
    try {
      const page = await this.#source.page({ ...this.#older, limit: PAGE }, this.#abort.signal);
      if (this.#abort.signal.aborted) return;
      this.#older = page.next === null ? null : { cursor: page.next };
      this.#set({
        rows: [...this.#state.rows, ...this.#fresh(page.rows)],
        loadingMore: false,
        ended: page.next === null,
        reached: page.reached ?? null,
      });
      this.#goOn();
    } catch (error) {
      this.#fail(error, { loadingMore: false });
    }
  }

  /** Rows that just happened, oldest first. */
  push(rows: readonly R[], skipped = 0): void {
    const fresh = this.#fresh(rows);
    if (skipped > 0) this.#set({ skipped: this.#state.skipped + skipped });
    if (fresh.length === 0) return;
    if (this.#held) {
      this.#pending.push(...fresh);
      for (const row of this.#pending.splice(0, this.#pending.length - MAX_PENDING))
        this.#ids.delete(this.#source.idOf(row).id);
      this.#set({ waiting: this.#state.waiting + fresh.length });
    } else {
      this.#prepend(fresh);
    }
  }

  /** While held, new rows wait instead of moving what the reader looks at. Letting go brings them in. */
  hold(held: boolean): void {
    this.#held = held;
    if (!held) this.release();
  }

  /** Bring the waiting rows in now. When some of them had to be dropped, the first page is fetched again. */
  release(): void {
    const rows = this.#pending;
    const lost = this.#state.waiting - rows.length;
    if (this.#state.waiting === 0) return;
    this.#pending = [];
    this.#set({ waiting: 0 });
    if (lost > 0) void this.restart();
    else this.#prepend(rows);
  }

  /** Fetch the first page afresh and forget the rest: after a gap in the tail. What is on screen stays until then. */
  async restart(): Promise<void> {
    try {
      const page = await this.#source.page({ limit: PAGE }, this.#abort.signal);
      if (this.#abort.signal.aborted) return;
      this.#ids = new Set();
      this.#pending = [];
      this.#older = page.next === null ? null : { cursor: page.next };
      this.#set({
        rows: this.#fresh(page.rows),
        waiting: 0,
        loading: false,
        failure: null,
        ended: page.next === null,
        reached: page.reached ?? null,
        full: false,
      });
      this.#goOn();
    } catch (error) {
      this.#fail(error, {});
    }
  }

  /** A page that ran out of time is gone on with until it is full, the end is reached or the view changes. */
  #goOn(): void {
    if (this.#state.reached !== null && !this.#abort.signal.aborted) void this.more();
  }

  stop(): void {
    this.#abort.abort();
    this.#listeners.clear();
  }

  #prepend(fresh: readonly R[]): void {
    // They come oldest first; among rows of one millisecond the sort keeps the order it is given.
    let rows = [...[...fresh].reverse(), ...this.#state.rows].sort((a, b) => this.#newerFirst(a, b));
    if (rows.length > TAIL_ROWS * 2) {
      // Long tail: keep the head. The cut lies between pages, so go on by time; rows of the same millisecond are
      // asked for twice and told apart by their id.
      rows = rows.slice(0, TAIL_ROWS);
      this.#ids = new Set(rows.map(row => this.#source.idOf(row).id));
      const last = rows.at(-1);
      if (last !== undefined) {
        const until = Date.parse(this.#source.idOf(last).time) + 1;
        this.#older = { until: new Date(until).toISOString() };
        this.#set({ ended: false, full: false });
      }
    }
    this.#set({ rows });
  }

  /** Those not seen yet; remembers them. */
  #fresh(rows: readonly R[]): R[] {
    return rows.filter(row => {
      const { id } = this.#source.idOf(row);
      if (this.#ids.has(id)) return false;
      this.#ids.add(id);
      return true;
    });
  }

  #newerFirst(a: R, b: R): number {
    const x = this.#source.idOf(a).time;
    const y = this.#source.idOf(b).time;
    return x < y ? 1 : x > y ? -1 : 0;
  }

  #fail(error: unknown, change: Partial<FeedState<R>>): void {
    if (this.#abort.signal.aborted) return;
    this.#set({ ...change, failure: error instanceof ApiFailure ? error : unreachable() });
  }

  #set(change: Partial<FeedState<R>>): void {
    this.#state = { ...this.#state, ...change };
    for (const tell of this.#listeners) tell();
  }
}
