/**
 * The live list: server-sent events with the newly committed rows that match a query, by the same filter that search uses. Bodies
 * do not come with new rows: where they decide, they are read from the store, and what comes meanwhile waits its turn.
 *
 * Bounds: a stream gets at most four messages a second and holds at most 500 rows that its browser has not taken yet; the
 * oldest beyond that are dropped and counted in `dropped`, together with those the recorder itself left out. As many
 * may wait for their bodies, and those whose bodies cannot be read count as dropped, too. A browser
 * that takes nothing for a minute is cut off. At most 8 streams a session and 64 in all; one more is refused with 429.
 *
 * A stream never keeps its session alive and ends when that does: at once on log-out, otherwise before the next message
 * or within a heart-beat.
 */
import type { Request, Response } from 'express';
import { bodiesOf } from '../../src/audit/export/gather.ts';
import type { LiveAnswer } from '../../src/audit/query/match.ts';
import type { LiveRow } from '../../src/audit/store/store.ts';
import type { Kind, LiveEvent, LiveMessages, RowOf } from '../contract.ts';
import { ApiFailure } from './answer.ts';
import type { Caller } from './auth.ts';
import type { ConsoleDeps } from './deps.ts';
import type { LiveQuestion } from './question.ts';
import { liveRow } from './view.ts';

export interface LiveOptions {
  /** ms between two messages of one stream. */
  pace?: number;
  /** ms between heart-beats. */
  beat?: number;
  /** ms a browser may leave data unread. */
  patience?: number;
  /** Rows that may wait for one browser. */
  queue?: number;
}

interface Stream {
  res: Response;
  question: LiveQuestion;
  caller: Caller;
  /** Oldest first, at most `queue`. */
  waiting: RowOf[Kind][];
  dropped: number;
  /** Rows to be looked at once the bodies of the one before are read, oldest first, at most `queue`. */
  undecided: LiveRow[];
  /** Bodies are being read. */
  reading: boolean;
  /** ms since epoch of the moment the socket stopped taking data; null while it takes it. */
  stuckSince: number | null;
  lastSent: number;
  /** Set while the pace of the last message lasts. */
  pace: NodeJS.Timeout | null;
}

