/**
 * What both directions share: bytes in, events out, no socket. `push` what was read, then take `next` until it says
 * `need-more`. Bodies are handed out as views of what was pushed; only what cannot be judged yet (part of a line, a
 * pipelined message) is copied, and only when `next` says `need-more` or `keep` is called.
 *
 * Strict RFC 9112: what two parsers could read differently is `malformed`, for ever, with the rule in words.
 * The events do not depend on how the octets were cut into pushes, but for the cuts of `data`.
 *
 * Bounds: a head or trailer section `limits.head` octets and `limits.fields` lines, chunk extensions per message,
 * interim responses per request; beyond them the message is `malformed`. Octets pushed but not taken are kept
 * whatever their number: whoever pushes stops reading its socket until `next` has said `need-more`.
 */
import { ChunkLines } from './chunked.ts';
import { trailerFields } from './head.ts';
import type {
  Field,
  Framing,
  Http1Event,
  MalformedCode,
  MalformedEvent,
  RequestHead,
  ResponseHead,
} from './message.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type { Http1Limits } from './limits.ts';
import { CR, LF } from './octets.ts';
import type { Outcome, Shape } from './scan.ts';
import { found, scan } from './scan.ts';

const EMPTY = Buffer.alloc(0);
const NEED_MORE = Object.freeze({ kind: 'need-more' as const });
const END = Object.freeze({ kind: 'end' as const, trailers: Object.freeze([]) as unknown as Field[] });

/** Where the reader stands. `head` is also the place between messages; `raw` and `failed` are final. */
type State =
  'head' | 'length' | 'until-close' | 'chunk-line' | 'chunk-data' | 'trailers' | 'end' | 'raw' | 'failed';

export abstract class MessageReader<H extends RequestHead | ResponseHead> {
  protected readonly limits: Http1Limits;
  protected state: State = 'head';
  private readonly shape: Shape;
  private readonly side: 'request' | 'response';

  private buf: Buffer = EMPTY;
  private pos = 0;
  private end = 0;
  /** True when `buf` is ours: it may be appended to, and nobody overwrites it. Handed-out parts never change. */
  private owned = false;
  private ended = false;
  private endedBetween = false;

  /** Of the head or trailer section at `pos`: octets known to hold no unjudged LF. Zero when not looked at yet. */
  private searched = 0;
  /** Of the same: offset of the first line not judged yet, and field lines before it. */
  private lineAt = 0;
  private lines = 0;

  /** Octets of a body with Content-Length that are still to come. */
  private left = 0;
  private readonly chunks = new ChunkLines();
  private failure: MalformedEvent | null = null;

