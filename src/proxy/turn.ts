/**
 * One turn of the event loop: everything that the sockets brought in is handled, then the records are handed to the
 * operating system, then the answers leave. That order is the promise behind "no answered request without a row":
 * a worker killed at any moment has either written the row or not sent the last bytes.
 *
 * It is also the cheap way: one spool write and one TLS write per socket and turn, however many chunks came in.
 * Nothing waits longer than the turn. The set of dirty sockets is bounded by the connection cap.
 */
import type { Writable } from 'node:stream';
import type { AuditSink } from '../core/ports.ts';

export class Turn {
  readonly #audit: AuditSink;
  /** Corked sockets; true when the socket shall be ended after its last bytes. */
  readonly #dirty = new Map<Writable, boolean>();
  #scheduled = false;

  constructor(audit: AuditSink) {
    this.#audit = audit;
  }

  /** Write within this turn. Returns false when the socket wants the caller to wait for `drain`. */
  write(socket: Writable, chunk: Buffer | string): boolean {
    if (!this.#dirty.has(socket)) {
      socket.cork();
      this.#dirty.set(socket, false);
      this.schedule();
    }
    return typeof chunk === 'string' ? socket.write(chunk, 'latin1') : socket.write(chunk);
  }

  /** End the socket's writable side after what this turn wrote. */
  end(socket: Writable): void {
    if (!this.#dirty.has(socket)) socket.cork();
    this.#dirty.set(socket, true);
    this.schedule();
  }

  /** Make sure that the end of this turn flushes the records, also when no socket has anything to send. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#finish);
  }

  /** Runs the end of the turn now; for shutdown. */
  flush(): void {
    this.#finish();
  }

  readonly #finish = (): void => {
    this.#scheduled = false;
    this.#audit.flush();
    for (const [socket, end] of this.#dirty) {
      if (end) socket.end();
      else socket.uncork();
    }
    this.#dirty.clear();
  };
}
