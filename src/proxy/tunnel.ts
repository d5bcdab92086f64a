/**
 * Passthrough: dial, replay what was peeked at, then move raw bytes both ways until both sides are done (DESIGN §4.6).
 * It never looks at a byte.
 *
 * Origin to client is the heavy direction: its reads land in a small ring of reused buffers (no allocation per read)
 * and reading pauses while the client is behind, so a tunnel holds at most the ring plus what the kernel holds. Through
 * a parent its answer had to be read first, so the bytes come as events there, held back in the same way.
 */
import type { Socket } from 'node:net';
import { Fault } from '../core/faults.ts';
import type { Flow } from './flow.ts';
import { reachOrigin } from './way.ts';

/** libuv reads at most 64 KiB at a time. */
const READ_SIZE = 64 * 1024;
/** Buffers that may be on their way to the client at once, per tunnel. */
const RING = 4;

/** Runs the tunnel to its end. Rejects with a dial fault; faults of a running tunnel are left on the flow. */
export async function tunnel(flow: Flow, host: string, port: number): Promise<void> {
  const { ctx } = flow;
  const ring = new BufferRing();
  let deliver: (buffer: Buffer, n: number) => boolean = () => false;
  const straight = flow.verdict?.parent === undefined;
  const origin = await reachOrigin(flow, host, port, {
    // node gives the bytes read last in the buffer that `next` handed out before them.
    buffer: ring.next,
    callback: (n, buffer) => deliver(buffer as Buffer, n),
  });
  const client = flow.socket;
  // A socket that closed while its origin was looked up tells so only once, and nobody listened.
  if (client.destroyed) {
    origin.on('error', () => undefined);
    origin.destroy();
    return;
  }
  const idle = ctx.settings['timeout.idle'];
  const touch = (): void => {
    flow.movedAt = Date.now();
    flow.expiresAt = flow.movedAt + idle;
  };
  deliver = (buffer, n) => {
    touch();
    const roomInSocket = client.write(buffer.subarray(0, n), () => {
      ring.release(buffer);
      if (!client.writableNeedDrain) origin.resume();
    });
    return roomInSocket && ring.hasFree;
  };
  if (!straight)
    origin.on('data', (chunk: Buffer) => {
      touch();
      if (!client.write(chunk)) origin.pause();
    });
  client.on('drain', () => {
    if (ring.hasFree) origin.resume();
  });
  client.on('data', chunk => {
    touch();
    if (!origin.write(chunk)) client.pause();
  });
  origin.on('drain', () => client.resume());
  watchErrors(flow, client, origin);
  flow.deadline(idle, 'idle-timeout');
  flow.onAbort = () => {
    client.destroy();
    origin.destroy();
  };
  const ended = bothClosed(client, origin);
  client.resume();
  origin.resume();
  await ended;
  flow.onAbort = null;
}

/**
 * Passes half-close on (each side ends when the other has said all it had to say) and a full close too, after what is
 * still on its way. Resolves when both sockets are closed.
 */
function bothClosed(client: Socket, origin: Socket): Promise<void> {
  const one = (from: Socket, to: Socket): Promise<void> =>
    new Promise(resolve => {
      from.on('end', () => to.end());
      from.on('close', () => {
        to.destroySoon();
        resolve();
      });
    });
  return Promise.all([one(client, origin), one(origin, client)]).then(() => undefined);
}

function watchErrors(flow: Flow, client: Socket, origin: Socket): void {
  client.on('error', error => {
    flow.fail(new Fault('client-reset', errorCode(error)));
  });
  origin.on('error', error => {
    flow.fail(new Fault('origin-reset', errorCode(error)));
  });
}

export function errorCode(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message.slice(0, 200);
}

/**
 * Reused read buffers. A buffer is free again when the client's socket has taken its bytes over. When all are under
 * way the next read gets a fresh one that is dropped afterwards, so correctness never depends on the ring's size.
 */
class BufferRing {
  readonly #free: Buffer[] = Array.from({ length: RING }, () => Buffer.allocUnsafeSlow(READ_SIZE));

  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  readonly next = (): Buffer => this.#free.pop() ?? Buffer.allocUnsafeSlow(READ_SIZE);

  release(buffer: Buffer): void {
    if (this.#free.length < RING) this.#free.push(buffer);
  }
}
