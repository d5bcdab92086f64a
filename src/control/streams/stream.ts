/**
 * One stream: takes pages from the feed, hands what its filter lets through to the receiver, and moves its cursor when they were
 * taken. At least once: a page that was not taken whole is sent again. One page is under way at a time, so a slow receiver
 * slows its own stream and nothing else; what waits stays in the store and shows as lag.
 *
 * A receiver that acknowledges nothing (plain syslog) may lose what was on its way when the connection broke: then the last
 * `resend` rows are sent again. Back-off doubles from `FIRST_WAIT_MS` to `LAST_WAIT_MS`, with jitter, and never gives up.
 * Rows are dropped only when retention deleted their day: counted, and told as `stream.dropped`.
 */
import { asksBodies } from '../../audit/query/ast.ts';
import { liveFilter } from '../../audit/query/match.ts';
import { streamQuery } from './document.ts';
import type { AuditStore, FedRow, FeedOptions } from '../../audit/store/store.ts';
import type { Book, Entry } from './book.ts';
import type { StreamConfig } from './document.ts';

/** Where rows go. One call at a time. */
export interface Receiver {
  /** False when a resolved `send` means "handed over", not "taken". */
  readonly acknowledges: boolean;
  /** Resolves when all rows were taken, or refused for good; rejects with Error in words for people otherwise. */
  send(rows: readonly FedRow[]): Promise<Taken>;
  /** Whether the connection that carried earlier rows was lost since the last call. Only asked where nothing is acknowledged. */
  lost(): boolean;
  /** Let go of the connection; the next `send` makes another. */
  reset(): void;
}

export interface Taken {
  /** Rows that the receiver will never take, and why. */
  refused: number;
  reason: string | null;
}

export interface StreamState {
  name: string;
  to: string;
  target: string;
  format: string;
  state: 'waiting' | 'sending' | 'failing';
  /** Rows behind the cursor, before the filter. */
  lagRows: number;
  /** Age of the oldest of them, as far as known: since when the stream is behind. */
  lagMs: number;
  sent: number;
  dropped: number;
  refused: number;
  lastSent: number | null;
  error: string | null;
  /** Tries since the last success. */
  attempts: number;
  /** When the next one comes, ms since epoch. */
  nextTry: number | null;
}

export interface StreamParts {
  config: StreamConfig;
  store: Pick<AuditStore, 'feed'>;
  receiver: Receiver;
  book: Pick<Book, 'get' | 'put'>;
  tell: (name: string, detail: Record<string, unknown>) => void;
  now?: () => number;
  random?: () => number;
  /** Resolves after that many ms or when the signal is given. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const IDLE_MS = 300;
export const FIRST_WAIT_MS = 500;
export const LAST_WAIT_MS = 60_000;

export class Stream {
  readonly config: StreamConfig;
  readonly #parts: Required<StreamParts>;
  readonly #accepts: (fed: FedRow) => boolean;
  /** The filter may look into bodies. */
  #asksBodies = false;
  readonly #stop = new AbortController();
  /** Page beginnings of the last `resend` rows, oldest first, each with the rows sent since. */
  #trail: { cursor: string; rows: number }[] = [];
  #entry: Entry;
  #attempts = 0;
  #nextTry: number | null = null;
  #state: StreamState['state'] = 'waiting';
  #behindSince: number | null = null;
  #started = false;

  constructor(parts: StreamParts) {
    this.#parts = { now: Date.now, random: Math.random, sleep, ...parts };
    this.config = parts.config;
    const { filter, kinds } = parts.config;
    const tests = kinds.map(kind => {
      const found = streamQuery(filter, kind, this.#parts.now());
      // The document was checked with this very function.
      if ('error' in found) return () => false;
      this.#asksBodies ||= asksBodies(kind, found.query.root);
      return liveFilter(found.query, kind);
    });
    this.#accepts = fed => tests.some(test => test(fed) === true);
    this.#entry = parts.book.get(parts.config.name) ?? {
      cursor: '',
      resend: '',
      sent: 0,
      dropped: 0,
      refused: 0,
      waiting: [],
      lastSent: null,
      error: null,
    };
  }

  state(): StreamState {
    const { name, to, target, format } = this.config;
    const { sent, dropped, refused, lastSent, error, waiting } = this.#entry;
    const lagRows = waiting.reduce((sum, { rows }) => sum + rows, 0);
    const lagMs = this.#behindSince === null ? 0 : Math.max(0, this.#parts.now() - this.#behindSince);
    return {
      ...{
        name,
        to,
        target,
        format,
        state: this.#state,
        lagRows,
        lagMs,
        sent,
        dropped,
        refused,
        lastSent,
        error,
      },
      attempts: this.#attempts,
      nextTry: this.#nextTry,
    };
  }

