/**
 * After 101 Switching Protocols (WebSocket and others) the connection is bytes, both ways, until one side is done.
 * The exchange's record counts them; it does not look inside.
 */
import type { Duplex } from 'node:stream';
import { Fault } from '../../core/faults.ts';
import type { Flow } from '../flow.ts';
import { errorCode } from '../tunnel.ts';
import type { LiveExchange } from './exchange.ts';

/** Resolves when both sides are closed and the exchange is recorded. */
export async function relayUpgrade(
  flow: Flow,
  exchange: LiveExchange,
  client: Duplex,
  origin: Duplex,
  rest: { fromClient: Buffer; fromOrigin: Buffer },
): Promise<void> {
  const { turn, settings } = flow.ctx;
  exchange.upgraded = true;
  let fault: Fault | null = null;
  const idle = settings['timeout.idle'];
  const end = (why: Fault | null): void => {
    fault ??= why;
    client.destroy();
    origin.destroy();
  };
  flow.deadline(idle, 'idle-timeout');
  flow.onAbort = end;

  const carry = (from: Duplex, to: Duplex, tap: (data: Buffer) => void): Promise<void> => {
    const forward = (chunk: Buffer): void => {
      flow.movedAt = Date.now();
      flow.expiresAt = flow.movedAt + idle;
      tap(chunk);
      if (!turn.write(to, chunk)) from.pause();
    };
    to.on('drain', () => from.resume());
    from.on('data', forward);
    from.on('end', () => {
      turn.end(to);
    });
    return new Promise(resolve => {
      from.on('close', () => {
        turn.end(to);
        resolve();
      });
    });
  };
  client.on('error', error => {
    end(new Fault('client-reset', errorCode(error)));
  });
  origin.on('error', error => {
    end(new Fault('origin-reset', errorCode(error)));
  });
  const over = Promise.all([
    carry(client, origin, data => {
      exchange.tapRequest(data);
    }),
    carry(origin, client, data => {
      exchange.tapResponse(data);
    }),
  ]);
  if (rest.fromClient.length > 0) client.emit('data', rest.fromClient);
  if (rest.fromOrigin.length > 0) origin.emit('data', rest.fromOrigin);
  client.resume();
  origin.resume();
  await over;
  flow.onAbort = null;
  exchange.record(fault);
}