  constructor(side: 'request' | 'response', limits: Partial<Http1Limits> | undefined) {
    this.limits = limits === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ...limits };
    this.shape = side;
    this.side = side;
  }

  /**
   * Give octets. `chunk` must stay as it is until `next` has said `need-more`, or `keep` was called: events are
   * views of it.
   */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.pos === this.end) {
      this.buf = chunk;
      this.pos = 0;
      this.end = chunk.length;
      this.owned = false;
      return;
    }
    if (!this.owned || this.buf.length - this.end < chunk.length) this.own(chunk.length);
    chunk.copy(this.buf, this.end);
    this.end += chunk.length;
  }

  /** The next event. Never throws on octets; `need-more` and `malformed` repeat until something changes. */
  next(): Http1Event<H> {
    switch (this.state) {
      case 'head':
        return this.readHead();
      case 'length':
        return this.readLength();
      case 'until-close':
        if (this.pos === this.end) return this.needMore();
        return { kind: 'data', data: this.take(this.end - this.pos) };
      case 'chunk-line':
        return this.readChunkLine();
      case 'chunk-data':
        return this.readChunkData();
      case 'trailers':
        return this.readTrailers();
      case 'end':
        return this.endMessage(END);
      case 'raw':
        this.keep();
        return NEED_MORE;
      case 'failed':
        return this.failure!;
    }
  }

  /**
   * The peer ended. Gives the next event, as `next` does from now on: what is left over first; then `end` for a body
   * until close, `malformed` with `early` inside a message, or `need-more` when the end was clean.
   */
  finish(): Http1Event<H> {
    this.ended = true;
    return this.next();
  }

  /**
   * The octets that were pushed and not taken, and from now on this reader is finished: `next` says `need-more`.
   * For what follows an upgrade or CONNECT. A view under the same rule as events.
   */
  takeRest(): Buffer {
    const rest = this.buf.subarray(this.pos, this.end);
    this.release();
    this.state = 'raw';
    return rest;
  }

  /** Copy what is not taken yet, so that the pushed memory may be used again before `next` said `need-more`. */
  keep(): void {
    if (this.pos === this.end) this.release();
    else if (!this.owned) this.own(0);
  }

  /** Octets pushed and not taken. */
  get buffered(): number {
    return this.end - this.pos;
  }

  /**
   * Between messages: not one octet of a next one is here or was given out. Stays true when the peer ended right
   * there, so a request whose connection went away without any answer can be told from one that was half answered.
   */
  get idle(): boolean {
    return (this.state === 'head' || this.endedBetween) && this.pos === this.end && !this.begun();
  }

  /** Is a message owed, so that an end here is too early? */
  protected abstract awaiting(): boolean;
  /** Was part of the next message given out already (interim responses)? */
  protected abstract begun(): boolean;
  /** The head in `buf[pos, found.next)`, or the rule it breaks. */
  protected abstract head(buf: Buffer, pos: number): H | string;
  /** May a message begin with what is at `pos`? Gives how many octets to skip, 'wait', or the rule it breaks. */
  protected abstract begin(buf: Buffer, pos: number, end: number): number | 'wait' | RuleBroken;
  /** Called for each head; sets what follows through `follow`. */
  protected abstract accept(head: H): MalformedEvent | null;
  /** Called at the end of each message. */
  protected abstract done(): void;

  /** What follows the head that was just read. */
  protected follow(framing: Framing): void {
    switch (framing.kind) {
      case 'none':
        this.state = 'end';
        break;
      case 'length':
        this.left = framing.length;
        this.state = framing.length === 0 ? 'end' : 'length';
        break;
      case 'chunked':
        this.chunks.reset();
        this.state = 'chunk-line';
        break;
      case 'until-close':
        this.state = 'until-close';
        break;
    }
  }

  protected fail(code: MalformedCode, reason: string, early = false): MalformedEvent {
    this.state = 'failed';
    this.release();
    this.failure = { kind: 'malformed', code, reason, early };
    return this.failure;
  }

  protected malformed(reason: string): MalformedEvent {
    return this.fail(`${this.side}-malformed`, reason);
  }

  private readHead(): Http1Event<H> {
    if (this.pos === this.end) return this.needMore();
    if (this.searched === 0) {
      const skip = this.begin(this.buf, this.pos, this.end);
      if (skip === 'wait') return this.needMore();
      if (typeof skip === 'object') return this.malformed(skip.rule);
      this.pos += skip;
      if (this.pos === this.end) return this.needMore();
      // What was skipped may hide an octet that begins nothing.
      if (skip > 0) return this.readHead();
    }
    const outcome = this.section(this.shape);
    if (outcome !== 'complete') return this.incomplete(outcome);
    const head = this.head(this.buf, this.pos);
    if (typeof head === 'string') return this.malformed(head);
    this.pos = found.next;
    this.searched = this.lineAt = this.lines = 0;
    const refused = this.accept(head);
    return refused ?? { kind: 'head', head };
  }

  private readTrailers(): Http1Event<H> {
    const { buf, pos, end } = this;
    if (this.searched === 0 && end - pos >= 2 && buf[pos] === CR && buf[pos + 1] === LF) {
      this.pos += 2;
      return this.endMessage(END);
    }
    if (pos === end) return this.needMore();
    const outcome = this.section('fields');
    if (outcome !== 'complete') return this.incomplete(outcome);
    const trailers = trailerFields(buf, pos);
    if (typeof trailers === 'string') return this.malformed(trailers);
    this.pos = found.next;
    this.searched = this.lineAt = this.lines = 0;
    return this.endMessage({ kind: 'end', trailers });
  }

  /**
   * Judge the lines at `pos`. A section that comes in pieces is judged line by line as line ends arrive (so a slow
   * sender of octets costs one search of the new ones), and once more as a whole when it is complete.
   */
  private section(shape: Shape): Outcome {
    const { buf, pos, end, limits } = this;
    if (this.searched > 0) {
      const lf = buf.indexOf(LF, pos + this.searched);
      if (lf === -1 || lf >= end) {
        this.searched = end - pos;
        found.reason = `more than ${limits.head} octets`;
        return this.searched > limits.head ? 'oversize' : 'partial';
      }
      if (this.lineAt > 0) {
        const at = pos + this.lineAt;
        const outcome = scan('fields', buf, pos, at, end, this.lines, limits.head, limits.fields);
        if (outcome !== 'complete') return this.remember(outcome);
      }
    }
    return this.remember(scan(shape, buf, pos, pos, end, 0, limits.head, limits.fields));
  }

  private remember(outcome: Outcome): Outcome {
    if (outcome === 'partial') {
      this.searched = this.end - this.pos;
      this.lineAt = found.next - this.pos;
      this.lines = found.fields;
    }
    return outcome;
  }

  private incomplete(outcome: Outcome): Http1Event<H> {
    if (outcome === 'partial') return this.needMore();
    if (outcome === 'oversize') return this.fail(`${this.side}-head-too-large`, found.reason);
    if (outcome === 'version') return this.fail('version-unsupported', found.reason);
    return this.malformed(found.reason);
  }

  private readLength(): Http1Event<H> {
    const there = this.end - this.pos;
    if (there === 0) return this.needMore();
    const n = this.left < there ? this.left : there;
    this.left -= n;
    if (this.left === 0) this.state = 'end';
    return { kind: 'data', data: this.take(n) };
  }

  private readChunkLine(): Http1Event<H> {
    const step = this.chunks.step(this.buf, this.pos, this.end, this.limits.chunkExtensions);
    this.pos = this.chunks.offset;
    switch (step) {
      case 'more':
        return this.needMore();
      case 'data':
        this.state = 'chunk-data';
        return this.readChunkData();
      case 'last':
        this.state = 'trailers';
        return this.readTrailers();
      case 'broken':
        return this.malformed(this.chunks.reason);
    }
  }

  private readChunkData(): Http1Event<H> {
    const there = this.end - this.pos;
    if (there === 0) return this.needMore();
    const n = this.chunks.left < there ? this.chunks.left : there;
    this.chunks.left -= n;
    if (this.chunks.left === 0) {
      this.chunks.dataDone();
      this.state = 'chunk-line';
    }
    return { kind: 'data', data: this.take(n) };
  }

  private endMessage(event: { kind: 'end'; trailers: Field[] }): Http1Event<H> {
    this.state = 'head';
    this.done();
    return event;
  }

  private needMore(): Http1Event<H> {
    if (this.ended) return this.atEnd();
    this.keep();
    return NEED_MORE;
  }

  private atEnd(): Http1Event<H> {
    if (this.state === 'until-close') return this.endMessage(END);
    if (this.state === 'head') {
      if (this.pos === this.end && !this.awaiting()) return NEED_MORE;
      this.endedBetween = this.pos === this.end;
      return this.fail(`${this.side}-malformed`, `RFC 9112 §8: ended inside the ${this.side} head`, true);
    }
    return this.fail(`${this.side}-malformed`, `RFC 9112 §8: ended inside the ${this.side} body`, true);
  }

  private take(n: number): Buffer {
    const { buf, pos } = this;
    this.pos += n;
    return n === buf.length ? buf : buf.subarray(pos, pos + n);
  }

  /** Move what is unread into memory of ours, with room for `more` octets and as much again. */
  private own(more: number): void {
    const unread = this.end - this.pos;
    const buf = Buffer.allocUnsafe(Math.max(512, 2 * (unread + more)));
    this.buf.copy(buf, 0, this.pos, this.end);
    this.buf = buf;
    this.pos = 0;
    this.end = unread;
    this.owned = true;
  }

  private release(): void {
    this.buf = EMPTY;
    this.pos = this.end = 0;
    this.owned = false;
  }
}

export interface RuleBroken {
  rule: string;
}
