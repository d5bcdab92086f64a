/**
 * CONNECT to a parent proxy (RFC 9110 §9.3.6): asks for the tunnel and reads the answer to its last byte, not further. The
 * answer is read by the same strict reader as any response; anything but a clear yes is a fault, and the connection goes.
 */
import type { Socket } from 'node:net';
import { Fault } from '../core/faults.ts';
import { ResponseReader, type Http1Limits, type ResponseHead } from '../wire/http1/index.ts';
import type { DialOptions } from './dial.ts';

export interface TunnelOptions {
  onCancellable: DialOptions['onCancellable'];
  limits: Http1Limits;
  /** Value of `Proxy-Authorization`, and the name of the secret it was made of; null for none. */
  login: Login | null;
}

/** Credentials for a parent. */
export interface Login {
  value: string;
  /** Name of the secret, for messages. */
  name: string;
}

/** `target` is host and port as CONNECT writes them. Rejects with parent-refused, parent-auth, or what cancelled it. */
export function openTunnel(
  socket: Socket,
  target: string,
  { onCancellable, limits, login }: TunnelOptions,
): Promise<void> {
  const reader = new ResponseReader(limits);
  reader.expect('CONNECT', false);
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      socket.pause();
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
      socket.off('error', onError);
      onCancellable(null);
    };
    const fail = (fault: Fault): void => {
      leave();
      // Late errors of a socket that is being thrown away are nobody's business.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(fault);
    };
    const onData = (chunk: Buffer): void => {
      reader.push(chunk);
      for (;;) {
        const event = reader.next();
        if (event.kind === 'need-more') return;
        if (event.kind !== 'head') {
          fail(
            new Fault('parent-refused', event.kind === 'malformed' ? event.reason : 'no answer to CONNECT'),
          );
          return;
        }
        if (event.head.status < 200) continue;
        if (!event.head.upgrade) {
          fail(refusalOf(event.head, login));
          return;
        }
        leave();
        const early = reader.takeRest();
        if (early.length > 0) socket.unshift(Buffer.from(early));
        resolve();
        return;
      }
    };
    const onEnd = (): void => {
      fail(new Fault('parent-refused', 'closed before it answered'));
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      fail(new Fault('parent-refused', error.code ?? error.message));
    };
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
    socket.on('error', onError);
    onCancellable(fail);
    const credentials = login === null ? '' : `Proxy-Authorization: ${login.value}\r\n`;
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${credentials}\r\n`, 'latin1');
  });
}

function refusalOf(head: ResponseHead, login: Login | null): Fault {
  const words = `${head.status} ${head.reason}`.trim().slice(0, 200);
  if (head.status !== 407) return new Fault('parent-refused', words);
  return new Fault('parent-auth', `${words}; ${loginWords(login)}`);
}

/** What a parent that wants credentials got, for people. */
export function loginWords(login: Login | null): string {
  return login === null ? 'the group has no credentials' : `it did not take those of "${login.name}"`;
}
