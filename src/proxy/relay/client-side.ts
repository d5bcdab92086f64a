/**
 * The relay's reading end towards the client: its bytes turned into request events, as far as the order of exchanges
 * allows. While it is held nothing further is parsed, so a pipelined request waits as bytes; what waits is bounded by
 * pausing the socket with the first chunk that comes too early.
 */
import type { Duplex } from 'node:stream';
import { Fault } from '../../core/faults.ts';
import {
  RequestReader,
  type Field,
  type Http1Event,
  type Http1Limits,
  type RequestHead,
} from '../../wire/http1/index.ts';
import type { Turn } from '../turn.ts';

export interface ClientEvents {
  /** The first bytes of a request head are there, the rest is not. */
  begun(): void;
  head(head: RequestHead): void;
  data(data: Buffer): void;
  end(trailers: readonly Field[]): void;
  malformed(fault: Fault): void;
  /** The client closed its sending side inside a request. */
  cutShort(): void;
  /** The client closed its sending side and everything it said was handled; it may still read. */
  saidAll(): void;
  failed(error: NodeJS.ErrnoException): void;
  closed(): void;
  /** The client took what was waiting for it. */
  drained(): void;
}

export class ClientSide {
  readonly socket: Duplex;
  readonly #reader: RequestReader;
  readonly #events: ClientEvents;
  #held = false;
  #stopped = false;
  /** The client closed its sending side; the reader is told when it comes to that in turn. */
  #halfClosed = false;
  #readerTold = false;

  constructor(socket: Duplex, limits: Http1Limits, events: ClientEvents) {
    this.socket = socket;
    this.#reader = new RequestReader(limits);
    this.#events = events;
  }

  start(): void {
    const { socket } = this;
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    // It may have died between its handshake and now; then nobody will tell.
    if (socket.destroyed) setImmediate(this.#onClose);
    else socket.resume();
  }

  /** No further request is parsed until `proceed`. */
  hold(): void {
    this.#held = true;
  }

  proceed(): void {
    this.#held = false;
    this.socket.resume();
  }

  /** Parses what has arrived, as far as it may. */
  pump(): void {
    while (!this.#held && !this.#stopped) {
      const event = this.#next();
      switch (event.kind) {
        case 'need-more':
          if (this.#halfClosed) this.#events.saidAll();
          else if (!this.#reader.idle) this.#events.begun();
          return;
        case 'malformed':
          if (event.early) this.#events.cutShort();
          else this.#events.malformed(new Fault(event.code, event.reason));
          return;
        case 'head':
          this.#events.head(event.head);
          break;
        case 'data':
          this.#events.data(event.data);
          break;
        case 'end':
          this.#events.end(event.trailers);
          break;
      }
    }
  }

  #next(): Http1Event<RequestHead> {
    if (!this.#halfClosed || this.#readerTold) return this.#reader.next();
    this.#readerTold = true;
    return this.#reader.finish();
  }

  /** Hands the connection over: no listener of ours stays. Gives the bytes behind the last request. */
  release(): Buffer {
    const { socket } = this;
    this.#stopped = true;
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    return this.#reader.takeRest();
  }

  /**
   * No more requests: sends what was written, ends our side, reads and drops what the client still says (a close with
   * unread bytes would reset the connection and could destroy the answer under way).
   */
  farewell(turn: Turn): void {
    const { socket } = this;
    this.#stopped = true;
    socket.off('data', this.#onData);
    socket.resume();
    socket.once('finish', () => {
      if (this.#halfClosed) socket.destroy();
    });
    turn.end(socket);
  }

  /** Stops parsing at once. */
  stop(): void {
    this.#stopped = true;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#reader.push(chunk);
    if (this.#held) this.socket.pause();
    else this.pump();
  };
  readonly #onDrain = (): void => {
    this.#events.drained();
  };
  readonly #onEnd = (): void => {
    this.#halfClosed = true;
    this.pump();
  };
  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#events.failed(error);
  };
  readonly #onClose = (): void => {
    this.#events.closed();
  };
}
