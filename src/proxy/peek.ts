/**
 * Reading from a client socket until something is known, without consuming it: what was read is handed back to the
 * socket, and the next owner of the socket reads it again.
 */
import type { Socket } from 'node:net';
import { Fault, type FaultCode } from '../core/faults.ts';
import { HelloReader, type HelloResult } from '../wire/client-hello.ts';
import type { Flow } from './flow.ts';

export interface PeekCodes {
  closed: FaultCode;
  timeout: FaultCode;
}

/**
 * Feeds arriving bytes to `step` until it returns something. The socket is left paused, with no listeners of ours and
 * with every byte that `step` did not ask to drop still unread.
 * Rejects with the fault of the flow's deadline, or `codes.closed` when the client goes first.
 * `step` gets each new chunk; it returns `{ done, keep }` where `keep` is what the next owner shall see.
 */
export function readUntil<T>(
  flow: Flow,
  codes: PeekCodes,
  timeout: number,
  step: (chunk: Buffer) => { done: T; keep: Buffer | null } | null,
): Promise<T> {
  const socket: Socket = flow.socket;
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
      socket.pause();
      flow.onAbort = null;
      flow.expiresAt = Number.POSITIVE_INFINITY;
    };
    const onData = (chunk: Buffer): void => {
      let result: ReturnType<typeof step>;
      try {
        result = step(chunk);
      } catch (e) {
        leave();
        reject(e instanceof Error ? e : new Error(String(e)));
        return;
      }
      if (result === null) return;
      leave();
      if (result.keep !== null && result.keep.length > 0) socket.unshift(result.keep);
      resolve(result.done);
    };
    const onEnd = (): void => {
      leave();
      reject(new Fault(codes.closed));
    };
    if (socket.destroyed || socket.readableEnded) {
      reject(new Fault(codes.closed));
      return;
    }
    flow.deadline(timeout, codes.timeout);
    flow.onAbort = fault => {
      leave();
      reject(fault);
    };
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
    socket.resume();
  });
}

/** What the hello phase found. `timed-out` and `closed` keep what little had arrived unread. */
export type Peeked =
  Exclude<HelloResult, { outcome: 'need-more' }> | { outcome: 'timed-out'; reason: string };

/**
 * Gathers the ClientHello over any number of segments and records (DESIGN §4.4). The bytes stay in the socket.
 * A client that stalls is `timed-out`, one that leaves rejects with `hello-closed`.
 */
export async function peekHello(flow: Flow): Promise<Peeked> {
  const reader = new HelloReader();
  const chunks: Buffer[] = [];
  try {
    return await readUntil<Peeked>(
      flow,
      { closed: 'hello-closed', timeout: 'hello-timeout' },
      flow.ctx.settings['timeout.hello'],
      chunk => {
        chunks.push(chunk);
        const result = reader.push(chunk);
        return result.outcome === 'need-more' ? null : { done: result, keep: Buffer.concat(chunks) };
      },
    );
  } catch (e) {
    if (e instanceof Fault && e.code === 'hello-timeout')
      return {
        outcome: 'timed-out',
        reason: `no complete ClientHello, ${chunks.reduce((n, c) => n + c.length, 0)} bytes came`,
      };
    throw e;
  }
}
