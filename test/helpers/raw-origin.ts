/**
 * A TCP origin that does exactly what a script says, keeps every byte it was sent and counts its connections. For the
 * answers that no real server would give.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface RawOrigin {
  port: number;
  /** What came in, per connection, in order of accept. */
  received: string[];
  sockets: Socket[];
  stop(): Promise<void>;
}

/** `serve` is called with each new connection and its index; it may listen for data itself. */
export async function startRawOrigin(serve: (socket: Socket, index: number) => void): Promise<RawOrigin> {
  const received: string[] = [];
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, socket => {
    const index = received.push('') - 1;
    sockets.push(socket);
    socket.on('data', chunk => {
      received[index] += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    serve(socket, index);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    sockets,
    stop: () =>
      new Promise(resolve => {
        for (const s of sockets) s.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** Answers each complete bodyless request head with the next of `answers`. */
export function answering(...answers: (string | ((socket: Socket) => void))[]): (socket: Socket) => void {
  const queue = [...answers];
  return socket => {
    let seen = '';
    socket.on('data', chunk => {
      seen += chunk.toString('latin1');
      for (let end = seen.indexOf('\r\n\r\n'); end >= 0; end = seen.indexOf('\r\n\r\n')) {
        seen = seen.slice(end + 4);
        const next = queue.shift();
        if (typeof next === 'string') socket.write(next, 'latin1');
        else next?.(socket);
      }
    });
  };
}