export class LiveHub {
  readonly #deps: ConsoleDeps;
  readonly #streams = new Set<Stream>();
  readonly #options: Required<LiveOptions>;
  readonly #now: () => number;
  #unsubscribe: (() => void) | null = null;
  #beat: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(deps: ConsoleDeps, options: LiveOptions = {}) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
    this.#options = { pace: 250, beat: 15_000, patience: 60_000, queue: 500, ...options };
  }

  /** Open a stream on a response. Throws ApiFailure before anything is sent when it cannot be. */
  attach(req: Request, res: Response, question: LiveQuestion, caller: Caller): void {
    const ofSession = [...this.#streams].filter(s => s.caller.session.id === caller.session.id).length;
    if (this.#closed || ofSession >= MAX_PER_SESSION || this.#streams.size >= MAX_STREAMS)
      throw new ApiFailure('too-many', 'Too many live lists are open.', 'Close one of the other tabs.', {
        retryAfter: 10,
      });
    const stream: Stream = {
      res,
      question,
      caller,
      waiting: [],
      undecided: [],
      reading: false,
      dropped: 0,
      stuckSince: null,
      lastSent: this.#now(),
      pace: null,
    };
    this.#streams.add(stream);
    res.on('close', () => this.#forget(stream));
    res.on('drain', () => {
      stream.stuckSince = null;
      this.#flush(stream);
    });
    this.#start();
    req.socket.setTimeout(0);
    req.socket.setNoDelay(true);
    res.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    });
    this.#send(stream, 'ready', { kind: question.kind });
  }

  /** End the streams of a session that logs out. */
  endSession(id: string): void {
    for (const stream of [...this.#streams])
      if (stream.caller.session.id === id) this.#end(stream, 'signed-out');
  }

  /** How many streams are open. */
  get size(): number {
    return this.#streams.size;
  }

  close(): void {
    this.#closed = true;
    for (const stream of [...this.#streams]) this.#end(stream, 'stopping');
    this.#stop();
  }

  #start(): void {
    this.#unsubscribe ??= this.#deps.live.subscribe((rows, dropped) => this.#take(rows, dropped));
    this.#beat ??= setInterval(() => this.#tick(), this.#options.beat).unref();
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    if (this.#beat !== null) clearInterval(this.#beat);
    this.#beat = null;
  }

  #take(rows: readonly LiveRow[], dropped: number): void {
    for (const stream of [...this.#streams]) {
      stream.dropped += dropped;
      for (const row of rows) {
        const answer = stream.reading ? null : stream.question.matches(row);
        if (answer === true) stream.waiting.push(liveRow(row));
        if (answer !== null) continue;
        stream.undecided.push(row);
        if (!stream.reading) void this.#decide(stream);
      }
      this.#bound(stream, stream.undecided);
      this.#bound(stream, stream.waiting);
      this.#flush(stream);
    }
  }

  #bound(stream: Stream, rows: unknown[]): void {
    const surplus = rows.length - this.#options.queue;
    if (surplus <= 0) return;
    rows.splice(0, surplus);
    stream.dropped += surplus;
  }

  /** Go through the rows that wait, reading bodies where they decide. Never rejects. */
  async #decide(stream: Stream): Promise<void> {
    stream.reading = true;
    for (;;) {
      const row = stream.undecided.shift();
      if (row === undefined || !this.#streams.has(stream)) break;
      const answer = stream.question.matches(row) ?? (await this.#withBodies(stream.question, row));
      if (answer === true) stream.waiting.push(liveRow(row));
      else if (answer === null) stream.dropped++;
      this.#bound(stream, stream.waiting);
      this.#flush(stream);
    }
    stream.reading = false;
  }

  async #withBodies(question: LiveQuestion, row: LiveRow): Promise<LiveAnswer> {
    if (row.kind !== 'exchange') return false;
    try {
      return question.matches({ ...row, bodies: await bodiesOf(this.#deps.audit, row.row) });
    } catch (error) {
      this.#deps.log?.('The bodies of a live row could not be read.', error);
      return null;
    }
  }

  #flush(stream: Stream): void {
    if (stream.pace !== null || stream.stuckSince !== null) return;
    if (stream.waiting.length === 0 && stream.dropped === 0) return;
    if (!this.#alive(stream)) {
      this.#end(stream, 'signed-out');
      return;
    }
    const { waiting, dropped } = stream;
    stream.waiting = [];
    stream.dropped = 0;
    this.#send(stream, 'rows', { kind: stream.question.kind, rows: waiting, dropped });
    stream.pace = setTimeout(() => {
      stream.pace = null;
      this.#flush(stream);
    }, this.#options.pace).unref();
  }

  #tick(): void {
    const now = this.#now();
    for (const stream of [...this.#streams]) {
      if (!this.#alive(stream)) this.#end(stream, 'signed-out');
      else if (stream.stuckSince !== null) {
        if (now - stream.stuckSince >= this.#options.patience) stream.res.destroy();
      } else if (now - stream.lastSent >= this.#options.beat)
        this.#send(stream, 'beat', { time: new Date(now).toISOString() });
    }
  }

  #alive(stream: Stream): boolean {
    try {
      return this.#deps.sessions.get(stream.caller.token, false) !== null;
    } catch {
      // A store that cannot tell whether the session lives ends it: doubt is no permission.
      return false;
    }
  }

  #send<E extends LiveEvent>(stream: Stream, event: E, data: LiveMessages[E]): void {
    stream.lastSent = this.#now();
    // JSON has no raw line ends, so one data line holds it whatever the rows contain.
    if (!stream.res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
      stream.stuckSince ??= this.#now();
  }

  #end(stream: Stream, reason: LiveMessages['end']['reason']): void {
    if (!this.#streams.has(stream)) return;
    this.#send(stream, 'end', { reason });
    this.#forget(stream);
    stream.res.end();
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream);
    if (stream.pace !== null) clearTimeout(stream.pace);
    stream.pace = null;
    if (this.#streams.size === 0) this.#stop();
  }
}

const MAX_PER_SESSION = 8;
const MAX_STREAMS = 64;