  /** Runs until `stop`. Never rejects. */
  async run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const more = await this.step();
        if (!more) await this.#parts.sleep(IDLE_MS, this.#stop.signal);
      } catch (error) {
        await this.#failed(error);
      }
    }
    this.#parts.receiver.reset();
  }

  stop(): void {
    this.#stop.abort();
  }

  /** One page; true when there may be more at once. Rejects when the receiver did not take it. */
  async step(): Promise<boolean> {
    const { store, receiver, now, book } = this.#parts;
    if (!this.#started) await this.#begin();
    if (!receiver.acknowledges && receiver.lost()) this.#rewind();
    const page = await store.feed(this.#question(this.#entry.cursor));
    this.#countDropped(page.days);
    const rows = page.rows.filter(fed => this.#accepts(fed));
    const before = this.#entry.cursor;
    if (rows.length > 0) {
      this.#state = 'sending';
      this.#behindSince ??= oldest(rows);
      const { refused, reason } = await receiver.send(rows);
      if (refused > 0)
        this.#parts.tell('stream.refused', { stream: this.config.name, rows: refused, reason });
      this.#entry.refused += refused;
      this.#entry.sent += rows.length - refused;
      this.#entry.lastSent = now();
    }
    if (this.#attempts > 0 && rows.length > 0) this.#recovered();
    const moved = page.next !== before || rows.length > 0;
    this.#entry.waiting = page.waiting;
    if (moved) {
      this.#remember(before, rows.length);
      this.#entry.cursor = page.next;
      this.#entry.resend = this.#trail[0]?.cursor ?? page.next;
      book.put(this.config.name, this.#entry);
    }
    if (page.waiting.length === 0) {
      this.#behindSince = null;
      if (this.#attempts === 0) this.#state = 'waiting';
    } else this.#behindSince = rows.length > 0 ? oldest(rows.slice(-1)) : (this.#behindSince ?? now());
    return page.rows.length > 0;
  }

  async #begin(): Promise<void> {
    const { store, book } = this.#parts;
    if (this.#entry.cursor === '') {
      if (this.config.from === 'now') {
        const { next } = await store.feed(this.#question('end'));
        this.#entry.cursor = this.#entry.resend = next;
        book.put(this.config.name, this.#entry);
      }
    } else if (!this.#parts.receiver.acknowledges) this.#entry.cursor = this.#entry.resend;
    this.#started = true;
  }

  #question(after: string): FeedOptions {
    const { batch, kinds, include, filter, format } = this.config;
    // Terms about headers and the like need what comes beside the row.
    const bare = format === 'squid' && filter === '';
    const detail = include.bodies || this.#asksBodies ? 'bodies' : bare ? 'none' : 'heads';
    return { after: after === '' ? null : after, limit: batch, kinds, detail };
  }

  /** Only what was read from this very cursor on counts, so the trail begins anew after it was used. */
  #rewind(): void {
    this.#entry.cursor = this.#entry.resend;
    this.#trail = [];
    this.#parts.receiver.reset();
  }

  #remember(before: string, rows: number): void {
    // A page of which nothing was sent needs no place to come back to.
    if (this.#parts.receiver.acknowledges || this.config.resend === 0 || rows === 0) return;
    for (const page of this.#trail) page.rows += rows;
    this.#trail.push({ cursor: before, rows });
    // The oldest may go once the one after it still reaches back far enough.
    while ((this.#trail[1]?.rows ?? 0) >= this.config.resend) this.#trail.shift();
  }

  #countDropped(days: readonly string[]): void {
    const gone = this.#entry.waiting.filter(({ day }) => !days.includes(day));
    if (gone.length === 0) return;
    const rows = gone.reduce((sum, day) => sum + day.rows, 0);
    this.#entry.dropped += rows;
    this.#entry.waiting = this.#entry.waiting.filter(({ day }) => days.includes(day));
    this.#parts.book.put(this.config.name, this.#entry);
    this.#parts.tell('stream.dropped', { stream: this.config.name, rows, days: gone.map(({ day }) => day) });
  }

  async #failed(error: unknown): Promise<void> {
    const { receiver, now, random, tell, book } = this.#parts;
    const words = error instanceof Error ? error.message : String(error);
    receiver.reset();
    if (!receiver.acknowledges) this.#rewind();
    if (this.#attempts === 0)
      tell('stream.failing', { stream: this.config.name, to: this.config.to, error: words });
    this.#state = 'failing';
    if (this.#entry.error !== words) {
      this.#entry.error = words;
      try {
        book.put(this.config.name, this.#entry);
      } catch {
        // The control store itself may be what fails; the state in memory still says why.
      }
    }
    const wait =
      Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#attempts, 20)) * (0.5 + random() / 2);
    this.#attempts++;
    this.#nextTry = now() + wait;
    await this.#parts.sleep(wait, this.#stop.signal);
  }

  #recovered(): void {
    this.#parts.tell('stream.recovered', { stream: this.config.name, attempts: this.#attempts });
    this.#attempts = 0;
    this.#nextTry = null;
    this.#entry.error = null;
  }
}

const oldest = (rows: readonly FedRow[]): number | null =>
  rows.length === 0 ? null : rows.reduce((min, { row }) => Math.min(min, row.time), Infinity);

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
