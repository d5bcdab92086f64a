/**
 * The relay's reading end towards the origin: one connection at a time, its bytes turned into response events. It
 * notices what belongs to no request and lets such a connection go (requirement D3: an answer glued behind an answer
 * must never become the answer to the next request).
 */
import { Fault } from '../../core/faults.ts';
import type { Field, ResponseHead } from '../../wire/http1/index.ts';
import type { OriginLink } from './side.ts';

export interface OriginEvents {
  /** True while a request was sent whose response is not complete. */
  expecting(): boolean;
  /** False: the connection is not to be read as HTTP any more. */
  head(head: ResponseHead, link: OriginLink): boolean;
  data(data: Buffer, link: OriginLink): void;
  end(trailers: readonly Field[]): void;
  malformed(fault: Fault): void;
  /** The origin took what was waiting for it. */
  drained(): void;
  /** The connection ended; `link.failure` says of what, null for an orderly end. */
  over(link: OriginLink): void;
}

export class OriginSide {
  #link: OriginLink | null = null;
  #detach: () => void = () => undefined;
  readonly #events: OriginEvents;

  constructor(events: OriginEvents) {
    this.#events = events;
  }

  get link(): OriginLink | null {
    return this.#link;
  }

  /** Takes a connection over; an earlier one must have been dropped or released. */
  adopt(link: OriginLink): void {
    this.#link = link;
    const { socket } = link;
    const data = (chunk: Buffer): void => {
      link.reader.push(chunk);
      this.#pump(link);
    };
    const over = (): void => {
      this.#events.over(link);
    };
    const drained = (): void => {
      this.#events.drained();
    };
    this.#detach = () => {
      socket.off('drain', drained);
      socket.off('data', data);
      socket.off('end', over);
      socket.off('close', over);
    };
    socket.on('data', data);
    socket.on('drain', drained);
    socket.on('end', over);
    socket.on('close', over);
    socket.resume();
  }

  drop(): void {
    this.release()?.socket.destroy();
  }

  /** Gives the connection away without ending it; no listener of ours stays. */
  release(): OriginLink | null {
    const link = this.#link;
    this.#link = null;
    this.#detach();
    return link;
  }

  #pump(link: OriginLink): void {
    while (this.#link === link) {
      if (!this.#events.expecting()) {
        if (!link.reader.idle) this.drop();
        return;
      }
      const event = link.reader.next();
      switch (event.kind) {
        case 'need-more':
          return;
        case 'malformed':
          this.#events.malformed(new Fault(event.code, event.reason));
          return;
        case 'head':
          if (!this.#events.head(event.head, link)) return;
          break;
        case 'data':
          this.#events.data(event.data, link);
          break;
        case 'end':
          link.used++;
          if (!link.reader.idle) this.drop();
          this.#events.end(event.trailers);
          return;
      }
    }
  }
}
